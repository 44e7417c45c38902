"""The population trains its members side by side, drops those that fall behind, and picks those that help each other.

    for each rung (an epoch at which the learning rate has come down to 0):
        train each member that is left, on each fold, up to that epoch
        predict the rows of each fold with the network that has not seen them; keep the weights: a candidate
        choose the ensemble among all candidates so far (`select_ensemble`)
        stop if it no longer improves; the members that are behind stop in any case

What each network does depends on its own seed alone, and what is compared is compared in the order of the members, so
the outcome does not depend on how many of them are trained at a time.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pellucid.errors import DivergenceError
from pellucid.layers.base import Array
from pellucid.losses import Loss
from pellucid.network import Network
from pellucid.population.ensemble import Ensemble
from pellucid.population.members import Build, Fold, Member
from pellucid.population.outlook import LEAST_GAIN, gain
from pellucid.population.pace import Pace
from pellucid.population.plan import PopulationPlan, n_kept
from pellucid.population.selection import Selection, blend, select_ensemble
from pellucid.random import Purpose, Random
from pellucid.training import Callback, History, Run
from pellucid.training.history import TrainingState
from pellucid.training.metrics import Metric

MOST_ROUNDS = 20  # candidates in the ensemble, counted as often as they are chosen
POLL = 0.1  # seconds


@dataclass(frozen=True)
class Candidate:
    """What a member was after a rung: its predictions of rows that it has not seen, and the weights of each fold."""

    member: int
    rung: int
    value: float
    predictions: Array
    weights: list[tuple[Array, Array]]


@dataclass(frozen=True)
class Chosen:
    """The outcome: the ensemble, and what is known of it from rows that took no part.

    candidates : (member, epoch, how often) of each that was chosen
    predictions : (n_judged, n_outputs), of each judged row by an ensemble that was selected without its part of the
        rows, among networks that were not trained on it
    """

    ensemble: Ensemble
    candidates: tuple[tuple[int, int, int], ...]
    predictions: Array


class Population:
    """Members, candidates and history of one training; ``train`` fills them.

    target, weight : of the judged rows, which the folds share out
    jobs : what the rung that is under way waits for, by member and fold
    deadline : when the time budget ends, by `time.perf_counter`, or None
    """

    def __init__(
        self,
        plan: PopulationPlan,
        members: Sequence[Member],
        folds: Sequence[Fold],
        target: Array,
        weight: Array | None,
        *,
        build: Build,
        loss: Loss,
        metric: Metric,
        seed: int,
        cores: int,
    ) -> None:
        self.plan, self.members, self.folds = plan, list(members), list(folds)
        self.target, self.weight = target, weight
        self.build, self.loss, self.metric, self.seed, self.cores = build, loss, metric, seed, cores
        self.candidates: list[Candidate] = []
        self.selection: Selection | None = None
        self.history = History(TrainingState(seed, plan.epochs), "auto", "each member chose by itself")
        self.jobs: dict[tuple[int, int], Future[Any]] = {}
        self.deadline: float | None = None
        self._errors: list[DivergenceError] = []
        self._ranked = list(self.members)  # the best first, as far as is known
        self._pace = Pace(plan, cores=cores, n_folds=len(self.folds))

    def train(self, watchers: Sequence[Callback] = (), deadline: float | None = None) -> PopulationPlan:
        """Train rung by rung and return the plan with the rungs that were reached, and how many members reached them.

        Watchers are called between rungs, and their ``after_step`` about ten times a second; one that stops the run
        ends training with what the rungs before brought. The first rung is finished in any case: before it there is
        nothing to keep. Where the last rung would miss the deadline, only as many members as will be in time go on, the
        best ones; where the next one would be missed by a single member, training ends.

        Raises `DivergenceError` if every member diverged.
        """
        run = PopulationRun(
            self._first_network(), self.history, epochs=self.plan.epochs, metrics=[self.metric], population=self
        )
        self.deadline = deadline
        trained: list[int] = []
        began = time.perf_counter()
        for watcher in watchers:
            watcher.begin(run)
        try:
            for rung, epoch in enumerate(self.plan.rungs):
                if rung and deadline is not None:
                    self._hurry(rung, deadline - time.perf_counter())
                left = [member for member in self.members if not member.stopped_by]
                if not left:
                    run.stop("the time budget")
                if not left or not self._advance(left, rung, epoch, run, watchers):
                    break
                trained.append(len(left))
                gained = self._judge(rung, epoch, time.perf_counter() - began)
                for watcher in watchers:
                    watcher.after_epoch(run)
                if run.stopped_by:
                    break
                if not gained:
                    break
        finally:
            for watcher in watchers:
                watcher.end(run)
            engines = {history.engine for member in self.members for history in member.histories.values()}
            self.history.engine = ", ".join(sorted(engines)) or self.history.engine
            for member in self.members:
                member.forget()
        self.history.stopped_by = run.stopped_by
        return dataclasses.replace(self.plan, rungs=self.plan.rungs[: len(trained)], trained=tuple(trained))

    @property
    def most_bytes(self) -> int:
        """Bytes of the weights of the largest ensemble that may be chosen."""
        sizes = sorted((member.n_bytes for member in self.members for _ in self.plan.rungs), reverse=True)
        return len(self.folds) * sum(sizes[:MOST_ROUNDS])

    def choose(self, parts: Sequence[Array]) -> Chosen:
        """Return the ensemble, and predictions of each part of the judged rows by selections without it."""
        assert self.selection is not None
        predictions = [candidate.predictions for candidate in self.candidates]
        out_of_sample = np.zeros(predictions[0].shape)
        for part in parts:
            others = np.setdiff1d(np.concatenate(list(parts)), part) if len(parts) > 1 else part
            found = self._select([each[others] for each in predictions], others)
            out_of_sample[part] = blend([each[part] for each in predictions], found.counts)
        networks: list[Network] = []
        weights: list[float] = []
        chosen = []
        for index in np.flatnonzero(self.selection.counts).tolist():
            candidate, count = self.candidates[index], int(self.selection.counts[index])
            chosen.append((candidate.member, self.plan.rungs[candidate.rung], count))
            for k, (parameters, buffers) in enumerate(candidate.weights):
                configuration = self.members[candidate.member].configuration
                network = self.build(configuration, self.folds[k], Random(self.seed))
                network.parameters[...], network.buffers[...] = parameters, buffers
                network.initialized = True
                networks.append(network)
                weights.append(count / len(self.selection.chosen) / len(candidate.weights))
        return Chosen(Ensemble(tuple(networks), tuple(weights), self.loss), tuple(chosen), out_of_sample)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is to be said of members that diverged; empty if none did."""
        diverged = [member.number for member in self.members if member.stopped_by.startswith("diverged")]
        if not diverged:
            return ()
        names = ", ".join(map(str, diverged))
        return (f"{len(diverged)} of {len(self.members)} members diverged and train no further: {names}",)

    def _first_network(self) -> Network:
        return self.build(self.members[0].configuration, self.folds[0], Random(self.seed))

    def _advance(self, left: list[Member], rung: int, epoch: int, run: Run, watchers: Sequence[Callback]) -> bool:
        """Train the members up to an epoch and keep the candidates; return False if the run was stopped meanwhile."""
        began = time.perf_counter()
        cancel = threading.Event()
        jobs = self.jobs = {}
        with ThreadPoolExecutor(self.cores) as pool:
            try:
                for member in left:
                    for k, fold in enumerate(self.folds):
                        given = (k, fold, epoch, self.plan, self.build, self.loss, self.seed, cancel)
                        jobs[member.number, k] = pool.submit(member.advance, *given)
                waiting = set(jobs.values())
                while waiting:
                    _, waiting = wait(waiting, timeout=POLL, return_when=FIRST_COMPLETED)
                    for watcher in watchers:
                        watcher.after_step(run)
                    if run.stopped_by and rung:
                        cancel.set()
                        pool.shutdown(cancel_futures=True)
                        return False
            except BaseException:
                cancel.set()
                pool.shutdown(cancel_futures=True)
                raise
        for member in left:
            found = [jobs[member.number, k].result() for k in range(len(self.folds))]
            errors = [each for each in found if isinstance(each, DivergenceError)]
            if errors:
                member.stopped_by = f"diverged before epoch {epoch}"
                self._errors += errors
                continue
            predictions = np.empty((len(self.target), found[0][0].shape[1]))  # float32 rounds 1 - 1e-8 to certainty
            for fold, (part, _) in zip(self.folds, found, strict=True):
                predictions[fold.judged] = part
            value = self.metric.value(predictions, self.target, self.weight)
            member.values.append(value)
            self.candidates.append(Candidate(member.number, rung, value, predictions, [own for _, own in found]))
        self.jobs = {}
        if not self.candidates:
            raise self._errors[0]
        trained = [member for member in left if not member.stopped_by]
        self._pace.note_rung(trained, rung, time.perf_counter() - began)
        return True

    def _hurry(self, rung: int, seconds: float) -> None:
        """Stop the last members in rank that would not be in time."""
        left = [member for member in self._ranked if not member.stopped_by]
        for member in left[self._pace.n_in_time(left, rung, seconds) :]:
            member.stopped_by = f"the time budget, after epoch {self.plan.rungs[rung - 1]}"

    def _judge(self, rung: int, epoch: int, seconds: float) -> bool:
        """Choose the ensemble, stop the members that are behind, and return whether going on may be worth it."""
        before = None if self.selection is None else self.selection.values[-1]
        began = time.perf_counter()
        self.selection = self._select([candidate.predictions for candidate in self.candidates], None)
        self._pace.note_selection(time.perf_counter() - began)
        value = self.selection.values[-1]
        left = [member for member in self.members if not member.stopped_by]
        sign = -1.0 if self.metric.higher_is_better else 1.0
        self._ranked = sorted(left, key=lambda member: (sign * _best(member.values, sign), member.number))
        following = self.plan.trained[rung + 1 : rung + 2]
        for member in self._ranked[following[0] if following else n_kept(rung, len(left)) :]:
            member.stopped_by = f"behind after epoch {epoch}"
        best = min(self.candidates, key=lambda candidate: sign * candidate.value).value
        self.history.state.epoch = epoch
        self.history.append(
            {
                "epoch": epoch,
                "loss": best,
                "validation_loss": value,
                "members": len(left),
                "networks": int(np.count_nonzero(self.selection.counts)) * len(self.folds),
                "seconds": seconds,
            }
        )
        if not left or before is None or rung + 1 == len(self.plan.rungs):
            return bool(left)
        return gain(self.metric, before, value) > LEAST_GAIN

    def _select(self, predictions: list[Array], rows: Array | None) -> Selection:
        target = self.target if rows is None else self.target[rows]
        weight = None if self.weight is None else self.weight if rows is None else self.weight[rows]
        return select_ensemble(predictions, target, self.metric, weight, most_rounds=MOST_ROUNDS)


@dataclass
class PopulationRun(Run):
    """What a callback sees of a population's training; its network is the first member's, before training."""

    population: Population = field(kw_only=True)


def _best(values: list[float], sign: float) -> float:
    return min(values, key=lambda value: sign * value)


def parts_of(folds: Sequence[Fold], n_judged: int, rng: Random) -> list[Array]:
    """Return the parts of the judged rows for `Population.choose`: those of the folds, or two halves of a single one.

    >>> from pellucid.random import Random
    >>> [part.tolist() for part in parts_of([], 5, Random(0))]
    [[0, 1], [2, 3, 4]]
    """
    if len(folds) > 1:
        return [fold.judged for fold in folds]
    order = rng.at(purpose=Purpose.SPLIT, layer=0, step=2).permutation(n_judged)
    half = n_judged // 2
    return [np.sort(order[:half]), np.sort(order[half:])] if half else [np.arange(n_judged)]
