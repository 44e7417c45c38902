"""How each operation is written in C: as calls of the template's functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pellucid.export.graph import (
    Above,
    Activate,
    Affine,
    Blend,
    Cast,
    Circle,
    Clip,
    Code,
    Complement,
    Curves,
    Days,
    Graph,
    GroupedAffine,
    Join,
    Largest,
    Lookup,
    Missing,
    Normalize,
    Operation,
    Scale,
    Select,
    Sign,
    Squeeze,
    Sum,
    Waves,
)
from pellucid.export.targets.c.constants import filled, number, numbers
from pellucid.export.targets.c.functions import Variant, variant_name
from pellucid.export.targets.c.names import literal
from pellucid.export.targets.c.storage import ARRAYS, Storage
from pellucid.export.targets.python_program import narrowed
from pellucid.layers.base import Array
from pellucid.tabular.encodings import FIRST_LEVEL, MISSING

TYPES = {"float32": "float", "float64": "double"}


class Writer:
    """Writes the statements of a graph, and collects the functions and constants that they name."""

    def __init__(self, graph: Graph, members: dict[str, str]) -> None:
        self.storage = Storage(graph)
        self.types = {column.name: "float64" for column in graph.columns}
        self.types |= {operation.output: operation.dtype for operation in graph.operations}
        self.sizes = {column.name: column.size for column in graph.columns}
        self.sizes |= {operation.output: operation.size for operation in graph.operations}
        self.raw = {column.name: (f"row->{members[column.name]}", column.kind == "vector") for column in graph.columns}
        self.variants: dict[Variant, None] = {}
        self.constants: dict[tuple[str, bytes], str] = {}
        self.definitions: list[str] = []
        self.n_bytes = 0  # of constants
        self.statements = [line for operation in graph.operations for line in self._write(operation)]

    def _write(self, operation: Operation) -> list[str]:
        name = operation.output
        if name in self.storage.parts:
            return []
        place = f"{ARRAYS[operation.dtype]} + {self.storage.places[name]}"
        return [f"{TYPES[operation.dtype]} *const {name} = {place};", *WRITERS[type(operation)](self, operation)]

    def pointer(self, value: str) -> str:
        """Return the address of a value's first number."""
        whole, start = self.storage.whole(value)
        text, is_array = self.raw.get(whole, (whole, True))
        return (text if is_array else f"&{text}") + (f" + {start}" if start else "")

    def number(self, value: str) -> str:
        """Return the first number of a value, or the text of a category."""
        whole, start = self.storage.whole(value)
        text, is_array = self.raw.get(whole, (whole, True))
        return f"{text}[{start}]" if is_array else text

    def call(self, function: str, dtype: str, kept: str, *arguments: object) -> str:
        """Return a call of the function's variant for values of one type and constants of another."""
        self.variants[(function, TYPES[dtype], kept)] = None
        return f"{variant_name((function, TYPES[dtype], kept))}({', '.join(map(str, arguments))})"

    def arrays(self, operation: Operation) -> tuple[str, list[str]]:
        """Return the type that an operation's constants are kept in, and their names."""
        kept = {name: narrowed(array) for name, array in operation.constants.items()}
        if any(array.dtype == np.float64 for array in kept.values()):
            kept = operation.constants
        kind = TYPES[next(iter(kept.values())).dtype.name]
        return kind, [self._array(array, f"{operation.output}_{name}", kind) for name, array in kept.items()]

    def _array(self, array: Array, name: str, kind: str) -> str:
        key = kind, np.ascontiguousarray(array).tobytes()
        if key not in self.constants:
            self.constants[key] = name
            self.n_bytes += array.nbytes
            self.definitions.append(f"static const {kind} {name}[] = {{\n{numbers(array, kind)}\n}};")
        return self.constants[key]

    def levels(self, operation: Code) -> tuple[str, int]:
        """Return the name and length of a table of texts and codes, in ascending order of the texts' bytes."""
        codes = {level: code for code, level in enumerate(operation.levels, start=FIRST_LEVEL)}
        codes |= dict.fromkeys(operation.missing, MISSING)
        codes.pop("", None)  # the function's own
        found = sorted((text.encode("utf-8", "surrogatepass"), text, code) for text, code in codes.items())
        entries = [f"{{{literal(text)}, {code}}}" for _, text, code in found]
        name = f"{operation.output}_levels"
        if entries:
            self.n_bytes += sum(len(encoded) + 1 for encoded, _, _ in found)
            self.definitions.append(f"static const struct level {name}[] = {{\n{filled(entries)}\n}};")
        return (name if entries else "NULL"), len(entries)


def _scalar(function: str) -> Callable[[Writer, Any], list[str]]:
    return lambda w, o: [f"{o.output}[0] = {w.call(function, o.dtype, 'double', w.number(o.x))};"]


def _with_arrays(function: str, *sizes: Callable[[Any], int]) -> Callable[[Writer, Any], list[str]]:
    def write(w: Writer, o: Operation) -> list[str]:
        kept, names = w.arrays(o)
        inputs = [w.pointer(value) for value in o.inputs]
        return [w.call(function, o.dtype, kept, o.output, *inputs, *names, *(size(o) for size in sizes)) + ";"]

    return write


def _squeeze(w: Writer, o: Squeeze) -> list[str]:
    given = w.number(o.x), number(o.center, "double"), number(o.scale, "double")
    return [f"{o.output}[0] = {w.call('squeeze', o.dtype, 'double', *given)};"]


def _circle(w: Writer, o: Circle) -> list[str]:
    part = w.call(f"part_of_{o.period}", o.dtype, "double", w.number(o.x))
    return [w.call("circle", o.dtype, "double", o.output, part) + ";"]


def _code(w: Writer, o: Code) -> list[str]:
    return [f"{o.output}[0] = {w.call('code', o.dtype, 'double', w.number(o.x), *w.levels(o))};"]


def _convert(w: Writer, o: Cast | Select) -> list[str]:
    return [w.call("convert", o.dtype, TYPES[w.types[o.x]], o.output, w.pointer(o.x), o.size) + ";"]


def _join(w: Writer, o: Join) -> list[str]:
    lines, start = [], 0
    for part in o.parts:
        to, size = o.output + (f" + {start}" if start else ""), w.sizes[part]
        lines.append(w.call("convert", o.dtype, TYPES[w.types[part]], to, w.pointer(part), size) + ";")
        start += size
    return lines


def _normalize(w: Writer, o: Normalize) -> list[str]:
    kind = TYPES[o.dtype]
    return [w.call("normalize", o.dtype, kind, o.output, w.pointer(o.x), number(o.epsilon, kind), o.size) + ";"]


def _activate(w: Writer, o: Activate) -> list[str]:
    kind = TYPES[o.dtype]
    parameter = [number(o.parameter, kind)] if o.function in ("leaky_relu", "elu") else []
    return [w.call(f"apply_{o.function}", o.dtype, kind, o.output, w.pointer(o.x), *parameter, o.size) + ";"]


def _sum(w: Writer, o: Sum) -> list[str]:
    kind = TYPES[o.dtype]
    return [
        w.call("add" if index else "weigh", o.dtype, kind, o.output, w.pointer(part), number(weight, kind), o.size)
        + ";"
        for index, (part, weight) in enumerate(zip(o.parts, o.weights, strict=True))
    ]


def _complement(w: Writer, o: Complement) -> list[str]:
    return [w.call("complement", o.dtype, TYPES[o.dtype], o.output, w.pointer(o.x)) + ";"]


def _largest(w: Writer, o: Largest) -> list[str]:
    return [w.call("largest", o.dtype, TYPES[w.types[o.x]], o.output, w.pointer(o.x), w.sizes[o.x]) + ";"]


def _above(w: Writer, o: Above) -> list[str]:
    kind = TYPES[w.types[o.x]]
    return [w.call("above", o.dtype, kind, o.output, w.pointer(o.x), number(o.threshold, kind), o.size) + ";"]


def _size(o: Any) -> int:
    return int(o.size)


WRITERS: dict[type[Operation], Callable[[Writer, Any], list[str]]] = {
    Missing: _scalar("missing"),
    Squeeze: _squeeze,
    Sign: _scalar("sign"),
    Days: _scalar("days"),
    Circle: _circle,
    Code: _code,
    Lookup: _with_arrays("lookup", lambda o: o.table.shape[0], _size),
    Join: _join,
    Select: _convert,
    Cast: _convert,
    Affine: _with_arrays("affine", lambda o: o.weight.shape[0], _size),
    GroupedAffine: _with_arrays("grouped_affine", *(lambda o, i=i: o.weight.shape[i] for i in range(3))),
    Scale: _with_arrays("scale", _size),
    Curves: _with_arrays("curves", *(lambda o, i=i: o.knots.shape[i] for i in range(3))),
    Waves: _with_arrays("waves", *(lambda o, i=i: o.frequency.shape[i] for i in range(2))),
    Normalize: _normalize,
    Activate: _activate,
    Blend: _with_arrays("blend", _size),
    Sum: _sum,
    Clip: _with_arrays("clip", _size),
    Complement: _complement,
    Largest: _largest,
    Above: _above,
}
