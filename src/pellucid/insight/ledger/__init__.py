"""The ledger: every number of a training step with its formula, recorded as it is taken and explained by its parts."""

from pellucid.insight.ledger.traced import Trace, TracedStep
from pellucid.insight.ledger.tracing import trace
from pellucid.insight.ledger.view import View

__all__ = ["Trace", "TracedStep", "View", "trace"]
