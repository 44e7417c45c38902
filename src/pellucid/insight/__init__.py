"""Insight: what shows and checks the numbers of a network."""

from pellucid.insight.eject import eject
from pellucid.insight.gradient_check import GradientCheck, gradient_check

__all__ = ["GradientCheck", "eject", "gradient_check"]
