"""Pictures: the network as a diagram with its real weights, and figures of what training did to it."""

from pellucid.insight.pictures.boundary import plot_decision_boundary
from pellucid.insight.pictures.diagram import Diagram, plot_network
from pellucid.insight.pictures.distributions import Recorder, plot_distributions
from pellucid.insight.pictures.history import plot_history
from pellucid.insight.pictures.importances import plot_importances
from pellucid.insight.pictures.loss_curve_display import LossCurveDisplay
from pellucid.insight.pictures.picture import Picture

__all__ = [
    "Diagram",
    "LossCurveDisplay",
    "Picture",
    "Recorder",
    "plot_decision_boundary",
    "plot_distributions",
    "plot_history",
    "plot_importances",
    "plot_network",
]
