"""Export to one Python file that needs NumPy alone."""

from __future__ import annotations

from pellucid.export.targets.python_program import PythonProgram, base64_code, narrowed
from pellucid.layers.base import Array


class NumPy(PythonProgram):
    """All rows at once, in float32 or float64."""

    name = "numpy"
    functions = "numpy_functions.py"
    rows = "numpy_rows.py"
    wants = "a program that needs NumPy alone"
    computing = "Return the outputs by name, (n_rows, size) each, of raw columns by name, (n_rows, size)."

    def constant(self, array: Array) -> str:
        """Return a call that reads base64 text."""
        kept, shape = narrowed(array), ", ".join(map(str, array.shape))
        return f"constant({base64_code(kept)}, {'<' + kept.dtype.str[1:]!r}, {array.dtype.name!r}, {shape})"
