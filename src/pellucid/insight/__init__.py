"""Insight: what shows and checks the numbers of a network."""

from pellucid.insight.checker import BackwardReport, DerivativeReport, check_derivative, compare_backward
from pellucid.insight.doctor import Finding, Report, diagnose
from pellucid.insight.eject import eject
from pellucid.insight.gradient_check import GradientCheck, gradient_check
from pellucid.insight.importance import Importances, feature_importances
from pellucid.insight.ledger import Trace, trace
from pellucid.insight.pictures import (
    Diagram,
    LossCurveDisplay,
    Picture,
    Recorder,
    plot_decision_boundary,
    plot_distributions,
    plot_history,
    plot_importances,
    plot_network,
)

__all__ = [
    "BackwardReport",
    "DerivativeReport",
    "Diagram",
    "Finding",
    "GradientCheck",
    "Importances",
    "LossCurveDisplay",
    "Picture",
    "Recorder",
    "Report",
    "Trace",
    "check_derivative",
    "compare_backward",
    "diagnose",
    "eject",
    "feature_importances",
    "gradient_check",
    "plot_decision_boundary",
    "plot_distributions",
    "plot_history",
    "plot_importances",
    "plot_network",
    "trace",
]
