"""Rows for a saved model: a file is read as the model's own table was, and has the columns that it needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pellucid.cli.display import counted, note
from pellucid.cli.source import Source
from pellucid.cli.targets import names_of
from pellucid.tabular import ClassTarget
from pellucid.tabular.encodings import UNKNOWN, CategoryEncoding
from pellucid.tabular.values import shown


def read_rows(estimator: Any, path: Path, *, with_target: bool) -> Source:
    """Read the table that a model is to predict; ``with_target`` also requires the true values."""
    target = estimator.target_
    targets = names_of(target) if with_target else []
    texts = list(estimator.encoder_.category_columns)
    if isinstance(target, ClassTarget) and not target.is_multilabel and target.classes.dtype.kind == "U":
        texts += targets  # the class 01 is not the number 1
    source = Source.read(path, missing=estimator.missing)
    present = [name for name in texts if name in source.table.columns]
    if present:
        source = Source.read(path, missing=estimator.missing, columns_as_text=present)
    source.require([encoding.name for encoding in estimator.encoder_.encodings], "which the model needs")
    source.require(targets, "the target, which evaluation needs")
    for encoding in estimator.encoder_.encodings:
        if isinstance(encoding, CategoryEncoding):
            _say_unknown(encoding, source)
    return source


def _say_unknown(encoding: CategoryEncoding, source: Source) -> None:
    """Say how many rows hold a category that the model does not know: their predictions rest on the other columns."""
    series = source.table[encoding.name]
    unknown = np.flatnonzero(encoding.codes(series) == UNKNOWN)
    if len(unknown):
        holds = "holds a value" if len(unknown) == 1 else "hold values"
        note(
            f"note: column {encoding.name!r}: {counted(len(unknown), 'row')} of {source.path} {holds} that the model "
            f"does not know, such as {shown(series[int(unknown[0])])}; counted as unknown"
        )
