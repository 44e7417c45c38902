"""Exporting writes a model for other runtimes: raw row in, prediction out, with a proof that it agrees."""

from pellucid.export.evaluation import evaluate
from pellucid.export.exporting import Export, export
from pellucid.export.graph import Graph
from pellucid.export.lowering import lower
from pellucid.export.proof import Proof

__all__ = ["Export", "Graph", "Proof", "evaluate", "export", "lower"]
