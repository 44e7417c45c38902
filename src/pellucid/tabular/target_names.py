"""The names of a table's target columns, as a model keeps them."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from pellucid.errors import ModelFileError
from pellucid.tabular.targets import ClassTarget, NumberTarget


def keep_names(target: ClassTarget | NumberTarget, names: Sequence[str]) -> None:
    """Let a fitted target bear the names of its columns; messages show them, and `names_of` reads them back."""
    target.name = f"target{'' if len(names) == 1 else 's'} {', '.join(map(repr, names))}"


def names_of(target: ClassTarget | NumberTarget) -> list[str]:
    """Return the names of a model's target columns."""
    try:
        found = ast.literal_eval(target.name.partition(" ")[2])
    except (SyntaxError, ValueError):
        raise ModelFileError(
            "the model does not know the name of its target column; train it with a named column, or here."
        ) from None
    return [found] if isinstance(found, str) else [str(name) for name in found]
