"""The playground: a network that learns before one's eyes, in the browser, with every number within reach."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pellucid.playground.experiment import Experiment
    from pellucid.playground.repeating import repeated
    from pellucid.playground.widget import Widget

__all__ = ["Experiment", "Widget", "repeated"]
_HOMES = {"Experiment": "experiment", "Widget": "widget", "repeated": "repeating"}


def __getattr__(name: str) -> Any:
    """Load what is asked for: the server serves its page before there is an experiment; the widget needs anywidget."""
    if name in _HOMES:
        return getattr(importlib.import_module(f"pellucid.playground.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
