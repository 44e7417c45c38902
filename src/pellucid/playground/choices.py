"""What can be chosen: the options of every class, the fields of every command, the columns of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pellucid.options import options, registered
from pellucid.playground.commands import COMMANDS
from pellucid.playground.configuration import FAMILIES, FEATURES, KINDS, SECTIONS, UNUSABLE, control
from pellucid.playground.rows import Rows

if TYPE_CHECKING:
    import polars

LEFT_OUT = ("identifier", "empty")


def choices() -> dict[str, Any]:
    """Return the frame of options, without tables."""
    families = {
        family: {
            name: [control(option) for option in options(cls)]
            for name, cls in registered(base).items()
            if name not in UNUSABLE
        }
        for family, base in FAMILIES.items()
    }
    return {
        "frame": "options",
        "families": families,
        "commands": {name: [control(option) for option in fields] for name, fields in COMMANDS.items()},
        "sections": {name: [control(option) for option in fields] for name, fields in SECTIONS.items()},
        "kinds": list(KINDS),
        "features": list(FEATURES),
    }


def described(name: str, table: polars.DataFrame) -> dict[str, Any]:
    """Return the frame that describes a table's columns."""
    from pellucid.tabular import infer_columns

    columns = infer_columns(table)
    return {
        "frame": "table",
        "name": name,
        "n_rows": table.height,
        "columns": [
            {
                "name": each.name,
                "kind": each.kind,
                "n_missing": each.n_missing,
                "examples": list(map(str, each.examples)),
            }
            for each in columns
        ],
        "targets": [each.name for each in columns if each.kind not in (*LEFT_OUT, "date")],
        "problems": [f"{each.name!r} is left out: {each.kind}" for each in columns if each.kind in LEFT_OUT],
    }


def described_model(name: str, estimator: Any) -> dict[str, Any]:
    """Return the frame that describes a fitted estimator."""
    from pellucid.tabular.target_names import names_of

    return {
        "frame": "model",
        "name": name,
        "type": type(estimator).__name__,
        "columns": [encoding.name for encoding in estimator.encoder_.encodings],
        "targets": names_of(estimator.target_),
        "n_networks": len(estimator.ensemble_.networks),
        "n_parameters": estimator.network_.parameters.size,
    }


def losses_for(rows: Rows) -> list[str]:
    """Return the losses that fit a target, the usual one first; of an opened model, its own."""
    if rows.loss is not None:
        return [type(rows.loss).__name__]
    if len(rows.classes) > 2:
        return ["CrossEntropy", "Focal"]
    if rows.classes:
        return ["BinaryCrossEntropy", "BinaryFocal", "CrossEntropy", "Focal", "SquaredError"]
    return ["SquaredError", "AbsoluteError", "Huber", "Quantile", *(["Poisson"] if rows.target.min() >= 0 else [])]
