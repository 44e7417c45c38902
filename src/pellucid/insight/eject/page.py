"""The page: what is written for a network, put together as one file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pellucid import __version__
from pellucid.insight.eject.functions import write_unpack
from pellucid.insight.eject.layers import write
from pellucid.insight.eject.layout import Expression, array_code, call, is_packed, laid_out, tuple_of
from pellucid.insight.eject.sources import Sources
from pellucid.insight.eject.tape import Tape, Value
from pellucid.layers.base import Array
from pellucid.network import Network
from pellucid.random import Random


@dataclass
class Page:
    """A page in the making: a title, constants, functions, and what the file does when it is run."""

    title: list[str]
    sources: Sources = field(default_factory=Sources)
    small: list[str] = field(default_factory=list)
    large: list[str] = field(default_factory=list)
    main: list[str] = field(default_factory=list)

    def array(self, name: str, array: Array) -> None:
        """Add an array: above the functions if its numbers are written out, else below them."""
        after = f"  # {array.shape}"
        if is_packed(array):
            write_unpack(self.sources)
            self.large += laid_out(array_code(array), before=f"{name} = ", after=after)
        else:
            self.small += laid_out(array_code(array), before=f"{name} = ", after=after)

    def constant(self, name: str, value: Expression) -> None:
        """Add a constant; it stands below the arrays that it may name."""
        if self.large or "unpack(" in str(value):
            self.below(name, value)
        else:
            self.small += laid_out(value, before=f"{name} = ")

    def below(self, name: str, value: Expression) -> None:
        """Add a constant below the functions, which it may name."""
        if "unpack(" in str(value):
            write_unpack(self.sources)
        self.large += laid_out(value, before=f"{name} = ")

    def function(self, name: str, lines: Sequence[str]) -> None:
        """Add a function."""
        self.sources.text(name, "\n".join(lines))

    def text(self) -> str:
        """Return the file."""
        modules = sorted(self.sources.modules - {"numpy"})
        imports = [f"import {name}" for name in modules] + ([""] if modules else []) + ["import numpy as np"]
        functions = _spaced(self.sources.texts)
        blocks = ["\n".join(block) for block in (self.small, functions, self.large, self._main()) if block]
        heading = "\n".join(['"""' + self.title[0], *(f"{line}".rstrip() for line in self.title[1:]), '"""'])
        spaced = f"{heading}\n\n" + "\n".join(imports) + "\n"
        for number, block in enumerate(blocks):
            spaced += ("\n" if number == 0 and block and self.small else "\n\n") + block + "\n"
        return spaced

    def _main(self) -> list[str]:
        return ['if __name__ == "__main__":', *(f"    {line}" for line in self.main)] if self.main else []


def _spaced(texts: dict[str, str]) -> list[str]:
    """Return functions two lines apart, and constants together."""
    lines: list[str] = []
    before = ""
    for text in texts.values():
        kind = "function" if text.startswith("def ") else "constant"
        if lines:
            lines += [""] * (0 if kind == before == "constant" else 2)
        lines.append(text)
        before = kind
    return lines


def tape_of(
    network: Network, sources: Sources, *, training: bool, scheduled_dropout: bool = False
) -> tuple[Tape, Value]:
    """Return the tape with the lines of a network, and its outputs; the way back is on it where it is to train."""
    tape = Tape(sources, network.dtype, training=training, scheduled_dropout=scheduled_dropout)
    outputs, back = write(tape, network.chain, Value("X", "X", network.n_inputs), Random())
    if training:
        back(f"d{outputs.trained}", False)
    return tape, outputs


def forward_function(
    name: str, tape: Tape, network: Network, outputs: Value, arguments: Sequence[str] = ()
) -> list[str]:
    """Return the function that predicts; what is no argument is a name of the page."""
    return [
        *laid_out(call(f"def {name}", "X", *arguments), after=":"),
        f'    """Return {outputs.predicted} : (n, {network.n_outputs}) for X : (n, {network.n_inputs})."""',
        f"    X = np.asarray(X, dtype=np.{np.dtype(network.dtype).name})",
        *tape.predicting_lines,
        f"    return {outputs.predicted}",
    ]


def weights(page: Page, tape: Tape, *, with_parameters: bool) -> None:
    """Add the arrays of a network."""
    for weight in (*tape.parameters, *tape.buffers):
        page.array(weight.symbol, weight.array)
    if with_parameters:
        page.constant("PARAMETERS", tuple_of(weight.symbol for weight in tape.parameters))


def provenance() -> str:
    """Return the line that says where a page comes from."""
    return f"Ejected from Pellucid {__version__}: plain NumPy, which needs nothing else."
