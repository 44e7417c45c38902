"""``pellucid export``: a model goes in, a program for another runtime comes out, proven by running it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pellucid.cli.arguments import Force, Json, Model


def export(
    model: Model,
    output: Annotated[
        Path,
        typer.Argument(metavar="OUTPUT", help="What to write; its suffix names the target.", show_default=False),
    ],
    target: Annotated[
        str | None,
        typer.Option("--target", metavar="NAME", help="The target by name.", show_default="by the suffix of OUTPUT"),
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(
            "--precision",
            metavar="NAME",
            help="Arithmetic of the networks: float or double.",
            show_default="the model's own where the target has it",
        ),
    ] = None,
    interval: Annotated[
        float | None,
        typer.Option(
            "--interval",
            metavar="NUMBER",
            help="Of a regression, also give the ends of the interval of this coverage, such as 0.9.",
            show_default="no interval",
        ),
    ] = None,
    require_proof: Annotated[
        bool, typer.Option("--require-proof", help="Fail where the program cannot be run here.")
    ] = False,
    force: Force = False,
    json: Json = False,
) -> int:
    """Write a model as a program for another runtime: raw row in, prediction out, nothing of Pellucid needed.

    The program is written beside OUTPUT, run in its own runtime on test rows that are kept in it, ordinary and extreme,
    and on generated ones, and renamed to OUTPUT only if it predicts what the model predicts.
    """
    from pellucid.cli.display import Display, counted, note, size
    from pellucid.cli.output import check_output
    from pellucid.errors import OptionError
    from pellucid.export import export as write
    from pellucid.export.exporting import choose
    from pellucid.model import load

    display = Display(as_json=json)
    try:
        choose(output, target)
    except OptionError as error:
        raise typer.BadParameter(
            str(error).removeprefix("export: "), param_hint="OUTPUT" if target is None else "--target"
        ) from None
    check_output(output, force=force, inputs=(model,), noun="a program")
    made = write(
        load(model),
        output,
        target=target,
        precision=precision,
        coverage=interval,
        overwrite=force,
        require_proof=require_proof,
        to_overwrite="--force",
    )
    names = ", ".join(map(str, made.files))
    display.say(f"wrote {names} ({size(made.n_bytes)}; {made.n_constants:,} numbers, arithmetic in {made.precision})")
    for said in made.notes:
        display.say(f"  {said}")
    document = {
        "model": str(model),
        "files": list(map(str, made.files)),
        "target": made.target,
        "precision": made.precision,
        "bytes": made.n_bytes,
        "constants": made.n_constants,
        "notes": list(made.notes),
        "proof": None,
    }
    if made.proof is None:
        note("pellucid: not proven: there is nothing here that runs it")
    else:
        proof = made.proof
        display.say(
            f"proven in {proof.runtime}: on {counted(proof.n_rows, 'row')}, {proof.n_vectors} of them in the program, "
            f"the largest difference is {proof.largest:.2g} (allowed: {proof.tolerance:g})"
        )
        if proof.n_ties:
            display.say(f"  {counted(proof.n_ties, 'row')} with another label, where two are as good as equal")
        document["proof"] = {
            "runtime": proof.runtime,
            "rows": proof.n_rows,
            "vectors": proof.n_vectors,
            "tolerance": proof.tolerance,
            "differences": dict(proof.differences),
            "ties": proof.n_ties,
        }
    display.finish(document)
    return 0
