"""A temperature divides raw outputs so that the probabilities made of them are as sure as they turn out to be right.

With raw outputs o of rows that took no part in training, and the loss ℓ on them, the temperature T minimizes
Σ w ℓ(o / T) / Σ w. In the sharpness β = 1 / T this is a convex function: log-sum-exp is convex along β o, and what is
taken off is linear. With p = softmax(β o) and the class y that is right,

    dℓ/dβ = Σ_k p_k o_k - o_y        d²ℓ/dβ² = Σ_k p_k o_k² - (Σ_k p_k o_k)²  >= 0,

the mean of the outputs under p less that of the truth, and their variance. One output o, of yes (t = 1) and no, is the
pair (0, o): dℓ/dβ = (p - t) o and d²ℓ/dβ² = p (1 - p) o².

Source: C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On calibration of modern neural networks", ICML 2017.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from pellucid.activations import sigmoid, softmax
from pellucid.elementary import exponential, logarithms, total
from pellucid.errors import OptionError, ShapeError
from pellucid.layers.base import Array
from pellucid.losses import Loss

LOWEST, HIGHEST = 0.5, 20.0  # rows that are all right call for ever sharper: then one wrong row to come costs more
FOLDS = 5
MARGIN = 1.0  # standard errors
STEPS = 100  # a bracket halved so often is narrower than a float; Newton's steps need about five
PRECISION = 2.0**-40  # of the sharpness
SMALLEST = 5e-324  # stands for a probability of 0, whose logarithm would be -∞


class Temperature(NamedTuple):
    """What raw outputs are to be divided by, what that gains in log-loss on rows that did not choose it, and why."""

    value: float
    gain: float
    reason: str


def fit_temperature(outputs: Array, target: Array, loss: Loss, weight: Array | None = None) -> Temperature:
    """Return the temperature that minimizes the log-loss of out-of-sample outputs, or 1 where that is not sure to help.

    One number fitted to n rows always lowers their own loss, by about 1 / 2n where nothing is to be gained. So the gain
    is measured on rows that took no part: every fifth row in turn is judged by the temperature of the others. The
    temperature is used if the mean gain is more than its own standard error, which is the deviation of the rows' gains
    over the root of their (effective) number.

    Parameters
    ----------
    outputs : (n_rows, n_outputs), raw outputs, of rows that took no part in training, in any fixed order
    target : as the loss checked it: codes (n_rows,), or (n_rows, n_outputs) from 0 to 1
    loss : `BinaryCrossEntropy` (each column by itself) or `CrossEntropy`
    weight : (n_rows,) at least 0, or None

    Raises `OptionError` for a loss without probabilities, `ShapeError` if the rows are not as many.

    >>> import numpy as np
    >>> from pellucid import BinaryCrossEntropy
    >>> outputs = np.array([[4.0], [-4.0]] * 50)  # sure of itself, with a probability of 98 %
    >>> target = np.array([[1.0], [0.0]] * 40 + [[0.0], [1.0]] * 10)  # and right in 80 % of the rows
    >>> print(f"{fit_temperature(outputs, target, BinaryCrossEntropy()).value:.4f}")  # 4 / log(0.8 / 0.2)
    2.8854
    """
    if loss.link not in ("sigmoid", "softmax"):
        raise OptionError(f"fit_temperature: loss got {loss!r}; a temperature is for losses of classes.")
    if not len(outputs) == len(target) == (len(outputs) if weight is None else len(weight)):
        raise ShapeError(f"fit_temperature: outputs have {len(outputs)} rows and target has {len(target)}.")
    weight = np.ones(len(outputs)) if weight is None else weight.astype(np.float64)
    counted = weight > 0
    outputs, target, weight = outputs[counted].astype(np.float64), target[counted], weight[counted]
    n_rows, yes_or_no = len(outputs), loss.link == "sigmoid"
    if n_rows < 2 * FOLDS:
        return Temperature(1.0, 0.0, f"{n_rows} rows are too few to judge a temperature by: it takes {2 * FOLDS}")

    best = _best_sharpness(outputs, target, weight, yes_or_no)
    fold = np.arange(n_rows) % FOLDS
    gains = np.zeros(n_rows)
    for index in range(FOLDS):
        own, rest = fold == index, fold != index
        sharpness = _best_sharpness(outputs[rest], target[rest], weight[rest], yes_or_no, start=best)
        plain = _losses(outputs[own], target[own], yes_or_no)
        gains[own] = plain - _losses(outputs[own] * sharpness, target[own], yes_or_no)
    share = weight / total(weight)
    gain = float(total(share * gains))
    error = math.sqrt(float(total(np.square(share * (gains - gain)))))
    moves = "lowers" if gain >= 0 else "raises"
    change = f"{moves} the log-loss by {abs(gain):.2g}"
    found = f"on rows that took no part it {change}, with a standard error of {error:.1g}"
    if not gain > MARGIN * error:
        return Temperature(1.0, gain, f"no temperature is sure to help: {found}")
    value = 1.0 / best
    return Temperature(value, gain, f"temperature {value:.3g}: {found}")


def outputs_of(probabilities: Array, loss: Loss) -> Array:
    """Return raw outputs, float64, whose link is these probabilities, such as the mean of several networks' ones.

    For one column a yes or no they are the log-odds, and for classes the logarithms. A probability of 0 counts as the
    smallest positive number.

    >>> import numpy as np
    >>> from pellucid import BinaryCrossEntropy
    >>> outputs_of(np.array([[0.8], [0.5]]), BinaryCrossEntropy()).round(4).tolist()
    [[1.3863], [0.0]]
    """
    p = probabilities.astype(np.float64)
    return log_odds(p) if loss.link == "sigmoid" else log_probabilities(p)


def log_odds(p: Array) -> Array:
    """Return log(p / (1 - p)), the outputs whose sigmoid is p."""
    return log_probabilities(p) - log_probabilities(1 - p)


def log_probabilities(p: Array) -> Array:
    """Return log p, the outputs whose softmax is p."""
    return logarithms(np.maximum(p, SMALLEST))


def _best_sharpness(outputs: Array, target: Array, weight: Array, yes_or_no: bool, start: float = 1.0) -> float:
    """Return the root of dL/dβ between 1 / `HIGHEST` and 1 / `LOWEST`, or the end beyond which it lies.

    Newton's step, kept within the bracket of a negative slope and a positive one. Where it does not halve the slope,
    the end that the root lies towards is tried, and from then on the bracket is halved.
    """
    low, high = 1 / HIGHEST, 1 / LOWEST
    untried = {low, high}
    beta, before = start, math.inf
    for _ in range(STEPS):
        slope, curvature = _slopes(outputs, target, weight, yes_or_no, beta)
        end = high if slope < 0 else low
        if beta == end:
            return beta
        low, high = (beta, high) if slope < 0 else (low, beta)
        if abs(slope) <= 0.5 * before and curvature > 0:
            following = min(max(beta - slope / curvature, low), high)
        else:
            following = end if end in untried else 0.5 * (low + high)
        untried.discard(following)
        if abs(following - beta) <= PRECISION * beta:
            return following
        beta, before = following, abs(slope)
    return beta


def _slopes(outputs: Array, target: Array, weight: Array, yes_or_no: bool, beta: float) -> tuple[float, float]:
    """Return Σ w dℓ/dβ and Σ w d²ℓ/dβ²."""
    if yes_or_no:
        p = sigmoid(beta * outputs, exponential)
        slope = total((p - target) * outputs)
        curvature = total(p * (1 - p) * outputs * outputs)
    else:
        centered = outputs - outputs.max(axis=1, keepdims=True)  # which changes neither, and keeps the squares small
        p = softmax(beta * centered, exponential)
        mean = total(p * centered)
        slope = mean - _of_truth(centered, target)
        curvature = total(p * np.square(centered - mean[:, None]))
    return float(total(weight * slope)), float(total(weight * curvature))


def _losses(outputs: Array, target: Array, yes_or_no: bool) -> Array:
    """Return each row's log-loss, by exact operations."""
    if yes_or_no:
        right = logarithms(1 + exponential(-np.abs(outputs)))
        return np.asarray(total(right + np.maximum(outputs, 0) - target * outputs) / outputs.shape[1])
    below = outputs - outputs.max(axis=1, keepdims=True)
    return np.asarray(logarithms(total(exponential(below))) - _of_truth(below, target))


def _of_truth(values: Array, target: Array) -> Array:
    """Return the value of the class that is right, or the mean over a target's distribution."""
    if target.ndim == 1:
        return np.asarray(values[np.arange(len(target)), target])
    return total(target * values)
