"""``pellucid trace``: every number of a training step, and how it came about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pellucid.cli.arguments import Force
from pellucid.errors import OptionError, listed, near_miss

if TYPE_CHECKING:
    from pellucid.insight import Trace

EXAMPLES = ("single-layer", "xor")
FORMATS = {"text": ".txt", "markdown": ".md", "html": ".html", "json": ".json"}


def trace(
    subject: Annotated[
        str,
        typer.Argument(
            metavar="EXAMPLE|MODEL", help="single-layer, xor, or a model that pellucid train saved.", show_default=False
        ),
    ],
    data: Annotated[
        Path | None,
        typer.Argument(metavar="[DATA]", help="With a model: a table with its target column.", show_default=False),
    ] = None,
    step: Annotated[
        list[int] | None,
        typer.Option(
            "--step",
            metavar="INTEGER",
            min=0,
            help="Which step, from 0: of an example's training, or from a model's weights on; repeatable.",
        ),
    ] = None,
    row: Annotated[
        list[int] | None,
        typer.Option("--row", metavar="INTEGER", min=0, help="Only with these rows of the table, from 0; repeatable."),
    ] = None,
    start: Annotated[
        int,
        typer.Option("--start", metavar="INTEGER", min=0, max=2**32 - 1, help="xor: the seed of the first weights."),
    ] = 0,
    shown_rows: Annotated[
        str, typer.Option("--shown-rows", metavar="LIST", help="Rows of the batch to print, from 0, such as 0,3.")
    ] = "",
    shown_columns: Annotated[
        str, typer.Option("--shown-columns", metavar="LIST", help="Columns to print, from 0, such as 0,3.")
    ] = "",
    most: Annotated[
        int | None,
        typer.Option(
            "--most",
            metavar="INTEGER",
            min=1,
            help="Most rows and columns to print of each array.",
            show_default="6; in JSON all",
        ),
    ] = None,
    digits: Annotated[int, typer.Option("--digits", metavar="INTEGER", min=1, max=17, help="Significant digits.")] = 4,
    arithmetic: Annotated[
        str,
        typer.Option("--arithmetic", metavar="CELLS", help="Cells to write out: first of each array, all, or none."),
    ] = "first",
    differences: Annotated[
        bool | None,
        typer.Option(
            "--differences/--no-differences",
            help="Finite differences beside the slopes.",
            show_default="as many as take a bearable time",
        ),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="text, markdown, html or json.",
            show_default="by the output's name, or text",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to write.", show_default="to print"),
    ] = None,
    force: Force = False,
) -> int:
    """Show every number of a training step with its formula, from the inputs to the new weights.

    An example is traced at any step of its training. A model is traced from its saved weights on: step 0 is the first
    that would come next. A model file keeps no state of the optimizer, so that starts afresh.
    """
    from pellucid.cli.display import note
    from pellucid.cli.output import check_output
    from pellucid.insight.ledger.view import TooLargeError

    form = _format(form, output)
    chosen: dict[str, Any] = {"digits": digits, "differences": differences}
    chosen["arithmetic"] = _one_of(arithmetic, ("first", "all", "none"), "--arithmetic")
    chosen["rows"] = _numbers(shown_rows, "--shown-rows")
    chosen["columns"] = _numbers(shown_columns, "--shown-columns")
    if most is not None:
        chosen["most"] = most
    if output is not None:
        check_output(output, force=force, inputs=(data, Path(subject)), noun="a trace")
    found = _of_example(subject, step, row, start) if data is None else _of_model(Path(subject), data, step, row)
    try:
        if form == "text" and output is None:
            found.show(**chosen)
            return 0
        text = _written(found, form, chosen)
    except TooLargeError as error:
        fix = "Choose fewer: --shown-rows 0,1 --shown-columns 0,1,2, or --most 6."
        raise OptionError(f"{error.problem} {fix}") from None
    if output is None:
        print(text, end="")
    else:
        _write(text, output, force=force)
        note(f"wrote {found!r}".partition(";")[0] + f" to {output}")
    return 0


def _of_example(name: str, steps: list[int] | None, rows: list[int] | None, start: int) -> Trace:
    from pellucid.examples import single_layer, xor
    from pellucid.insight import trace as trace_steps

    if name not in EXAMPLES:
        if Path(name).exists():
            raise typer.BadParameter(f"the model {name!r} needs a table with its target column.", param_hint="DATA")
        raise typer.BadParameter(
            f"got {name!r}; it expects one of {listed(EXAMPLES)}, or a model and a table"
            f"{near_miss(name, EXAMPLES) or '.'}",
            param_hint="EXAMPLE",
        )
    example: Any = xor if name == "xor" else single_layer
    network = xor.build(start) if name == "xor" else single_layer.build()
    return trace_steps(
        network, example.X, example.y, loss=example.LOSS, optimizer=example.OPTIMIZER, steps=steps or 0, batch=rows
    )


def _of_model(model: Path, data: Path, steps: list[int] | None, rows: list[int] | None) -> Trace:
    """Trace steps that would come next, each over the whole table, with the optimizer of the model's recipe, fresh."""
    from pellucid.cli.display import note
    from pellucid.cli.ensemble import strongest, which_network
    from pellucid.cli.rows import read_rows
    from pellucid.cli.targets import names_of, take_target
    from pellucid.estimators.recipe import build_optimizer
    from pellucid.estimators.single import configuration_of
    from pellucid.insight import trace as trace_steps
    from pellucid.model import load
    from pellucid.tabular import ClassTarget

    estimator = load(model)
    source = read_rows(estimator, data, with_target=True)
    target = estimator.target_
    with source.locating():
        task = "classification" if isinstance(target, ClassTarget) else "regression"
        y = target.encode(take_target(source.table, names_of(target), task))
        X = estimator.encoder_.transform(source.table, estimator.network_.dtype)
    for row in rows or ():
        if row >= len(X):
            raise OptionError(f"{data} has the rows 0 to {len(X) - 1}; --row got {row}.")
    part = strongest(estimator)
    own = part.configuration if part else configuration_of(estimator, estimator.receipt_["training_rows"])
    optimizer = build_optimizer(own.learning_rate, own.weight_decay)
    which = which_network(estimator)
    of = f" of {which}" if which else ""
    before = f" after {max(steps):,} others" if steps and max(steps) else ""
    note(
        f"note: a training step{before} from the saved weights{of}, each over all {len(X):,} rows, with dropout as in "
        f"training and a fresh optimizer: {optimizer!r}"
    )
    chosen = rows or list(range(len(X)))
    return trace_steps(
        estimator.network_, X, y, loss=estimator.loss_, optimizer=optimizer, steps=steps or 0, batch=chosen
    )


def _written(found: Trace, form: str, chosen: dict[str, Any]) -> str:
    if form == "json":
        return json.dumps(found.to_json(**chosen), ensure_ascii=False, allow_nan=False) + "\n"
    return {"text": found.to_text, "markdown": found.to_markdown, "html": found.to_html}[form](**chosen)


def _write(text: str, output: Path, *, force: bool) -> None:
    from pellucid.model import whole_file

    content = text.encode("utf-8")
    with whole_file(output, overwrite=force, needed_bytes=len(content), noun="a trace") as temporary:
        temporary.write_bytes(content)


def _format(form: str | None, output: Path | None) -> str:
    if form is not None:
        return _one_of(form, tuple(FORMATS), "--format")
    suffixes = {suffix: name for name, suffix in FORMATS.items()}
    return "text" if output is None else suffixes.get(output.suffix.lower(), "text")


def _one_of(word: str, words: tuple[str, ...], flag: str) -> str:
    if word not in words:
        raise typer.BadParameter(
            f"got {word!r}; it expects one of {listed(words)}{near_miss(word, words) or '.'}", param_hint=flag
        )
    return word


def _numbers(words: str, flag: str) -> list[int] | None:
    if not words:
        return None
    if not all(word.strip().isdecimal() for word in words.split(",")):
        raise typer.BadParameter(f"got {words!r}; it expects whole numbers from 0, such as 0,3.", param_hint=flag)
    return [int(word) for word in words.split(",")]
