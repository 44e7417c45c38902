"""Ejecting writes a network, or a fitted estimator, as one file of plain NumPy, as a tutorial would write it."""

from pellucid.insight.eject.ejecting import eject

__all__ = ["eject"]
