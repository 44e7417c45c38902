"""``pellucid train``: a table goes in, a trained, evaluated and saved network comes out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pellucid.cli.arguments import Data, Force, Json, kinds_of, refuse_twice


def train(
    data: Data,
    target: Annotated[
        list[str],
        typer.Option(
            "--target",
            "-t",
            metavar="COLUMN",
            help="The column to predict; several: give it again.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Where to save the model.", show_default="DATA's name .pellucid"
        ),
    ] = None,
    test: Annotated[
        Path | None,
        typer.Option(
            "--test", metavar="FILE", help="A table to judge by, in place of --test-share.", show_default=False
        ),
    ] = None,
    test_share: Annotated[
        float | None,
        typer.Option(
            "--test-share",
            metavar="NUMBER",
            help="Share of the rows held out to judge by; 0: no evaluation.",
            show_default="0.2",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", metavar="INTEGER", min=0, help="Seed of everything that is drawn.")
    ] = 0,
    task: Annotated[
        str,
        typer.Option(
            "--task", metavar="TASK", help="auto, classification or regression; auto says what it chose, and why."
        ),
    ] = "auto",
    kind: Annotated[
        list[str] | None,
        typer.Option("--kind", metavar="COLUMN=KIND", help="A column is a number, category, boolean or date."),
    ] = None,
    missing: Annotated[
        list[str] | None,
        typer.Option("--missing", metavar="TEXT", help="A text that stands for a missing value, such as '?'."),
    ] = None,
    drop: Annotated[list[str] | None, typer.Option("--drop", metavar="COLUMN", help="A column to leave out.")] = None,
    force: Force = False,
    json: Json = False,
    **recipe: Any,
) -> int:
    """Train a network on a table, judge it on rows it has not seen, and save it.

    The network is scored beside a linear model and the plainest guess. Ctrl-C stops training and saves the best epoch.
    """
    from pellucid.cli.output import check_output
    from pellucid.cli.recipe import values
    from pellucid.cli.targets import TASKS
    from pellucid.cli.training import Order, run
    from pellucid.errors import listed, near_miss

    drop, kinds = list(drop or ()), kinds_of(kind or ())
    refuse_twice(target, "--target")
    refuse_twice([*target, *dict.fromkeys(drop)], "--target and --drop")
    if task not in TASKS:
        raise typer.BadParameter(
            f"got {task!r}; it expects one of {listed(TASKS)}{near_miss(task, TASKS)}", param_hint="--task"
        )
    if test is not None and test_share is not None:
        raise typer.BadParameter("--test and --test-share are both given; give one.", param_hint="--test")
    if test is not None and test.exists() and data.exists() and test.samefile(data):
        raise typer.BadParameter("it is DATA itself; rows that were learned do not judge.", param_hint="--test")
    if test_share is not None and not 0 <= test_share < 1:
        raise typer.BadParameter(
            f"got {test_share:g}; it expects a number from 0 to below 1.", param_hint="--test-share"
        )
    options = values(recipe)
    if output is None:
        output = Path(Path(data.name.removesuffix(".gz")).stem + ".pellucid")
    check_output(output, force=force, inputs=(data, test), noun="a model")
    share = 0.2 if test_share is None else test_share
    order = Order(
        data, tuple(target), output, test, share, seed, task, kinds, tuple(missing or ()), tuple(drop), options
    )
    return run(order, force=force, as_json=json)
