"""Layers: each file holds one kind, with its formula, its derivation, `forward` and `backward`."""

from pellucid.layers.activation import ActivationLayer
from pellucid.layers.base import Layer
from pellucid.layers.dense import Dense
from pellucid.layers.dropout import Dropout
from pellucid.layers.embedding import Embedding
from pellucid.layers.holding import Chain, Columns, Residual
from pellucid.layers.normalization import BatchNorm, LayerNorm
from pellucid.layers.periodic_embedding import PeriodicEmbedding
from pellucid.layers.periodic_features import PeriodicFeatures
from pellucid.layers.piecewise_linear_embedding import PiecewiseLinearEmbedding
from pellucid.layers.scale import Scale

__all__ = [
    "ActivationLayer",
    "BatchNorm",
    "Chain",
    "Columns",
    "Dense",
    "Dropout",
    "Embedding",
    "Layer",
    "LayerNorm",
    "PeriodicEmbedding",
    "PeriodicFeatures",
    "PiecewiseLinearEmbedding",
    "Residual",
    "Scale",
]
