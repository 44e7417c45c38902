"""Insight: what shows and checks the numbers of a network."""

from pellucid.insight.checker import BackwardReport, DerivativeReport, check_derivative, compare_backward
from pellucid.insight.gradient_check import GradientCheck, gradient_check

__all__ = [
    "BackwardReport",
    "DerivativeReport",
    "GradientCheck",
    "check_derivative",
    "compare_backward",
    "gradient_check",
]
