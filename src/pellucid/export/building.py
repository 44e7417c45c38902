"""A builder writes a graph, operation by operation, and names the values."""

from __future__ import annotations

from typing import Any

from pellucid.export.graph import Column, Graph, Operation, Output


class Builder:
    """Collects columns, operations and outputs; names of values are ``v1``, ``v2``, ..., but for those of columns."""

    def __init__(self, columns: tuple[Column, ...]) -> None:
        self.columns = columns
        self.operations: list[Operation] = []
        self._taken = {column.name for column in columns}
        self._count = 0

    def add(self, kind: type[Operation], size: int, dtype: str, *arguments: Any, **named: Any) -> str:
        """Add an operation and return the name of its output."""
        self._count += 1
        while f"v{self._count}" in self._taken:
            self._count += 1
        output = f"v{self._count}"
        self.operations.append(kind(output, size, dtype, *arguments, **named))
        return output

    def graph(self, title: str, outputs: tuple[Output, ...], metadata: dict[str, str]) -> Graph:
        """Return the graph."""
        return Graph(title, self.columns, tuple(self.operations), outputs, tuple(metadata.items()))
