"""Ejecting writes a network, or a fitted estimator, as one file of plain NumPy, as a tutorial would write it.

The formulas are the library's own source, carried over by `sources.py`; what joins them (layers, optimizers, the
columns of a table) are templates, which tests hold to what they stand for, operation by operation. First weights are
embedded, not drawn: they may have been set by hand, as the tutorials do, and those of an initializer would take the
page two hundred lines. The generator is carried only where rows are shuffled or inputs dropped; over NumPy's own Philox
it is a few lines.
"""

from pellucid.insight.eject.ejecting import eject

__all__ = ["eject"]
