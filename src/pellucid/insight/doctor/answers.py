"""Checks of the answers: labels that look wrong, one class for all rows, outputs that are stuck or out of reach."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pellucid.activations import ReLU, Sigmoid, Softmax, Tanh
from pellucid.insight.doctor.examination import Classes, Examination
from pellucid.insight.doctor.report import Finding
from pellucid.layers import ActivationLayer
from pellucid.layers.base import Array

SHARE_OF_CONFIDENT_ERRORS = 0.25
"""Labels that are flipped at random hit rows without regard to how sure the network is of them, so half of its errors
are on rows of which it is surer than of most of those it gets right; where classes merely overlap, errors crowd where
it is unsure, and hardly any are. A quarter lies between."""
TAIL = 2.0
"""Residuals of a sound table are taken to fall off at least as fast as |r|⁻², the slowest with a finite variance."""
BY_CHANCE = 0.01
MOST_SUSPECTS = 0.05  # of the rows: more errors than that are no exceptions
FEWEST_ROWS = 20
LOPSIDED = 0.75  # three rows to one: a constant answer is right in three of four
STUCK = 0.01
"""Less than 1 % of the baseline's loss is explained; sound outputs then vary by less than a tenth of what the target
does, as the share explained is the square of that ratio."""
SIGNIFICANT = 3.0
"""A correlation r over n rows is real where r √n is beyond 3, which chance reaches once in 370 times: a network that
found the little that there is to be found is not stuck. Outputs that vary by 1 % of what the target does are."""


def suspect_labels(case: Examination) -> Iterator[Finding]:
    """Rows of largest loss, where they stand apart from all others: their target may be wrong."""
    if len(case.x) < FEWEST_ROWS:
        return
    suspects = _confident_errors(case.classes) if case.classes is not None else _far_residuals(case)
    if suspects is None or not 0 < len(suspects) <= MOST_SUSPECTS * len(case.x):
        return
    suspects = suspects[np.argsort(-case.row_losses[suspects], kind="stable")]
    rows = case.rows[suspects]
    worst = float(case.row_losses[suspects[0]])
    typical = float(np.median(case.row_losses))
    yield Finding(
        "suspect labels",
        "note",
        f"{_counted(len(rows))} that the network contradicts as firmly as it is right about others: row {rows[0]} has "
        f"a loss of {worst:.3g}, the median row {typical:.2g}. Look whether the target was entered wrongly; mend or "
        "leave out what was.",
        f"wrong = {rows[:20].tolist()}; X, y = np.delete(X, wrong, axis=0), np.delete(y, wrong, axis=0)",
        {"losses": case.row_losses[suspects], "median_loss": typical},
        rows=tuple(rows.tolist()),
    )


def class_imbalance(case: Examination) -> Iterator[Finding]:
    """One class is predicted for every row, the one that most rows have, so the accuracy is its share."""
    if case.classes is None:
        return
    counts = np.bincount(case.classes.codes)
    common = int(counts.argmax())
    share = counts[common] / len(case.x)
    if share < LOPSIDED or share == 1 or (case.classes.predicted != common).any():
        return
    rare = len(case.x) - int(counts[common])
    weight = max(round(counts[common] / rare), 2)
    yield Finding(
        "class imbalance",
        "warning",
        f"Every row is predicted as class {common}, which {share:.1%} of the rows have: the accuracy of {share:.1%} is "
        f"that of the constant answer, and none of the {rare} other rows is found. Judge by AUROC or log-loss, and let "
        "the rare rows weigh more.",
        f"history = train(network, X, y, loss=loss, sample_weight=np.where(np.ravel(y) == {common}, 1, {weight}))",
        {"accuracy": float(share), "majority_share": float(share), "class": common, "other_rows": rare},
    )


def stuck_outputs(case: Examination) -> Iterator[Finding]:
    """All rows get nearly the same answer, and it is the best constant one: 0.5 for XOR."""
    if case.baseline <= 0 or abs(case.explained) > STUCK:
        return
    predictions = case.loss.predict(case.outputs).astype(np.float64)
    spread = float(predictions.std(axis=0).max())
    wanted = float(case.indicators.std(axis=0).max())
    if spread > np.sqrt(STUCK) * wanted:
        return
    if spread > STUCK * wanted and _correlation(predictions, case.indicators) * np.sqrt(len(predictions)) > SIGNIFICANT:
        return
    middle = ", ".join(f"{value:.3g}" for value in predictions.mean(axis=0)[:5])
    yield Finding(
        "stuck outputs",
        "problem",
        f"Every row gets nearly the same answer, {middle}, within ±{spread:.2g}, while the targets vary by "
        f"±{wanted:.2g}: the loss, {case.value:.4g}, is that of the best constant answer, {case.baseline:.4g}. The "
        "network has learned the targets' mean and nothing about the rows. Other findings may say why; else train "
        "longer, with a larger step or another start, or the columns say nothing about the target.",
        "network.initialize(rng=1); history = train(network, X, y, loss=loss, "
        "optimizer=Adam(learning_rate=0.01), epochs=1000)",
        {"outputs_mean": predictions.mean(axis=0), "outputs_deviation": spread, "targets_deviation": wanted},
    )


def link_applied_twice(case: Examination) -> Iterator[Finding]:
    """The network ends in the function that the loss applies itself."""
    last = case.network.layers[-1]
    twin = {"sigmoid": Sigmoid, "softmax": Softmax}.get(case.loss.link)
    if twin is None or not isinstance(last, ActivationLayer) or not isinstance(last.function, Sigmoid | Softmax):
        return
    function, loss = last.function.name, type(case.loss).__name__
    yield Finding(
        "link applied twice",
        "problem",
        f"The network ends in {function}, and {loss} applies {case.loss.link} to raw outputs itself. Twice, the "
        f"probabilities cannot leave the range from {_range_of_twice(case)}, and the gradient is small everywhere. "
        "Leave the last layer out.",
        case.rewritten(changes={len(case.network.layers) - 1: []}),
        {"last_layer": function, "link": case.loss.link},
        layer=str(len(case.network.layers) - 1),
    )


def target_out_of_reach(case: Examination) -> Iterator[Finding]:
    """The last activation cannot give the numbers that the target has."""
    last = case.network.layers[-1]
    if not isinstance(last, ActivationLayer) or last.parametric or case.loss.link != "identity":
        return
    reach = {Sigmoid: (0.0, 1.0), Softmax: (0.0, 1.0), Tanh: (-1.0, 1.0), ReLU: (0.0, np.inf)}.get(type(last.function))
    if reach is None:
        return
    low, high = reach
    outside = int(((case.indicators < low) | (case.indicators > high)).any(axis=1).sum())
    if not outside:
        return
    smallest, largest = float(case.indicators.min()), float(case.indicators.max())
    yield Finding(
        "target out of reach",
        "problem",
        f"The network ends in {last.function.name}, which gives numbers from {low:g} to {high:g}, and the target goes "
        f"from {smallest:.4g} to {largest:.4g}: {outside:,} of the {len(case.x):,} rows cannot be reached. Leave the "
        "last activation out.",
        case.rewritten(changes={len(case.network.layers) - 1: []}),
        {"lowest_output": low, "highest_output": high, "lowest_target": smallest, "highest_target": largest},
        layer=str(len(case.network.layers) - 1),
    )


def _confident_errors(classes: Classes) -> Array | None:
    """Return the errors of which the network is surer than of a tenth of the rows that it gets right.

    None where it is surer than of half of those in a small part of its errors only: there, classes overlap.
    """
    confidence = classes.probabilities.max(axis=1)
    wrong = classes.predicted != classes.codes
    if not wrong.any() or wrong.all():
        return None
    low, middle = np.quantile(confidence[~wrong], [0.1, 0.5])
    if (wrong & (confidence >= middle)).sum() < SHARE_OF_CONFIDENT_ERRORS * wrong.sum():
        return None
    return np.flatnonzero(wrong & (confidence >= low))


def _far_residuals(case: Examination) -> Array | None:
    """Return the rows beyond a gap in the sizes of the residuals that chance does not leave.

    Of residuals whose tail falls off as |r|⁻ᵅ, the ratio of the k-th largest to the next exceeds x with probability
    x⁻ᵅᵏ (Rényi 1953). Over the k that are tried, a ratio beyond (tried / BY_CHANCE)^(1 / α k) is one in a hundred.
    """
    if case.target.ndim != 2 or case.target.shape != case.outputs.shape:
        return None
    predictions = case.loss.predict(case.outputs)
    residuals = np.abs(predictions - case.target).max(axis=1).astype(np.float64)
    order = np.argsort(-residuals, kind="stable")
    tried = int(MOST_SUSPECTS * len(residuals))
    ranked = residuals[order[: tried + 1]]
    k = np.arange(1, tried + 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        beyond = np.flatnonzero(ranked[:-1] / ranked[1:] > (tried / BY_CHANCE) ** (1 / (TAIL * k)))
    return order[: beyond[-1] + 1] if len(beyond) else None


def _correlation(predictions: Array, target: Array) -> float:
    """Return the largest correlation of an output with its target."""
    if predictions.shape != target.shape:
        return 0.0
    p, t = predictions - predictions.mean(axis=0), target - target.mean(axis=0)
    lengths = np.linalg.norm(p, axis=0) * np.linalg.norm(t, axis=0)
    return float(((p * t).sum(axis=0) / np.where(lengths > 0, lengths, 1)).max())


def _counted(n_rows: int) -> str:
    return "1 row has a target" if n_rows == 1 else f"{n_rows} rows have targets"


def _range_of_twice(case: Examination) -> str:
    """Return the range of the link over numbers from 0 to 1; for softmax one is 1 and the others 0, or the reverse."""
    if case.loss.link == "sigmoid":
        return "0.5 to 0.73"
    others, e = case.network.n_outputs - 1, np.e
    return f"{1 / (1 + others * e):.2g} to {e / (e + others):.2g}"
