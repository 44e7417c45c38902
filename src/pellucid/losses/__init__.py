"""Losses: value and gradient on a network's raw outputs, each with its link, and the penalty on weights."""

from pellucid.losses.base import Loss
from pellucid.losses.classification import BinaryCrossEntropy, CrossEntropy
from pellucid.losses.focal import BinaryFocal, Focal
from pellucid.losses.penalty import Penalty
from pellucid.losses.regression import AbsoluteError, Huber, Poisson, Quantile, SquaredError

__all__ = [
    "AbsoluteError",
    "BinaryCrossEntropy",
    "BinaryFocal",
    "CrossEntropy",
    "Focal",
    "Huber",
    "Loss",
    "Penalty",
    "Poisson",
    "Quantile",
    "SquaredError",
]
