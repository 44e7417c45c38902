"""The checker: a learner's own backward pass and derivatives, checked, with the mistake named."""

from pellucid.insight.checker.comparison import compare_backward
from pellucid.insight.checker.report import BackwardReport, Cell, Finding, ParameterCheck

__all__ = ["BackwardReport", "Cell", "Finding", "ParameterCheck", "compare_backward"]
