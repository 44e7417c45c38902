"""Optimizers: each file holds one published rule."""

from pellucid.optimizers.adam import Adam, AdamW
from pellucid.optimizers.base import Optimizer, SearchingOptimizer
from pellucid.optimizers.lbfgs import LBFGS
from pellucid.optimizers.rmsprop import RMSprop
from pellucid.optimizers.sgd import SGD

__all__ = ["LBFGS", "SGD", "Adam", "AdamW", "Optimizer", "RMSprop", "SearchingOptimizer"]
