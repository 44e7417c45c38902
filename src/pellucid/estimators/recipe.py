"""How a single network is trained: batch size, epochs and schedules, from the number of rows."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pellucid.optimizers import AdamW
from pellucid.schedules import Cosine, Schedule

STEPS = 6000  # enough for the cosine to settle on every table that was tried; small ones overfit long before
STEPS_PER_EPOCH = 40
AVERAGE = 0.995  # decay of the moving average of the weights: steadier validation losses, better probabilities
REFIT_BELOW = 10_000  # rows; below, what the validation rows can teach is worth training twice


@dataclass(frozen=True)
class Plan:
    """What was chosen for a table where the options leave the choice, and why."""

    n_rows: int
    batch_size: int
    epochs: int
    refit: bool
    reasons: tuple[str, ...]

    def schedules(self, *, dropout: bool) -> dict[str, Schedule]:
        """Return the schedules: the rate along a cosine, regularization flat for half of training and then down."""
        regularization = ("weight_decay", "dropout_rate") if dropout else ("weight_decay",)
        return {"learning_rate": Cosine(), **{name: Cosine(flat=0.5) for name in regularization}}


def plan_training(
    n_rows: int, *, batch_size: int | None = None, epochs: int | None = None, own_validation: bool = False
) -> Plan:
    """Return batch size, epochs and whether to train again on all rows, for a number of training rows.

    >>> plan_training(20_000).batch_size
    256
    """
    reasons = []
    if batch_size is None:
        share = max(n_rows / STEPS_PER_EPOCH, 1)
        exponent = (math.frexp(2 * share * share)[1] - 1) // 2  # the base-2 logarithm of the share, rounded, exactly
        batch_size = min(max(2**exponent, 32), 256)
        reasons.append(
            f"batch_size {batch_size}: about 1 in {STEPS_PER_EPOCH} of the {n_rows:,} rows, kept from 32 to 256"
        )
    if epochs is None:
        steps_per_epoch = math.ceil(n_rows / batch_size)
        epochs = min(max(round(STEPS / steps_per_epoch), 20), 100)
        reasons.append(f"epochs {epochs}: about {STEPS:,} steps, kept from 20 to 100 epochs")
    refit = n_rows < REFIT_BELOW and not own_validation
    if refit:
        reasons.append(f"a second training, on all rows up to the best epoch: fewer than {REFIT_BELOW:,} rows")
    return Plan(n_rows, batch_size, epochs, refit, tuple(reasons))


def build_optimizer(learning_rate: float, weight_decay: float) -> AdamW:
    """Return the optimizer; its mean squares forget faster than AdamW's usual ones, as trainings are short."""
    return AdamW(learning_rate=learning_rate, weight_decay=weight_decay, beta2=0.95)
