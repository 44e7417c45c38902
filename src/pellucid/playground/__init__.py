"""The playground: a network that learns before one's eyes, in the browser, with every number within reach."""

from typing import Any

from pellucid.playground.experiment import Experiment

__all__ = ["Experiment", "Widget", "repeated"]


def __getattr__(name: str) -> Any:
    if name == "Widget":  # it needs anywidget
        from pellucid.playground.widget import Widget

        return Widget
    if name == "repeated":
        from pellucid.playground.repeating import repeated

        return repeated
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
