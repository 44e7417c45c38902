"""How a program in plain Python comes by its constants and takes rows: one by one. It is copied into each."""

import array
import base64
import sys


def constant(text, kept, *shape):
    """Return numbers as arrays in lists: of floats of 32 bits where these hold them exactly, else of 64."""
    found = array.array(kept, base64.b64decode(text))
    if sys.byteorder == "big":
        found.byteswap()
    for size in shape[:0:-1]:
        found = [found[start : start + size] for start in range(0, len(found), size)]
    return found


def outputs_of(columns):
    """Return the outputs by name, rows of numbers, of raw columns by name, rows of values."""
    n_rows = len(next(iter(columns.values())))
    made = [compute({name: rows[row] for name, rows in columns.items()}) for row in range(n_rows)]
    return {name: [list(each[name]) for each in made] for name in OUTPUTS}
