"""The checker: a learner's own backward pass and derivatives, checked, with the mistake named."""

from pellucid.insight.checker.comparison import compare_backward
from pellucid.insight.checker.derivative import DerivativeReport, check_derivative
from pellucid.insight.checker.report import BackwardReport

__all__ = ["BackwardReport", "DerivativeReport", "check_derivative", "compare_backward"]
