"""Pictures: the network as a diagram with its real weights, and figures of what training did to it."""

from pellucid.insight.pictures.boundary import plot_decision_boundary
from pellucid.insight.pictures.calibration import Calibration, calibration_curve, plot_calibration
from pellucid.insight.pictures.confusion import plot_confusion
from pellucid.insight.pictures.dependence import plot_dependence
from pellucid.insight.pictures.diagram import Diagram, plot_network
from pellucid.insight.pictures.distributions import Recorder, plot_distributions
from pellucid.insight.pictures.history import plot_history
from pellucid.insight.pictures.importances import plot_importances
from pellucid.insight.pictures.loss_curve_display import LossCurveDisplay
from pellucid.insight.pictures.picture import Picture
from pellucid.insight.pictures.predictions import plot_predictions, plot_residuals
from pellucid.insight.pictures.roc import plot_roc, roc_curve
from pellucid.insight.pictures.training import plot_training

__all__ = [
    "Calibration",
    "Diagram",
    "LossCurveDisplay",
    "Picture",
    "Recorder",
    "calibration_curve",
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
]
