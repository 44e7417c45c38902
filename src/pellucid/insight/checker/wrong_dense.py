"""What a dense layer gives back when something is wrong there: gradients of weights and bias, the error before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from pellucid.insight.checker import faults
from pellucid.insight.checker.faults import Alternative, Fault, Here
from pellucid.insight.checker.tape import Tape
from pellucid.layers import Dense
from pellucid.layers.base import Array


def gradient_of(name: str) -> Alternative:
    """Return the right way to give out a parameter's gradient: the layer's own."""
    return Alternative(lambda here: here.tape.backward(here.index, here.slope)[1][name])


def left_zero(name: str) -> Alternative:
    """Return a gradient that was never computed."""
    return Alternative(lambda here: np.zeros_like(here.tape.network.named_parameters[name]), faults.LEFT_ZERO)


def weight_alternatives(tape: Tape, index: int) -> Iterator[Alternative]:
    """Yield the ways to compute dW."""
    name = f"{tape.steps[index].name}.weight"
    yield gradient_of(name)
    if _has_activation(tape, index):
        yield Alternative(lambda here: _from_before(here, name), faults.DERIVATIVE_MISSING, "in this gradient only")
    yield left_zero(name)
    if _dense(tape, index).parametrization == "standard":
        for pick, detail in _wrong_inputs(tape, index):
            yield Alternative(
                lambda here, pick=pick: pick(here.tape).T @ here.slope,  # type: ignore[misc]
                faults.INDEX_OFF_BY_ONE,
                detail,
            )


def bias_alternatives(tape: Tape, index: int) -> Iterator[Alternative]:
    """Yield the ways to compute db."""
    name = f"{tape.steps[index].name}.bias"
    yield gradient_of(name)
    yield from wrong_sums(lambda here: here.slope, tape.steps[index].y.shape[1])
    if _has_activation(tape, index):
        yield Alternative(lambda here: _from_before(here, name), faults.DERIVATIVE_MISSING, "in this gradient only")
    yield left_zero(name)


def wrong_sums(dz: Callable[[Here], Array], size: int) -> Iterator[Alternative]:
    """Yield the wrong ways to make db of dz, for a bias of so many numbers."""
    yield Alternative(dz, faults.BIAS_NOT_SUMMED)
    yield Alternative(lambda here: np.broadcast_to(dz(here).sum(), (size,)), faults.BIAS_SUMMED_OVER_ALL)
    yield Alternative(lambda here: dz(here).sum(), faults.BIAS_SUMMED_OVER_ALL)
    yield Alternative(lambda here: dz(here).sum(axis=1), faults.BIAS_WRONG_AXIS)
    yield Alternative(lambda here: dz(here).sum(axis=1, keepdims=True), faults.BIAS_WRONG_AXIS)
    yield Alternative(lambda here: np.broadcast_to(dz(here).sum(axis=0), (size, size)), faults.KEEPDIMS_MISSING)


def handed_in(rows: Fault | None = None) -> Iterator[Alternative]:
    """Yield the ways to hand a computed gradient in: as it is, transposed, with another sign, or scaled by the rows."""
    yield Alternative(lambda here: here.draft)
    yield Alternative(_transposed, faults.TRANSPOSED)
    yield Alternative(lambda here: _times(here.draft, -1), faults.SIGN_HERE)
    if rows is not None:
        yield Alternative(lambda here: _times(here.draft, here.tape.n_rows), rows)
        yield Alternative(lambda here: _times(here.draft, 1 / here.tape.n_rows), rows)


def error_alternatives(tape: Tape, index: int, learning_rate: float | None) -> Iterator[Alternative]:
    """Yield the ways to hand the error on to the layer before: ``dx = dz Wᵀ``."""

    def right(here: Here) -> Array:
        return here.tape.backward(here.index, here.slope)[0]

    yield Alternative(right)
    yield Alternative(_without_weights, faults.WITHOUT_WEIGHTS)
    if _has_activation(tape, index):
        yield Alternative(
            lambda here: None if here.before is None else here.tape.backward(here.index, here.before)[0],
            faults.DERIVATIVE_MISSING,
            "in the error handed back only",
        )
    shape = tape.steps[index].layer.parameters["weight"].shape
    if shape[0] == shape[1]:
        yield Alternative(lambda here: _with_weights(here, _weights(here).T.copy()), faults.NOT_TRANSPOSED)
    for other, step in enumerate(tape.steps):
        if other != index and isinstance(step.layer, Dense) and step.layer.parameters["weight"].shape == shape:
            detail = f"the error goes back through W{tape.number(other)} instead of W{tape.number(index)}"
            yield Alternative(
                lambda here, other=other: _with_weights(  # type: ignore[misc]
                    here, here.tape.steps[other].layer.parameters["weight"].copy()
                ),
                faults.INDEX_OFF_BY_ONE,
                detail,
            )
    if learning_rate is not None:
        yield Alternative(lambda here: updated_first(here, learning_rate), faults.UPDATED_FIRST)
    yield Alternative(lambda here: right(here) * here.tape.n_rows, faults.ROWS_AGAIN)
    yield Alternative(lambda here: right(here) / here.tape.n_rows, faults.ROWS_AGAIN)
    yield Alternative(lambda here: -right(here), faults.SIGN_HERE)


def updated_first(here: Here, learning_rate: float) -> Array | None:
    """Return the error handed back through weights that have taken their step already."""
    gradient = here.emitted.get(f"{here.step.name}.weight")
    if gradient is None or gradient.shape != _weights(here).shape:
        return None
    return _with_weights(here, _weights(here) - learning_rate * gradient)


def _wrong_inputs(tape: Tape, index: int) -> Iterator[tuple[Callable[[Tape], Array], str]]:
    """Yield what is taken for the layer's input by mistake."""
    number = tape.number(index)
    own = "X" if number == 1 else f"a{number - 1}"
    if index > 0 and tape.steps[index - 1].is_activation:
        yield lambda tape: tape.steps[index - 1].x, f"dW{number} is built from z{number - 1} instead of {own}"
    before = [other for other in range(index) if isinstance(tape.steps[other].layer, Dense)]
    if before:
        last = before[-1]
        earlier = "X" if number == 2 else f"a{number - 2}"
        yield lambda tape: tape.steps[last].x, f"dW{number} is built from {earlier} instead of {own}"
    yield lambda tape: tape.steps[index].y, f"dW{number} is built from z{number} instead of {own}"
    if _has_activation(tape, index):
        yield lambda tape: tape.steps[index + 1].y, f"dW{number} is built from a{number} instead of {own}"


def _without_weights(here: Here) -> Array | None:
    """Return the errors of the neurons above as those of the neurons below: one to one, or their sum for all."""
    size = here.step.x.shape[1]
    slope = here.slope if here.slope.shape[1] in (1, size) else here.slope.sum(axis=1, keepdims=True)
    return np.broadcast_to(slope, here.step.x.shape)


def _weights(here: Here) -> Array:
    return here.step.layer.parameters["weight"]


def _with_weights(here: Here, weights: Array) -> Array:
    """Return the error that the layer's own backward hands on when it has other weights for the moment."""
    view = _weights(here)
    kept = view.copy()
    try:
        view[...] = weights
        error = here.step.layer.backward(here.slope, here.step.cache)
    finally:
        view[...] = kept
    assert error is not None
    return error


def _from_before(here: Here, name: str) -> Array | None:
    return None if here.before is None else here.tape.backward(here.index, here.before)[1][name]


def _times(value: Array | None, factor: float) -> Array | None:
    return None if value is None else value * factor


def _transposed(here: Here) -> Array | None:
    """Return the draft transposed; a bias then is a column."""
    if here.draft is None or here.draft.ndim == 0:
        return None
    return here.draft.T if here.draft.ndim == 2 else here.draft[:, None]


def _has_activation(tape: Tape, index: int) -> bool:
    return index + 1 < len(tape.steps) and tape.steps[index + 1].is_activation


def _dense(tape: Tape, index: int) -> Dense:
    layer = tape.steps[index].layer
    assert isinstance(layer, Dense)
    return layer
