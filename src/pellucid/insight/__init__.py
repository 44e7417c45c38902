"""Insight: what shows and checks the numbers of a network."""

from pellucid.insight.checker import BackwardReport, DerivativeReport, check_derivative, compare_backward
from pellucid.insight.dependence import Dependence, partial_dependence
from pellucid.insight.doctor import Finding, Report, diagnose
from pellucid.insight.eject import eject
from pellucid.insight.gradient_check import GradientCheck, gradient_check
from pellucid.insight.importance import Importances, feature_importances
from pellucid.insight.ledger import Trace, trace
from pellucid.insight.pictures import (
    Calibration,
    Diagram,
    LossCurveDisplay,
    Picture,
    Recorder,
    calibration_curve,
    plot_calibration,
    plot_confusion,
    plot_decision_boundary,
    plot_dependence,
    plot_distributions,
    plot_history,
    plot_importances,
    plot_network,
    plot_predictions,
    plot_residuals,
    plot_roc,
    plot_training,
    roc_curve,
)
from pellucid.insight.report import Explanation, explain

__all__ = [
    "BackwardReport",
    "Calibration",
    "Dependence",
    "DerivativeReport",
    "Diagram",
    "Explanation",
    "Finding",
    "GradientCheck",
    "Importances",
    "LossCurveDisplay",
    "Picture",
    "Recorder",
    "Report",
    "Trace",
    "calibration_curve",
    "check_derivative",
    "compare_backward",
    "diagnose",
    "eject",
    "explain",
    "feature_importances",
    "gradient_check",
    "partial_dependence",
    "plot_calibration",
    "plot_confusion",
    "plot_decision_boundary",
    "plot_dependence",
    "plot_distributions",
    "plot_history",
    "plot_importances",
    "plot_network",
    "plot_predictions",
    "plot_residuals",
    "plot_roc",
    "plot_training",
    "roc_curve",
    "trace",
]
