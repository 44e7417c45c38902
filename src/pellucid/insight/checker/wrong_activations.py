"""How the slope passes an activation when something is wrong there, as calls of the activations' own backward."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from pellucid.activations import Activation, Elementwise, ReLU, Sigmoid, Softmax, Tanh
from pellucid.insight.checker import faults
from pellucid.insight.checker.faults import Alternative, Here
from pellucid.insight.checker.tape import Tape
from pellucid.layers.base import Array

USUAL = (Sigmoid(), Tanh(), ReLU())
"""The activations whose derivatives are confused with each other."""


def activation_alternatives(tape: Tape, index: int) -> Iterator[Alternative]:
    """Yield the ways to pass the activation at a step: the right one, and those with a wrong derivative."""
    function: Activation = tape.steps[index].layer.function  # type: ignore[attr-defined]

    def passing(use: Callable[[Activation, Array, Array, Array], Array | None], of: Activation = function) -> Any:
        return lambda here: use(of, here.slope, here.step.x, here.step.y)

    yield Alternative(passing(lambda f, da, z, a: f.backward(da, z, a)))
    yield Alternative(
        passing(lambda f, da, z, a: f.backward(da, np.where(z == 0, np.finfo(z.dtype).tiny, z), a)),
        convention=f"You take the slope of {function!r} at exactly 0 from the right, the network from the left: both "
        "are right.",
    )
    yield Alternative(passing(lambda f, da, z, a: da), faults.DERIVATIVE_MISSING)
    if isinstance(function, Softmax):
        yield Alternative(passing(_use, Sigmoid()), faults.SOFTMAX_ELEMENTWISE)
    if not isinstance(function, Elementwise):
        return
    yield Alternative(passing(lambda f, da, z, a: f.backward(da, z, z)), faults.DERIVATIVE_OF_Z)
    yield Alternative(passing(lambda f, da, z, a: f.backward(da, a, f.value(a))), faults.DERIVATIVE_OF_A)
    yield Alternative(passing(lambda f, da, z, a: f.backward(f.backward(da, z, a), z, a)), faults.DERIVATIVE_TWICE)
    yield Alternative(passing(lambda f, da, z, a: da * a), faults.VALUE_FOR_DERIVATIVE)
    yield Alternative(passing(lambda f, da, z, a: f.backward(da, da, da)), faults.DERIVATIVE_OF_ERROR)
    for neighbor, detail in _neighbors(tape, index):
        yield Alternative(_at_neighbor(function, neighbor), faults.INDEX_OFF_BY_ONE, detail)
    for other in USUAL:
        if type(other) is not type(function):
            detail = f"that of {other!r}"
            yield Alternative(passing(_use, other), faults.OTHER_DERIVATIVE, detail)
            yield Alternative(
                passing(lambda f, da, z, a: f.backward(da, z, f.value(z)), other), faults.OTHER_DERIVATIVE, detail
            )


def _use(function: Activation, da: Array, z: Array, a: Array) -> Array:
    return function.backward(da, z, a)


def _neighbors(tape: Tape, index: int) -> Iterator[tuple[int | None, str]]:
    """Yield the activations before and after this one, with X (None) before the first."""
    activations = [number for number, step in enumerate(tape.steps) if step.is_activation]
    place = activations.index(index)
    number = tape.number(index)
    if place + 1 < len(activations):
        yield activations[place + 1], f"the derivative is taken at a{number + 1} instead of a{number}"
    if place > 0:
        yield activations[place - 1], f"the derivative is taken at a{number - 1} instead of a{number}"
    else:
        yield None, f"the derivative is taken at X instead of a{number}"


def _at_neighbor(function: Activation, neighbor: int | None) -> Callable[[Here], Array | None]:
    def compute(here: Here) -> Array | None:
        steps = here.tape.steps
        z, a = (here.tape.x, here.tape.x) if neighbor is None else (steps[neighbor].x, steps[neighbor].y)
        try:
            slope = function.backward(here.slope, z, a)
        except ValueError:  # the shapes do not broadcast
            return None
        return slope if slope.shape == here.slope.shape else None

    return compute
