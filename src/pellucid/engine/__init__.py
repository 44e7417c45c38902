"""The engine trains and predicts in C: the same mathematics as the layers, as one flat plan on numbered memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pellucid.engine.evaluator import forward
    from pellucid.engine.predictor import Predictor

__all__ = ["Predictor", "forward"]


def __getattr__(name: str) -> object:
    if name == "Predictor":
        from pellucid.engine.predictor import Predictor

        return Predictor
    if name == "forward":
        from pellucid.engine.evaluator import forward

        return forward
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
