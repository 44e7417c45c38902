"""How the way back begins when something is wrong with the loss's slope, as variations of the loss's own gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from pellucid.activations import Sigmoid, Softmax
from pellucid.insight.checker import faults
from pellucid.insight.checker.faults import Alternative, Fault, Here
from pellucid.insight.checker.tape import Tape
from pellucid.layers.base import Array
from pellucid.losses import BinaryCrossEntropy, CrossEntropy, Loss, SquaredError

_LINKS = {"sigmoid": Sigmoid(), "softmax": Softmax()}


def loss_alternatives(loss: Loss) -> Iterator[Alternative]:
    """Yield the ways to begin: the right one, and those that belong to the kind of loss."""
    yield Alternative(lambda here: here.tape.d_outputs)
    if isinstance(loss, SquaredError):
        wanted_mean = loss.reduction == "mean"
        other = SquaredError(reduction="half_sum" if wanted_mean else "mean")
        yield Alternative(
            lambda here: other.value_and_gradient(here.tape.outputs, here.tape.target)[1],
            faults.HALF_SUM if wanted_mean else faults.MEAN_SQUARE,
        )
    if isinstance(loss, BinaryCrossEntropy | CrossEntropy):
        yield from _of_probabilities(loss)
    yield Alternative(_mean_error, faults.MEAN_ERROR)
    for row, which in ((-1, "the last one"), (0, "the first one")):
        yield Alternative(lambda here, row=row: _one_row(here, row), faults.ONE_ROW, which)  # type: ignore[misc]


def factor_alternatives(learning_rate: float | None) -> Iterator[Alternative]:
    """Yield the factors that may come in once for all: none, the rows, the columns, 2, the learning rate."""
    yield Alternative(lambda here: here.slope)
    yield _scaled(faults.SUM_FOR_MEAN, lambda tape: tape.n_rows)
    yield _scaled(faults.MEAN_FOR_SUM, lambda tape: 1 / tape.n_rows)
    yield _scaled(faults.SUM_OVER_TARGETS, lambda tape: tape.outputs.shape[1])
    yield _scaled(faults.MEAN_OVER_TARGETS, lambda tape: 1 / tape.outputs.shape[1])
    yield _scaled(faults.FACTOR_TWO_MISSING, lambda tape: 0.5)
    yield _scaled(faults.FACTOR_TWO_TOO_MANY, lambda tape: 2)
    if learning_rate is not None:
        yield _scaled(faults.LEARNING_RATE_TWICE, lambda tape: learning_rate)
        yield _scaled(faults.LEARNING_RATE_MISSING, lambda tape: 1 / learning_rate)


def sign_alternatives() -> Iterator[Alternative]:
    """Yield the two directions."""
    yield Alternative(lambda here: here.slope)
    yield _scaled(faults.ASCENT, lambda tape: -1)


def _scaled(fault: Fault, factor: Callable[[Tape], float]) -> Alternative:
    return Alternative(lambda here: here.slope * factor(here.tape), fault)


def _mean_error(here: Here) -> Array:
    slope = here.tape.d_outputs
    return np.broadcast_to(slope.mean(axis=0), slope.shape)


def _one_row(here: Here, row: int) -> Array:
    slope = np.zeros_like(here.tape.d_outputs)
    slope[row] = here.tape.d_outputs[row]
    return slope


def _of_probabilities(loss: Loss) -> Iterator[Alternative]:
    """Yield what goes wrong between p and the outputs z, where the loss's gradient is ``share (p - t)``.

    The slope with respect to p, before p's own derivative, is ``-t/p + (1 - t)/(1 - p)`` for each yes or no, and
    ``-t/p`` for classes.
    """
    binary = isinstance(loss, BinaryCrossEntropy)

    def parts(here: Here) -> tuple[Array, Array, float]:
        """Return p, t and the share of each number in the mean."""
        p = loss.predict(here.tape.outputs)
        share = 1 / (p.size if binary else len(p))
        return p, p - here.tape.d_outputs / share, share

    def without_last_term(here: Here) -> Array:  # -t/p, times the elementwise p (1 - p)
        p, t, share = parts(here)
        return -share * t * (1 - p)

    def wrong_sign(here: Here) -> Array:
        p, t, share = parts(here)
        return share * (-t * (1 - p) - (1 - t) * p) if binary else share * (p + t)

    def other_wrong_sign(here: Here) -> Array:
        return -wrong_sign(here)

    def before_link(here: Here) -> Array:
        p, t, share = parts(here)
        return here.tape.d_outputs / (p * (1 - p)) if binary else -share * t / p

    def raw_outputs(here: Here) -> Array:
        _, t, share = parts(here)
        return share * (here.tape.outputs - t)

    def elementwise_again(here: Here) -> Array:
        p, _, _ = parts(here)
        return Sigmoid().backward(here.tape.d_outputs, here.tape.outputs, p)

    def link_again(here: Here) -> Array:
        p, _, _ = parts(here)
        return _LINKS[loss.link].backward(here.tape.d_outputs, here.tape.outputs, p)

    yield Alternative(link_again, faults.LINK_TWICE)
    if binary:
        yield Alternative(without_last_term, faults.CROSS_ENTROPY_TERM)
    else:
        yield Alternative(without_last_term, faults.SOFTMAX_ELEMENTWISE, "dL/dp = -y / p, times p * (1 - p)")
        yield Alternative(elementwise_again, faults.SOFTMAX_ELEMENTWISE, "p - y, times p * (1 - p)")
    yield Alternative(before_link, faults.LINK_MISSING)
    yield Alternative(raw_outputs, faults.LINK_FORGOTTEN)
    yield Alternative(wrong_sign, faults.CROSS_ENTROPY_SIGN)
    yield Alternative(other_wrong_sign, faults.CROSS_ENTROPY_SIGN)
