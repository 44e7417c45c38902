"""Where the values of a program lie: in one array of each type, places used again once nobody needs a value."""

from __future__ import annotations

from dataclasses import dataclass, field

from pellucid.export.graph import Activate, Blend, Cast, Clip, Graph, Normalize, Operation, Scale, Select

IN_PLACE = (Activate, Blend, Clip, Normalize, Scale)  # these may write over their first input
ARRAYS = {"float32": "floats", "float64": "doubles"}


@dataclass
class Storage:
    """Places of values.

    places : by value, the first element of its place in the array of its type
    parts : by value that is a part of another, or all of it: that other, and where in it it begins
    sizes : of the arrays, by type
    """

    graph: Graph
    places: dict[str, int] = field(default_factory=dict)
    parts: dict[str, tuple[str, int]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ARRAYS, 0))

    def __post_init__(self) -> None:
        """Lay the values out, in the order of the operations, each in the first gap that is large enough."""
        made = {operation.output: operation for operation in self.graph.operations}
        types = {column.name: "float64" for column in self.graph.columns}
        types |= {name: operation.dtype for name, operation in made.items()}
        for operation in self.graph.operations:
            start = operation.start if isinstance(operation, Select) else 0
            if isinstance(operation, Select | Cast) and types[operation.x] == operation.dtype:
                whole, offset = self.whole(operation.x)
                self.parts[operation.output] = whole, offset + start
        last = self._last_uses()
        occupied: dict[str, Operation] = {}
        for step, operation in enumerate(self.graph.operations):
            name = operation.output
            if name in self.parts:
                continue
            first = operation.inputs[0] if operation.inputs else ""
            if (
                isinstance(operation, IN_PLACE)
                and first in occupied
                and last[first] == step
                and (occupied[first].size, occupied[first].dtype) == (operation.size, operation.dtype)
            ):
                self.places[name] = self.places[first]
                del occupied[first]
            else:
                self.places[name] = self._gap(operation, list(occupied.values()))
            occupied[name] = operation
            for ended in [value for value in occupied if last.get(value, step) <= step]:
                del occupied[ended]

    @property
    def n_bytes(self) -> int:
        """The size of both arrays."""
        return 4 * self.sizes["float32"] + 8 * self.sizes["float64"]

    def whole(self, value: str) -> tuple[str, int]:
        """Return the value that a value is a part of, or itself, and where in it it begins."""
        return self.parts.get(value, (value, 0))

    def _last_uses(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for step, operation in enumerate(self.graph.operations):
            found.update(dict.fromkeys((self.whole(name)[0] for name in operation.inputs), step))
        end = len(self.graph.operations)
        return found | {self.whole(output.value)[0]: end for output in self.graph.outputs}

    def _gap(self, operation: Operation, occupied: list[Operation]) -> int:
        """Return where the first gap begins that holds an operation's output."""
        start = 0
        taken = sorted((self.places[other.output], other.size) for other in occupied if other.dtype == operation.dtype)
        for place, size in taken:
            if place - start >= operation.size:
                break
            start = max(start, place + size)
        self.sizes[operation.dtype] = max(self.sizes[operation.dtype], start + operation.size)
        return start
