"""``pellucid demo``: the two tutorials that the project began with, as short programs to read."""

from __future__ import annotations

from typing import Annotated

import typer

from pellucid.errors import listed, near_miss

DEMOS = ("single-layer", "xor")


def demo(
    name: Annotated[str, typer.Argument(metavar="NAME", help="single-layer or xor.", show_default=False)],
    start: Annotated[
        int,
        typer.Option(
            "--start",
            metavar="INTEGER",
            min=0,
            max=2**32 - 1,
            help="xor: the seed of the first weights; 74 gets stuck.",
        ),
    ] = 0,
) -> int:
    """Train a tiny network and print every weight.

    The programs are pellucid/examples/single_layer.py and xor.py.
    """
    from pellucid.examples import single_layer, xor

    if name not in DEMOS:
        raise typer.BadParameter(
            f"got {name!r}; it expects one of {listed(DEMOS)}{near_miss(name, DEMOS) or '.'}", param_hint="NAME"
        )
    if name == "single-layer":
        single_layer.main()
    else:
        xor.main(start)
    return 0
