"""``pellucid demo``: the two tutorials that the project began with, as short programs to read."""

from __future__ import annotations

import enum
from typing import Annotated

import typer


class Demo(enum.StrEnum):
    """The programs."""

    SINGLE_LAYER = "single-layer"
    XOR = "xor"


def demo(
    name: Annotated[Demo, typer.Argument(help="Which program to run.", show_default=False)],
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

    if name is Demo.SINGLE_LAYER:
        single_layer.main()
    else:
        xor.main(start)
    return 0
