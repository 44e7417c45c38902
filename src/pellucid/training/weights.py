"""The weights that would be used now: the averaged ones where there is an average, and finite in any case."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from pellucid.errors import DivergenceError
from pellucid.network import Network
from pellucid.training.history import TrainingState


@contextmanager
def averaged(network: Network, state: TrainingState) -> Iterator[None]:
    """Lend the network the averaged weights, where there are any."""
    if state.average is None:
        yield
        return
    own = network.parameters.copy()
    network.parameters[...] = state.average
    try:
        yield
    finally:
        network.parameters[...] = own


def require_finite_weights(network: Network, epoch: int) -> None:
    """Raise `DivergenceError` that names the first parameter which is not finite after this epoch."""
    if not np.isfinite(network.parameters).all():
        name = next(name for name, view in network.named_parameters.items() if not np.isfinite(view).all())
        raise DivergenceError(
            f"Training diverged: {name!r} is not finite after epoch {epoch}. Try a tenth of the learning "
            f"rate, scale the inputs, or pass gradient_clip=1.0."
        )
