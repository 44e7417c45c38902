"""``pellucid train``: a table goes in, a trained, evaluated and saved ensemble comes out."""

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
    groups: Annotated[
        str | None,
        typer.Option(
            "--groups",
            metavar="COLUMN",
            help="Rows that share its value, such as a patient, are never parted; not learned from.",
            show_default=False,
        ),
    ] = None,
    order: Annotated[
        str | None,
        typer.Option(
            "--order",
            metavar="COLUMN",
            help="A date or number: the last rows by it judge the earlier ones; not learned from.",
            show_default=False,
        ),
    ] = None,
    force: Force = False,
    json: Json = False,
    **recipe: Any,
) -> int:
    """Train an ensemble of networks on a table, judge it on rows it has not seen, and save it.

    Networks of many configurations are trained side by side, and those that are best together are kept; --members 1
    trains a single one. The result is scored beside a linear model and the plainest guess. Ctrl-C stops training and
    saves what was reached.
    """
    from pellucid.cli.material import Order
    from pellucid.cli.output import check_output
    from pellucid.cli.recipe import values
    from pellucid.cli.targets import TASKS
    from pellucid.cli.training import run
    from pellucid.errors import listed, near_miss

    drop, kinds = list(drop or ()), kinds_of(kind or ())
    refuse_twice(target, "--target")
    if groups is not None and order is not None:
        raise typer.BadParameter("--groups and --order are both given; give one.", param_hint="--groups")
    for flag, name in (("--groups", groups), ("--order", order)):
        if name is not None:
            refuse_twice([*target, name], f"--target and {flag}")
            refuse_twice([*dict.fromkeys(drop), name], f"--drop and {flag}")
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
    given = Order(
        data=data,
        targets=tuple(target),
        output=output,
        test=test,
        test_share=0.2 if test_share is None else test_share,
        seed=seed,
        task=task,
        kinds=kinds,
        missing=tuple(missing or ()),
        drop=tuple(drop),
        groups=groups,
        order=order,
        options=options,
    )
    return run(given, force=force, as_json=json)
