"""The doctor: what keeps a network from learning, with the figures and the line of code that mends it."""

from pellucid.insight.doctor.diagnosis import CHECKS, diagnose
from pellucid.insight.doctor.report import Finding, Report

__all__ = ["CHECKS", "Finding", "Report", "diagnose"]
