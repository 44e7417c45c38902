"""The report: the story of a model and of how it does on a table, as data and as one page of HTML."""

from pellucid.insight.report.explanation import Explanation
from pellucid.insight.report.gather import explain

__all__ = ["Explanation", "explain"]
