"""Training: the loop from rows to weights, what it records, and what may watch it."""

from pellucid.training.callbacks import Callback, EarlyStopping, ProgressBar, Run, TimeBudget
from pellucid.training.history import History
from pellucid.training.loop import train
from pellucid.training.metrics import R2, Accuracy, Metric, RootMeanSquaredError

__all__ = [
    "R2",
    "Accuracy",
    "Callback",
    "EarlyStopping",
    "History",
    "Metric",
    "ProgressBar",
    "RootMeanSquaredError",
    "Run",
    "TimeBudget",
    "train",
]
