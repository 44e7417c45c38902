"""Export to one Python file that needs nothing but Python."""

from __future__ import annotations

from typing import ClassVar

from pellucid.export.graph import Affine, Cast, GroupedAffine, Join, Select
from pellucid.export.targets.python_program import CALLS, PythonProgram, base64_code, narrowed
from pellucid.layers.base import Array


class Python(PythonProgram):
    """One row after another, in float64, the only one that Python has. Weights are kept by output."""

    name = "python"
    precisions = ("double",)
    functions = "python_functions.py"
    rows = "python_rows.py"
    wants = "a program that needs nothing but Python"
    computing = "Return the outputs by name, a list of numbers each, of a row's raw values by name, a list each."
    calls: ClassVar = CALLS | {
        Join: lambda o, v, c: f"[{', '.join('*' + v(part) for part in o.parts)}]",
        Select: lambda o, v, c: f"{v(o.x)}[{o.start}:{o.start + o.size}]",
        Cast: lambda o, v, c: v(o.x),
        Affine: lambda o, v, c: f"affine({v(o.x)}, {c(o.weight.T)}, {c(o.bias)})",
        GroupedAffine: lambda o, v, c: f"grouped_affine({v(o.x)}, {c(o.weight.transpose(0, 2, 1))}, {c(o.bias)})",
    }

    def constant(self, array: Array) -> str:
        """Return a call that reads base64 text."""
        kept, shape = narrowed(array), ", ".join(map(str, array.shape))
        return f"constant({base64_code(kept)}, {kept.dtype.char!r}, {shape})"
