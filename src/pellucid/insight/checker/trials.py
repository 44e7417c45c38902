"""Trials: other batches, on which faults that look alike on the learner's own batch can be told apart."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from pellucid.insight.checker.search import Explanation, equal
from pellucid.insight.checker.tape import Tape
from pellucid.layers import Embedding
from pellucid.layers.base import walk

APART = 1e-6
"""Gradients that differ by this share of the largest are told apart without doubt."""


@dataclass(frozen=True, eq=False)
class Trial:
    """A batch to try, as a tape and in words."""

    tape: Tape
    how: str

    def separates(self, one: Explanation, other: Explanation) -> bool:
        """Return whether two passes give different gradients on this batch."""
        a, b = one.predict(self.tape), other.predict(self.tape)
        if a is None or b is None:
            return a is not b
        return any(not equal(a[name], b[name], APART) for name in a)


def trials(tape: Tape) -> tuple[Trial, ...]:
    """Return a batch of another number of random rows, and the same with random weights; fixed seeds make both."""
    taken = {tape.n_rows, *tape.network.sizes}
    n_rows = next(count for count in itertools.count(5, 2) if count not in taken)
    again = np.arange(n_rows) % tape.n_rows
    if any(isinstance(layer, Embedding) for _, layer in walk(tape.network.chain)):
        x, rows = tape.x[again], f"X[np.arange({n_rows}) % {tape.n_rows}]"
    else:
        size = (n_rows, tape.network.n_inputs)
        x, rows = np.random.default_rng(0).normal(size=size), f"np.random.default_rng(0).normal(size={size})"
    batch = f"X = {rows}; y = y[np.arange({n_rows}) % {tape.n_rows}]"
    target = tape.target[again]
    other = tape.network.copy()
    other.parameters[...] = np.random.default_rng(1).normal(size=other.parameters.size)
    weights = f"network.parameters[...] = np.random.default_rng(1).normal(size={other.parameters.size})"
    return (
        Trial(Tape(tape.network, x, target, tape.loss), f"A batch of {n_rows} rows: {batch}"),
        Trial(Tape(other, x, target, tape.loss), f"Other weights and {n_rows} rows: {weights}; {batch}"),
    )
