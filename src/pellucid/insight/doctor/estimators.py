"""The doctor's visit to a fitted estimator: its network, its table as the network sees it, and its history."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.insight.doctor.diagnosis import diagnose
from pellucid.insight.doctor.report import Report
from pellucid.layers.base import Array
from pellucid.training import History


def diagnose_estimator(estimator: Any, table: Any, encoded: Array) -> Report:
    """Return what `diagnose` finds in the (strongest) network of a fitted Tabular estimator.

    table, encoded : the raw table, and its target as ``target_.encode`` returns it
    """
    encoder = estimator.encoder_
    return diagnose(
        estimator.network_,
        encoder.transform(table, estimator.network_.dtype),
        encoded,
        loss=estimator.loss_,
        history=_up_to(estimator.history_, estimator.best_epoch_),
        column_names=encoder.feature_names,
    )


def _up_to(history: History, best_epoch: int) -> History:
    """Return the history up to the epoch whose weights were kept: what came after is not in the model."""
    n_rows = history["epoch"].index(best_epoch) + 1
    kept = History(history.state, history.engine, history.engine_reason)
    kept.extend({name: np.asarray(column[:n_rows]) for name, column in history.to_dict().items()})
    return kept
