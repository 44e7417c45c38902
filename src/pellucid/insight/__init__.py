"""Insight: what shows and checks the numbers of a network."""

from pellucid.insight.checker import BackwardReport, compare_backward
from pellucid.insight.gradient_check import GradientCheck, gradient_check

__all__ = ["BackwardReport", "GradientCheck", "compare_backward", "gradient_check"]
