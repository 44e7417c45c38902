"""A target is a language or format that graphs are written in, with the runtime that proves what was written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import ClassVar

from pellucid.errors import OptionError, listed
from pellucid.export.graph import Graph, Operation
from pellucid.export.vectors import Vectors
from pellucid.layers.base import Array


@dataclass(frozen=True)
class Program:
    """What is written: texts or bytes by file name; the first file is the one that was asked for.

    notes : what else is worth saying of it, such as the memory that it takes
    """

    files: Mapping[str, str | bytes]
    notes: tuple[str, ...] = ()

    @property
    def n_bytes(self) -> int:
        """The size of all files."""
        return sum(len(text.encode() if isinstance(text, str) else text) for text in self.files.values())


def template(name: str) -> str:
    """Return the text of a file of ``targets/templates``, parts of which are copied into programs."""
    return (resources.files("pellucid.export.targets") / "templates" / name).read_text(encoding="utf-8")


class Target(ABC):
    """A language or format; subclasses write graphs in it and run what they wrote.

    name : as ``--target`` names it
    suffix : of files that it writes, such as ".c"
    precisions : "float", "double" or both, of the networks' arithmetic
    operations : the types that it can express
    most_constants : the largest number of numbers in constants, or None
    needs : what runs its programs, in words for someone who lacks it
    """

    name: ClassVar[str]
    suffix: ClassVar[str]
    precisions: ClassVar[tuple[str, ...]] = ("float", "double")
    operations: ClassVar[frozenset[type[Operation]]]
    most_constants: ClassVar[int | None] = None
    needs: ClassVar[str]

    def check(self, graph: Graph) -> None:
        """Raise `OptionError` for a graph that cannot be written, before anything is."""
        lacking = [kind.__name__ for kind in graph.used() if kind not in self.operations]
        if lacking:
            raise OptionError(f"export to {self.name}: it cannot express {listed(lacking)}; choose another target.")
        if self.most_constants is not None and graph.n_constants > self.most_constants:
            raise OptionError(
                f"export to {self.name}: the model has {graph.n_constants:,} numbers, and {self.name} takes at most "
                f"{self.most_constants:,}: train a smaller one, such as with members=1 and fewer hidden neurons, or "
                "choose another target."
            )

    @abstractmethod
    def write(self, graph: Graph, vectors: Vectors, stem: str) -> Program:
        """Return the files for a graph that was checked, with its test vectors and a self-test in them.

        stem : of the file that was asked for, from which names of functions may be made
        """

    @abstractmethod
    def runtime(self) -> str | None:
        """Return what would run a program here, such as "gcc 12.2.0", or None if there is nothing."""

    @abstractmethod
    def run(self, path: Path, graph: Graph, columns: Mapping[str, Array]) -> dict[str, Array]:
        """Run the written program's self-test, then the program on rows; return its outputs, (n_rows, size) each.

        columns : as `evaluate` takes them

        Raises `ProofError` if the program cannot be run, or its self-test fails.
        """
