"""``pellucid predict``: a model and a table go in, a prediction for each row comes out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pellucid.cli.arguments import Data, Force, Json, Model

if TYPE_CHECKING:
    import polars


def predict(
    model: Model,
    data: Data,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Where to write: .csv, .tsv, .parquet or .jsonl.",
            show_default="to print CSV",
        ),
    ] = None,
    proba: Annotated[bool, typer.Option("--proba", help="Add a column for the probability of each class.")] = False,
    interval: Annotated[
        float | None,
        typer.Option(
            "--interval",
            metavar="NUMBER",
            help="Coverage, such as 0.9: add the ends of an interval that holds so many of the true numbers, or for "
            "each class whether it is among those that hold so many of the true ones.",
            show_default=False,
        ),
    ] = None,
    force: Force = False,
    json: Json = False,
) -> int:
    """Predict each row of a table.

    The rows keep their order. Columns are found by name: their order, and further columns, make no difference.
    """
    from pellucid.cli.display import Display, counted, note
    from pellucid.cli.output import check_output, check_suffix, write_table
    from pellucid.cli.rows import read_rows
    from pellucid.model import load
    from pellucid.tabular import ClassTarget

    display = Display(as_json=json)
    if output is not None:
        check_suffix(output)
        check_output(output, force=force, inputs=(model, data))
    if interval is not None and not 0 < interval < 1:
        raise typer.BadParameter(f"got {interval:g}; it expects a number above 0 and below 1.", param_hint="--interval")
    estimator = load(model)
    if interval is not None and estimator.conformal_ is None:
        one = "single network (--members 1)" if not estimator.members_ else "model of independent labels"
        raise typer.BadParameter(
            f"the model is a {one}, which has no predictions of rows that took no part to measure coverage by.",
            param_hint="--interval",
        )
    if proba and not isinstance(estimator.target_, ClassTarget):
        raise typer.BadParameter("the model predicts numbers, which have no probabilities.", param_hint="--proba")
    source = read_rows(estimator, data, with_target=False)
    with source.locating():
        table = predictions(estimator, source.table, with_probabilities=proba, coverage=interval)
    if output is not None:
        write_table(table, output, force=force)
        note(f"wrote {counted(table.height, 'prediction')} to {output}")
        display.finish({"model": str(model), "data": str(data), "rows": table.height, "output": str(output)})
    elif json:
        columns = {name: table[name].to_list() for name in table.columns}
        display.finish({"model": str(model), "data": str(data), "rows": table.height, **columns})
    else:
        sys.stdout.write(table.write_csv())
    return 0


def predictions(
    estimator: Any, rows: polars.DataFrame, *, with_probabilities: bool, coverage: float | None
) -> polars.DataFrame:
    """Return a table with a column "prediction" (with several targets, one for each), and what else is asked for.

    That is "probability of" each class, and with a coverage "low" and "high" of numbers, or whether a row "may be" of
    each class.
    """
    import polars as pl

    from pellucid.cli.scores import predicted
    from pellucid.cli.targets import names_of
    from pellucid.tabular import ClassTarget

    target = estimator.target_
    if not isinstance(target, ClassTarget):
        found = predicted(estimator, rows)
        columns = [found] if found.ndim == 1 else list(found.T)
        names = names_of(target) if found.ndim == 2 else None
        made = _named("prediction", names, columns)
        if coverage is not None:
            ends = estimator.predict_interval(rows.to_dict(), coverage)
            for index, noun in enumerate(("low", "high")):
                end = ends[..., index]
                made |= _named(noun, names, [end] if names is None else list(end.T))
        return pl.DataFrame(made)
    probabilities = predicted(estimator, rows)
    if target.is_multilabel:
        names = names_of(target)
        made = _named("prediction", names, list(target.decode(probabilities > 0.5).T))
    else:
        names = [str(name) for name in target.classes.tolist()]
        made = _named("prediction", None, [target.decode(probabilities.argmax(axis=1))])
    if with_probabilities:
        made |= _named("probability", names, list(probabilities.T))
    if coverage is not None:
        sets = estimator.predict_sets(rows.to_dict(), coverage)
        made |= {f"may be {name}": column.tolist() for name, column in zip(names, sets.T, strict=True)}
    return pl.DataFrame(made)


def _named(noun: str, names: list[str] | None, columns: list[Any]) -> dict[str, list[Any]]:
    headings = [noun] if names is None else [f"{noun} of {name}" for name in names]
    return {heading: column.tolist() for heading, column in zip(headings, columns, strict=True)}
