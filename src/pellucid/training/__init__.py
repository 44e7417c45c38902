"""Training: the loop from rows to weights, what it records, and what may watch it."""

from pellucid.training.callbacks import Callback, EarlyStopping, ProgressBar, Run, TimeBudget
from pellucid.training.history import History
from pellucid.training.loop import train
from pellucid.training.metrics import (
    AUROC,
    R2,
    Accuracy,
    BrierScore,
    LogLoss,
    MeanAbsoluteError,
    Metric,
    RootMeanSquaredError,
)

__all__ = [
    "AUROC",
    "R2",
    "Accuracy",
    "BrierScore",
    "Callback",
    "EarlyStopping",
    "History",
    "LogLoss",
    "MeanAbsoluteError",
    "Metric",
    "ProgressBar",
    "RootMeanSquaredError",
    "Run",
    "TimeBudget",
    "train",
]
