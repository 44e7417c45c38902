"""The exceptions that Pellucid raises, and how their messages are built.

    PellucidError
    ├── OptionError (ValueError)             an option of a class or function has a value it cannot take
    ├── ShapeError (ValueError)              an array's shape does not fit
    │   └── LayerShapeError                  ... the layer that it enters
    ├── NotInitializedError (RuntimeError)   the network has no weights yet
    ├── DivergenceError (ArithmeticError)    the loss or a weight became NaN or infinite
    ├── DataError (ValueError)               a table holds something that cannot be used
    │   ├── MissingColumnError               ... or lacks a column
    │   └── TargetError                      ... in its target
    ├── ModelFileError (ValueError)          a model file is damaged, or of another kind or version
    ├── ForeignModelError (ValueError)       a model of another library cannot become a network
    ├── NotEnoughMemoryError (MemoryError)   what is asked for would not fit in memory
    ├── OutputError (OSError)                a file cannot be written
    ├── ProofError (ArithmeticError)         an exported program does not do what the model does
    └── MissingExtraError (ImportError)      a package that an extra installs is not there

Each message names the object, what it got, what it expected, and the fix. Every class is also the built-in
exception that fits, so ordinary handlers work.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable
from types import ModuleType

__all__ = [
    "DataError",
    "DivergenceError",
    "ForeignModelError",
    "LayerShapeError",
    "MissingColumnError",
    "MissingExtraError",
    "ModelFileError",
    "NotEnoughMemoryError",
    "NotInitializedError",
    "OptionError",
    "OutputError",
    "PellucidError",
    "ProofError",
    "ShapeError",
    "TargetError",
    "listed",
    "near_miss",
    "require",
]


class PellucidError(Exception):
    """The base of every exception that Pellucid raises on purpose."""


class OptionError(PellucidError, ValueError):
    """An option of a class or function has a value that it cannot take."""


class ShapeError(PellucidError, ValueError):
    """An array's shape does not fit where it is used."""


class LayerShapeError(ShapeError):
    """A layer got an input with a number of columns that it does not take."""


class NotInitializedError(PellucidError, RuntimeError):
    """A network is used before it has weights."""


class DivergenceError(PellucidError, ArithmeticError):
    """Training produced a loss or a weight that is NaN or infinite."""


class DataError(PellucidError, ValueError):
    """A table holds something that training or prediction cannot use."""


class MissingColumnError(DataError):
    """A table lacks a column that is needed."""


class TargetError(DataError):
    """A target column cannot be learned: NaN, one class only, constant, or of the wrong kind."""


class ModelFileError(PellucidError, ValueError):
    """A model file is damaged, is no model file, or has a version that this release does not read."""


class ForeignModelError(PellucidError, ValueError):
    """A model of another library, or its file, is damaged or holds something that a `Network` cannot."""


class NotEnoughMemoryError(PellucidError, MemoryError):
    """What is asked for would not fit in memory."""


class OutputError(PellucidError, OSError):
    """A file cannot be written: it exists, its folder does not, or the disk is full."""


class ProofError(PellucidError, ArithmeticError):
    """An exported program does not do what the model does, or cannot be run to show it."""


class MissingExtraError(PellucidError, ImportError):
    """A feature needs a package that one of Pellucid's extras installs."""


def listed(names: Iterable[object], limit: int = 12) -> str:
    """Return names as sorted text for a message, shortened after ``limit`` of them.

    >>> listed(["tanh", "relu"])
    "'relu', 'tanh'"
    """
    ordered = sorted(str(name) for name in names)
    shown = ", ".join(repr(name) for name in ordered[:limit])
    return shown if len(ordered) <= limit else f"{shown} and {len(ordered) - limit} more"


def near_miss(word: str, names: Iterable[object]) -> str:
    """Return ``"; did you mean 'x'?"`` for the name nearest to ``word``, or an empty string.

    >>> near_miss("Relu", ["relu", "tanh"])
    "; did you mean 'relu'?"
    """
    by_folded = {str(name).casefold(): str(name) for name in names}
    close = difflib.get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.6)
    return f"; did you mean {by_folded[close[0]]!r}?" if close else ""


def require(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import an optional package, or say in one line which extra installs it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"{purpose} needs the package {module.split('.')[0]!r}, which is not installed: "
            f"pip install 'pellucid[{extra}]'"
        ) from error
