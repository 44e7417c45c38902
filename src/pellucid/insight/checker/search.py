"""The search for an explanation walks the way back with one or two kinds of fault, and turns where it differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pellucid.insight.checker.faults import CATALOGUE, UPDATED_FIRST, Alternative, Fault, Here, Move
from pellucid.insight.checker.tape import JITTER, Tape
from pellucid.layers.base import Array

LOOSE = 1e-3
"""While searching, gradients that differ by less than this share may be the same; in the end, rounding decides."""

SAME = 1e-10
"""A wrong step that changes its result by less than this share changes nothing here, and is no explanation."""

Gradients = Mapping[str, Array]


@dataclass(frozen=True, eq=False)
class Explanation:
    """A backward pass: for each move the way that was taken; without faults, the right one."""

    moves: tuple[Move, ...]
    chosen: tuple[Alternative, ...]
    learning_rate: float | None

    @property
    def findings(self) -> tuple[tuple[Move, Alternative], ...]:
        """The places with a fault, in backward order."""
        return tuple((m, a) for m, a in zip(self.moves, self.chosen, strict=True) if a.fault is not None)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The kinds of fault, each once, in backward order."""
        return tuple(dict.fromkeys(a.fault for a in self.chosen if a.fault is not None))

    @property
    def conventions(self) -> tuple[str, ...]:
        """What is computed in another way that is as right."""
        return tuple(dict.fromkeys(a.convention for a in self.chosen if a.convention))

    @property
    def rank(self) -> tuple[int, int, int]:
        """What is simpler comes first: fewer kinds of fault, in fewer places, earlier in the catalogue."""
        return len(self.faults), len(self.findings), sum(map(CATALOGUE.index, self.faults))

    def predict(
        self, tape: Tape, *, like: Gradients | None = None, start: tuple[int, State] | None = None
    ) -> dict[str, Array] | None:
        """Return the gradients that this pass computes on a tape; None if it cannot, or they are not ``like`` these.

        ``start`` is the number of a move and the state before it, from where to go on.
        """
        place, state = start or (0, State(tape.d_outputs))
        for move, alternative in zip(self.moves[place:], self.chosen[place:], strict=True):
            value = _computed(alternative, state.here(tape, move, self.learning_rate))
            if value is None:
                return None
            if like is not None and move.emits and not move.is_draft and not equal(value, like[move.emits], SAME):
                return None
            state = state.after(tape, move, value)
        return state.emitted


@dataclass(frozen=True, eq=False)
class State:
    """What a backward pass has computed up to a move."""

    slope: Array
    before: Array | None = None
    draft: Array | None = None
    emitted: dict[str, Array] = field(default_factory=dict)

    def here(self, tape: Tape, move: Move, learning_rate: float | None) -> Here:
        """Return what the alternatives of a move may use."""
        return Here(tape, move.index, self.slope, self.before, self.draft, self.emitted, learning_rate)

    def after(self, tape: Tape, move: Move, value: Array) -> State:
        """Return the state after a move that computed ``value``."""
        if move.is_draft:
            return replace(self, draft=value)
        if move.emits:
            return replace(self, draft=None, emitted={**self.emitted, move.emits: value})
        at_activation = move.index >= 0 and tape.steps[move.index].is_activation
        return State(value, self.slope if at_activation else None, None, self.emitted)


def right_pass(moves: tuple[Move, ...], learning_rate: float | None = None) -> Explanation:
    """Return the backward pass without faults."""
    return Explanation(moves, tuple(move.alternatives[0] for move in moves), learning_rate)


def single_faults(
    tape: Tape, moves: tuple[Move, ...], learning_rate: float | None
) -> Iterator[tuple[Explanation, tuple[int, State]]]:
    """Yield the passes with one fault in one place, each with the number of its move and the right state before it."""
    right = right_pass(moves, learning_rate).chosen
    state = State(tape.d_outputs)
    for place, move in enumerate(moves):
        for alternative in move.alternatives:
            if alternative.fault is not None:
                chosen = (*right[:place], alternative, *right[place + 1 :])
                yield Explanation(moves, chosen, learning_rate), (place, state)
        value = _computed(right[place], state.here(tape, move, learning_rate))
        assert value is not None
        state = state.after(tape, move, value)


@dataclass
class Search:
    """Finds the passes that give the gradients ``given``, up to ``slack`` (by name) and what rounding explains."""

    tape: Tape
    moves: tuple[Move, ...]
    given: Gradients
    slack: Mapping[str, float]
    learning_rate: float | None = None
    found: list[Explanation] = field(default_factory=list)

    def run(self, n_faults: int) -> list[Explanation]:
        """Return the passes with so many kinds of fault, each kind in as many places as it takes; simplest first."""
        self.found = []
        self._visit((), State(self.tape.d_outputs), frozenset(), n_faults)
        return sorted(self.found, key=lambda explanation: explanation.rank)

    def _visit(self, chosen: tuple[Alternative, ...], state: State, faults: frozenset[Fault], n_faults: int) -> None:
        if len(chosen) == len(self.moves):
            if len(faults) == n_faults:
                self.found.append(Explanation(self.moves, chosen, self.learning_rate))
            return
        move = self.moves[len(chosen)]
        here = state.here(self.tape, move, self.learning_rate)
        right: Array | None = None
        for alternative in move.alternatives:
            kinds = faults if alternative.fault is None else faults | {alternative.fault}
            if len(kinds) > n_faults:
                continue
            value = _computed(alternative, here)
            if value is None or (right is not None and equal(value, right, SAME)):
                continue
            right = value if right is None else right
            if move.emits and not move.is_draft:
                given = self.given[move.emits]
                if not equal(given, value, LOOSE, self.slack[move.emits]):
                    continue
            self._visit((*chosen, alternative), state.after(self.tape, move, value), kinds, n_faults)


def shapes(tape: Tape, moves: tuple[Move, ...]) -> dict[str, set[tuple[int, ...]]]:
    """Return the shapes that each parameter's gradient may have, rightly or by a known fault."""
    found: dict[str, set[tuple[int, ...]]] = {}
    state = State(tape.d_outputs)
    drafts: list[Array] = []
    for move in moves:
        values = [_computed(alternative, state.here(tape, move, None)) for alternative in move.alternatives]
        assert values[0] is not None
        if move.is_draft:
            drafts = [value for value in values if value is not None]
        elif move.emits:
            found[move.emits] = {shape for draft in drafts for shape in (draft.shape, draft.shape[::-1])}
            found[move.emits] |= {value.shape for value in values if value is not None}
        state = state.after(tape, move, values[0])
    return found


def implied_learning_rate(tape: Tape, moves: tuple[Move, ...], given: Gradients) -> float | None:
    """Return the learning rate at which the last layer's weights took their step before they were used, if one fits.

    ``moves`` are those for a learning rate of 1. What the step changes in the gradients of the next layer is
    proportional to the rate, which least squares gives. From fewer than three numbers nothing is concluded.
    """
    places = [
        (place, alternative)
        for place, move in enumerate(moves)
        for alternative in move.alternatives
        if alternative.fault is UPDATED_FIRST
    ]
    if not places:
        return None
    place, alternative = places[0]
    right = right_pass(moves)
    updated = Explanation(moves, (*right.chosen[:place], alternative, *right.chosen[place + 1 :]), 1.0)
    without, with_step = right.predict(tape), updated.predict(tape)
    names = [move.emits for move in moves[place + 1 :] if move.emits and not move.is_draft]
    if without is None or with_step is None or not names:
        return None
    layer = names[0].rpartition(".")[0]
    names = [name for name in names if name.rpartition(".")[0] == layer and given[name].shape == without[name].shape]
    effect = np.concatenate([(with_step[name] - without[name]).ravel() for name in names])
    error = np.concatenate([(given[name] - without[name]).ravel() for name in names])
    if np.count_nonzero(effect) < 3:
        return None
    rate = float(error @ effect / (effect @ effect))
    return rate if np.isfinite(rate) and rate > 0 else None


def equal(a: Array, b: Array, share: float, slack: float = 0.0) -> bool:
    """Return whether two arrays have one shape and differ nowhere by more than a share of the largest number in b."""
    return a.shape == b.shape and distance(a, b) <= share * float(np.abs(b).max(initial=0)) + slack


def distance(a: Array, b: Array) -> float:
    """Return the largest difference between two arrays of one shape."""
    return float(np.abs(a - b).max(initial=0))


def rounding(explanation: Explanation, tape: Tape, jittered: list[Tape], precision: np.finfo[Any]) -> dict[str, float]:
    """Return by name how far gradients computed by this pass may be off when every operation rounds at a precision.

    A number of the pass is a sum of at most ``length`` products, which rounds by at most ``length`` eps / 2 relative to
    its terms, and 16 more are granted for the operations around it. What that does to the gradients is measured: on
    the jittered tapes all numbers are moved at once, so that cancellation shows. A number so small that a factor of
    it has underflowed, below ``tiny / eps``, counts as 0.
    """
    eps, underflow = float(precision.eps), float(precision.tiny) / float(precision.eps)
    length = max(tape.n_rows, *tape.network.sizes) + 16
    exact = explanation.predict(tape) or {}
    moved = [explanation.predict(other) or exact for other in jittered]
    return {
        name: length * eps * max(distance(other[name], value) for other in moved) / JITTER + underflow
        for name, value in exact.items()
    }


def _computed(alternative: Alternative, here: Here) -> Array | None:
    with np.errstate(all="ignore"):  # what overflows is no explanation of finite gradients
        value = alternative.compute(here)
    if value is None or not np.isfinite(value).all():
        return None
    return np.asarray(value)
