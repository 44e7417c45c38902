"""The verdict: which explanation of the given gradients is believed, and on what evidence."""

from __future__ import annotations

import numpy as np

from pellucid.insight.checker import report
from pellucid.insight.checker.given import Given
from pellucid.insight.checker.moves import moves
from pellucid.insight.checker.report import BackwardReport, Cell, Finding, ParameterCheck
from pellucid.insight.checker.search import (
    Explanation,
    Gradients,
    Search,
    distance,
    equal,
    implied_learning_rate,
    right_pass,
    rounding,
    single_faults,
)
from pellucid.insight.checker.tape import Tape
from pellucid.insight.checker.trials import trials

MOST_FAULTS = 2
"""Explanations with more kinds of fault are not looked for."""

NEARLY = 1e-5
"""Up to this relative error a pass is nearly right: an epsilon inside a logarithm or forward differences do as much."""

DIGITS_PER_FAULT = 5
"""How many digits must agree, over all numbers together, for each kind of fault that an explanation names.

There are about a hundred ways to be wrong in a place, that is two digits' worth: fewer digits would fit by chance.
"""

CANCELLED = 1e3
"""While searching, how many times the precision of the right gradient counts as nothing."""

UNCERTAIN = 1e-2
"""A gradient of which rounding may change this share, and which differs by as much, can be called neither."""

MOST_OTHERS = 3
N_CELLS = 3


class Comparison:
    """The given gradients beside the right ones, and beside what the known faults predict."""

    def __init__(self, tape: Tape, given: Given, learning_rate: float | None) -> None:
        self.tape, self.given = tape, given
        self.rate = learning_rate
        if learning_rate is None:
            self.rate = implied_learning_rate(tape, moves(tape, None, 1.0), given.gradients)
        self.moves = moves(tape, learning_rate, self.rate)
        self.jittered = [Tape(tape.network, tape.x, tape.target, tape.loss, jitter_seed=seed) for seed in (1, 2, 3)]
        self.trials = trials(tape)
        self.right_pass = right_pass(self.moves, self.rate)
        self.right: Gradients = self.right_pass.predict(tape) or {}

    def report(self) -> BackwardReport:
        """Return the verdict: right, explained by the fewest kinds of fault, nearly right, or unknown."""
        verdict, fitting, notes = self._verdict()
        best = fitting[0] if fitting else self.right_pass
        others, suggestion = self._others(fitting)
        unseen: tuple[str, ...] = ()
        if verdict == report.RIGHT:
            unseen, suggestion = self._unseen()
        checks = self._checks(verdict)
        first = next((check.name for check in checks if not check.right), "")
        predicted = best.predict(self.tape) if verdict == report.KNOWN else None
        return BackwardReport(
            verdict=verdict,
            faults=_findings(best),
            others=tuple(_findings(other) for other in others),
            first=first,
            checks=checks,
            evidence=self._evidence(first, predicted or {}) if first else (),
            unseen=unseen,
            suggestion=suggestion,
            notes=(*self.given.notes, *best.conventions, *notes),
            loss=self.tape.value,
        )

    def _verdict(self) -> tuple[str, list[Explanation], tuple[str, ...]]:
        """Return the verdict with all explanations that fit, simplest first, and what is to be said of it."""
        nothing = CANCELLED * float(self.given.precision.eps)  # where terms cancel, as softmax's do over the classes
        slack = {
            name: self.given.slack[name] + nothing * float(np.abs(value).max(initial=0))
            for name, value in self.right.items()
        }
        search = Search(self.tape, self.moves, self.given.gradients, slack, self.rate)
        if self._fits(self.right_pass):
            return self._right_or_unclear()
        close = []
        for n_faults in range(MOST_FAULTS + 1):
            close.append(search.run(n_faults))
            fitting = [explanation for explanation in close[-1] if self._fits(explanation)]
            if fitting:
                return (report.KNOWN if n_faults else report.RIGHT), fitting, ()
        for n_faults, explanations in enumerate(close):
            fitting = [explanation for explanation in explanations if self._fits(explanation, NEARLY)]
            if fitting:
                note = (
                    f"More than rounding is left, but less than {NEARLY:g} of the largest number: as much as an "
                    "epsilon in a logarithm, clipped probabilities, float32 or finite differences leave."
                )
                return (report.KNOWN if n_faults else report.NEARLY), fitting, (note,)
        return report.UNKNOWN, [], self._hints()

    def _fits(self, explanation: Explanation, share: float = 0.0) -> bool:
        """Return whether a pass gives the gradients up to rounding, or a share, and whether that is no coincidence."""
        allowed = rounding(explanation, self.tape, self.jittered, self.given.precision)
        digits = 0.0
        for name, value in (explanation.predict(self.tape) or {}).items():
            largest = float(np.abs(value).max(initial=0))
            limit = max(allowed[name], share * largest) + self.given.slack[name]
            if not equal(self.given.gradients[name], value, 0, limit):
                return False
            if 0 < limit < largest:
                digits += value.size * float(np.log10(largest / limit))
        return digits >= DIGITS_PER_FAULT * len(explanation.faults)

    def _others(self, fitting: list[Explanation]) -> tuple[list[Explanation], str]:
        """Return the explanations by other faults that some batch tells from the simplest, and such a batch."""
        others: list[Explanation] = []
        suggestion = ""
        for explanation in fitting[1:]:
            known = [set(fitting[0].faults), *(set(other.faults) for other in others)]
            trial = next((trial for trial in self.trials if trial.separates(fitting[0], explanation)), None)
            if trial is not None and set(explanation.faults) not in known:
                others.append(explanation)
                suggestion = suggestion or f"Another batch tells them apart. {trial.how}"
        return others[:MOST_OTHERS], suggestion

    def _unseen(self) -> tuple[tuple[str, ...], str]:
        """Return the faults that would not have changed a number on this batch, and a batch that shows them."""
        unseen: dict[str, str] = {}
        for explanation, start in single_faults(self.tape, self.moves, self.rate):
            if explanation.predict(self.tape, like=self.right, start=start) is None:
                continue
            trial = next((trial for trial in self.trials if trial.separates(self.right_pass, explanation)), None)
            if trial is not None:
                unseen.setdefault(explanation.faults[0].name, trial.how)
        return tuple(unseen), next((f"Another batch shows them. {how}" for how in unseen.values()), "")

    def _checks(self, verdict: str) -> tuple[ParameterCheck, ...]:
        """Return each parameter's comparison with the right gradient, in backward order."""
        allowed = rounding(self.right_pass, self.tape, self.jittered, self.given.precision)
        alone = self._alone() if verdict == report.UNKNOWN else {}
        checks = []
        for name, value in self.right.items():
            yours = self.given.gradients[name]
            scale = float(np.abs(value).max(initial=0)) or 1.0
            tolerance = (allowed[name] + self.given.slack[name]) / scale
            error = distance(yours, value) / scale if yours.shape == value.shape else None
            right = verdict == report.RIGHT or (error is not None and error <= tolerance)
            guess = "" if right else alone.get(name, "")
            checks.append(ParameterCheck(name, value.shape, yours.shape, error, tolerance, right, guess))
        return tuple(checks)

    def _alone(self) -> dict[str, str]:
        """Return by parameter the name of a single fault that explains it when the others are left out of account."""
        share = max(1e-9, 1e3 * float(self.given.precision.eps))
        matches: list[tuple[int, tuple[int, int, int], str, list[str]]] = []
        for explanation, start in single_faults(self.tape, self.moves, self.rate):
            predicted = explanation.predict(self.tape, start=start)
            names = [
                name
                for name, value in (predicted or {}).items()
                if value.size >= 3
                and not equal(value, self.right[name], share)
                and equal(self.given.gradients[name], value, share, self.given.slack[name])
            ]
            if names:
                matches.append((-len(names), explanation.rank, explanation.faults[0].name, names))
        found: dict[str, str] = {}
        for _, _, fault, names in sorted(matches):
            for name in names:
                found.setdefault(name, fault)
        return found

    def _right_or_unclear(self) -> tuple[str, list[Explanation], tuple[str, ...]]:
        """Return the verdict on a pass within rounding of the right one, which says little where rounding is large."""
        checks = [check for check in self._checks(report.RIGHT) if check.tolerance > UNCERTAIN]
        if not checks:
            return report.RIGHT, [self.right_pass], ()
        verdict = report.UNCLEAR if any((check.error or 0) > UNCERTAIN for check in checks) else report.RIGHT
        note = (
            f"Of {', '.join(check.name for check in checks)} too few digits are left to check: saturated neurons or "
            "terms that cancel make the gradient as small as its rounding. Try other rows, smaller weights, or float64."
        )
        return verdict, [self.right_pass], (note,)

    def _hints(self) -> tuple[str, ...]:
        """Return what strikes the eye in gradients that no known fault explains."""
        yours, right = [], []
        for name, value in self.right.items():
            if self.given.gradients[name].shape != value.shape:
                return ()
            yours.append(self.given.gradients[name].ravel())
            right.append(value.ravel())
        a, b = np.concatenate(yours), np.concatenate(right)
        factor = float(a @ b / (b @ b)) if b @ b else 0.0
        if factor and equal(a, factor * b, max(1e-9, 1e3 * float(self.given.precision.eps))):
            return (f"Every number is {factor:.6g} times the right one: look for a factor that comes in once for all.",)
        return ()

    def _evidence(self, name: str, predicted: Gradients) -> tuple[Cell, ...]:
        """Return the numbers of a parameter that differ most from the right ones; by position, where shapes differ."""
        yours, right = self.given.gradients[name], self.right[name]
        comparable = yours.shape == right.shape
        order = np.argsort(-np.abs(yours - right), axis=None, kind="stable") if comparable else np.arange(yours.size)
        cells = []
        for flat in order[:N_CELLS]:
            index = tuple(int(i) for i in np.unravel_index(flat, yours.shape))
            cells.append(
                Cell(
                    parameter=name,
                    index=index,
                    yours=float(yours[index]),
                    right=float(right[index]) if comparable else None,
                    predicted=float(predicted[name][index]) if name in predicted else None,
                )
            )
        return tuple(cells)


def _findings(explanation: Explanation) -> tuple[Finding, ...]:
    """Return the faults of an explanation in words, with all their places."""
    found = []
    for fault in explanation.faults:
        places = [(move, alternative) for move, alternative in explanation.findings if alternative.fault is fault]
        move, alternative = places[0]
        title = fault.title.format_map(move.terms) + (f" ({alternative.detail})" if alternative.detail else "")
        where = tuple(dict.fromkeys(move.place + (f": {move.emits}" if move.emits else "") for move, _ in places))
        mends = tuple(dict.fromkeys(fault.mend.format_map(move.terms) for move, _ in places))
        found.append(Finding(fault.name, title, where, "; ".join(mends)))
    return tuple(found)
