"""The playground: a network that learns before one's eyes, in the browser, with every number within reach."""

from pellucid.playground.experiment import Experiment

__all__ = ["Experiment"]
