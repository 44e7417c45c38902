"""Checks of the history: a learning rate that is too high or too low, and overfitting."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pellucid.insight.doctor.examination import Examination, UnexaminedError
from pellucid.insight.doctor.report import Finding
from pellucid.layers.base import Array

FEWEST_EPOCHS = 8  # two in each quarter
JUMPS = 0.02
"""Mean rise of the loss from epoch to epoch in the second half, in units of the baseline's. A step that is short enough
never raises the loss of all rows; rises of 2 % undo in fifty epochs all that there is to be learned."""
STILL_FALLING = 0.5
"""The fall in the last quarter of the epochs, against that in the first. Gradient descent approaches a minimum
geometrically: where the last of four quarters falls half as much as the first, each falls 0.79 times as much as the one
before, and 0.79⁴ = 40 % of the way is still ahead."""
UNLEARNED = 0.5  # of the baseline's loss: what is left to fall
STEADY = 0.9  # of the epochs of the last quarter fall: noise around a level falls in half of them
RISE = 0.1
"""Rise of the smoothed validation loss above its lowest: beyond what smoothing over a tenth of the epochs leaves of the
noise, and visible in the second digit."""


def learning_rate(case: Examination) -> Iterator[Finding]:
    """A loss that jumps about or rises, or one that crawls."""
    losses, rate = _column(case, "loss"), float(_column(case, "learning_rate").max())
    per_row = _per_row(case, losses)
    if rate <= 0:
        raise UnexaminedError("the optimizer has no learning rate")
    if case.baseline <= 0:
        raise UnexaminedError("the target is the same in every row")
    half = per_row[len(per_row) // 2 :]
    jump = float(np.diff(half).clip(min=0).mean()) / case.baseline
    wobble = 1 / np.sqrt(len(case.X)) if case.network.chain.draws else 0.0  # of a mean over rows, whose losses vary by
    jumps = jump > JUMPS + wobble  # about the baseline, where dropout draws them anew in each epoch
    risen = per_row[-1] > per_row[0] and per_row[-1] > case.baseline
    figures = {"learning_rate": rate, "first_loss": losses[0], "last_loss": losses[-1], "lowest_loss": losses.min()}
    if jumps or risen:
        what = (
            f"jumps up from epoch to epoch, on average by {jump:.0%} of the loss of a constant answer"
            if jumps
            else f"rose from {losses[0]:.4g} to {losses[-1]:.4g} and is above that of a constant answer"
        )
        yield Finding(
            "learning rate too high",
            "problem",
            f"The loss {what}: with a learning rate of {rate:g} the steps leap over the minimum. Try a tenth.",
            _again(case, rate / 10),
            {**figures, "mean_rise": jump},
        )
        return
    quarter = len(per_row) // 4
    first, last = float(per_row[0] - per_row[quarter]), float(per_row[-1 - quarter] - per_row[-1])
    falling = np.diff(per_row[-1 - quarter :]) < 0
    if per_row[-1] < UNLEARNED * case.baseline or first <= 0 or _validation_has_turned(case):
        return
    if last >= STILL_FALLING * first and falling.mean() >= STEADY:
        yield Finding(
            "learning rate too low",
            "warning",
            f"After {len(losses)} epochs the loss is {losses[-1]:.4g} and still falls: by {last:.2g} in the last "
            f"quarter of the epochs, {last / first:.0%} of what it did in the first. With a learning rate of {rate:g} "
            "the network is still on its way. Try ten times as much, or more epochs.",
            _again(case, rate * 10),
            {**figures, "fall_first_quarter": first, "fall_last_quarter": last},
        )


def overfitting(case: Examination) -> Iterator[Finding]:
    """A validation loss that rises while the training loss falls."""
    losses = _column(case, "loss")
    if case.history is None or "validation_loss" not in case.history.columns:
        raise UnexaminedError("the history has no validation loss: pass X_val and y_val to train")
    validation = _column(case, "validation_loss")
    window = max(len(validation) // 10, 1)
    smooth = np.convolve(validation, np.ones(window) / window, mode="valid")
    best = int(smooth.argmin())
    epoch = best + (window + 1) // 2
    rise = float(smooth[-1] / smooth[best] - 1) if smooth[best] > 0 else 0.0
    fell = losses[-1] < losses[min(epoch - 1, len(losses) - 1)]
    if rise <= RISE or not fell:
        return
    yield Finding(
        "overfitting",
        "warning",
        f"The validation loss was lowest around epoch {epoch}, {validation[max(epoch - 1, 0)]:.4g}, and has risen by "
        f"{rise:.0%} to {validation[-1]:.4g} since, while the training loss fell to {losses[-1]:.4g}: the network "
        "learns the training rows by heart. Keep the best epoch's weights, or add dropout, weight decay or rows.",
        "history = train(network, X, y, loss=loss, X_val=X_val, y_val=y_val, callbacks=[EarlyStopping()])",
        {"best_epoch": epoch, "rise": rise, "validation_loss": validation[-1], "loss": losses[-1]},
    )


def _column(case: Examination, name: str) -> Array:
    """Return a column of the history, up to the epoch whose weights were kept."""
    if case.history is None:
        raise UnexaminedError("there is no history: pass history=train(...)")
    kept = len(case.history)
    for state in case.history.state.callbacks:
        kept = state.get("best_epoch") or kept  # early stopping went back there
    if kept < FEWEST_EPOCHS:
        raise UnexaminedError(f"the history has {kept} epochs up to the kept weights; it takes {FEWEST_EPOCHS}")
    return np.asarray(case.history[name][:kept], dtype=np.float64)


def _validation_has_turned(case: Examination) -> bool:
    """Return whether the validation loss was lower before the last epoch: to fall further would not help."""
    if case.history is None or "validation_loss" not in case.history.columns:
        return False
    validation = case.history["validation_loss"]
    return int(np.argmin(validation)) < len(validation) - 1


def _per_row(case: Examination, losses: Array) -> Array:
    """Return the losses as means over rows; the tutorials' half sum is a sum over them."""
    return losses / len(case.X) if case.is_half_sum else losses


def _again(case: Examination, rate: float) -> str:
    assert case.history is not None
    optimizer = "SGD" if set(case.history.state.optimizer) <= {"velocity"} else "Adam"
    return f"history = train(network, X, y, loss=loss, optimizer={optimizer}(learning_rate={rate:.3g}))"
