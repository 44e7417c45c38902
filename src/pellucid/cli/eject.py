"""``pellucid eject``: a model goes in, a program of plain NumPy comes out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pellucid.cli.arguments import Force, Json, Model

if TYPE_CHECKING:
    from pellucid.layers.base import Array


def eject(
    model: Model,
    output: Annotated[
        Path, typer.Argument(metavar="OUTPUT", help="The program to write, such as out.py.", show_default=False)
    ],
    training: Annotated[
        Path | None,
        typer.Option(
            "--training",
            metavar="DATA",
            help="The table that pellucid train --members 1 got: the program trains too, to the same weights.",
            show_default="it only predicts",
        ),
    ] = None,
    test_share: Annotated[
        float | None,
        typer.Option(
            "--test-share",
            metavar="NUMBER",
            help="The --test-share that pellucid train got.",
            show_default="0.2, or 0 if it got --test",
        ),
    ] = None,
    force: Force = False,
    json: Json = False,
) -> int:
    """Write a model as a program of plain NumPy that predicts from a CSV file, and can be read from top to bottom.

    The program needs Python and NumPy, and nothing of Pellucid. All of a model's networks are in it, about 6 characters
    a weight. With --training it also trains: from the same start on the same batches, so that whoever has the table can
    follow how each weight came about. That takes a model of one network, trained with --members 1.
    """
    from pellucid.cli.display import Display, counted, size
    from pellucid.cli.output import check_output
    from pellucid.insight import eject as write
    from pellucid.model import load

    display = Display(as_json=json)
    if output.suffix.lower() != ".py":
        raise typer.BadParameter(f"got {str(output)!r}; it expects a name that ends in '.py'.", param_hint="OUTPUT")
    if training is None and test_share is not None:
        raise typer.BadParameter("it belongs to --training, which is not given.", param_hint="--test-share")
    if test_share is not None and not 0 <= test_share < 1:
        raise typer.BadParameter(
            f"got {test_share:g}; it expects a number from 0 to below 1.", param_hint="--test-share"
        )
    check_output(output, force=force, inputs=(model, training), noun="a program")
    estimator = load(model)
    if training is None:
        page = write(estimator, output, overwrite=force)
    else:
        page = _write_training(estimator, output, training, [0.2, 0] if test_share is None else [test_share], force)
    lines, n_bytes = page.count("\n"), len(page.encode())
    display.say(f"wrote {output} ({counted(lines, 'line')}, {size(n_bytes)})")
    display.say(f"  python {output} ROWS.csv             prints a prediction for each row")
    if training is not None:
        display.say(f"  python {output} --train {training}   trains from the start, and compares the weights")
    display.finish({"model": str(model), "output": str(output), "lines": lines, "bytes": n_bytes})
    return 0


def _write_training(estimator: Any, output: Path, data: Path, test_shares: list[float], force: bool) -> str:
    """Write the page with the first of the shares that gives the rows that the model learned from."""
    from pellucid.errors import DataError
    from pellucid.insight import eject as write
    from pellucid.insight.eject.fitting import OtherRowsError, refuse_population

    refuse_population(estimator)
    for share in test_shares:
        try:
            return write(estimator, output, training=True, overwrite=force, **table_of(estimator, data, share))
        except OtherRowsError:
            pass
    tried = " or ".join(f"{share:g}" for share in test_shares)
    raise DataError(
        f"{data}: these are not the rows that the model learned from, with a --test-share of {tried}. Give the table "
        "that pellucid train got, unchanged, and the --test-share that it got."
    )


def table_of(estimator: Any, path: Path, test_share: float) -> dict[str, Any]:
    """Return table, target and row numbers as ``pellucid train`` had them."""
    from pellucid.cli.rows import read_rows
    from pellucid.cli.targets import names_of, take_target
    from pellucid.errors import DataError
    from pellucid.tabular import ClassTarget

    if path.suffix.lower() != ".csv":
        raise DataError(
            f"{path}: the program that is written reads CSV files; write this table as {path.stem}.csv, "
            "such as with polars.read_parquet(...).write_csv(...), and give that."
        )
    source = read_rows(estimator, path, with_target=True)
    target = estimator.target_
    task = "classification" if isinstance(target, ClassTarget) else "regression"
    with source.locating():
        y = take_target(source.table, names_of(target), task)
        rows = _learned_rows(estimator, target.encode(y), test_share)
        features = [column.name for column in estimator.encoder_.columns if column.name in source.table.columns]
        return {"X": source.table.select(features), "y": y, "rows": rows}


def _learned_rows(estimator: Any, codes: Array, test_share: float) -> Array | None:
    from pellucid.random import Random
    from pellucid.tabular.splitting import split_rows

    if test_share == 0:
        return None
    return split_rows(len(codes), test_share, Random(estimator.seed_), codes if codes.dtype.kind == "i" else None)[0]
