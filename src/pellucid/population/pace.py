"""How long each member takes, and with it how many of them will be done when the time budget ends."""

from __future__ import annotations

from collections.abc import Sequence

from pellucid.population.members import Member
from pellucid.population.plan import PopulationPlan, n_kept


class Pace:
    """Seconds on one core that members were measured to take.

    cores : how many networks are trained at a time
    """

    def __init__(self, plan: PopulationPlan, *, cores: int, n_folds: int) -> None:
        self.plan, self.cores, self.n_folds = plan, cores, n_folds
        self._epochs: dict[int, float] = {}  # of a member's networks, on all folds, by its number
        self._besides = 0.0  # all else that a member takes in a rung
        self._selection = 0.0  # choosing the ensemble of all candidates, with all judged rows

    def note_rung(self, trained: Sequence[Member], rung: int, seconds: float) -> None:
        """Note how long each member took for an epoch in the rung that ended, and a member for all besides.

        Not of the first rung, the shortest one, whose time goes mostly into what is done once.
        """
        if rung == 0:
            return
        epoch, before = self.plan.rungs[rung], self.plan.rungs[rung - 1]
        self._epochs = {member.number: member.seconds(before) / (epoch - before) for member in trained}
        if trained:
            training = sum(self._epochs.values()) * (epoch - before)
            self._besides = max(0.0, seconds * self.cores - training) / len(trained)

    def note_selection(self, seconds: float) -> None:
        """Note how long the last choice of an ensemble took."""
        self._selection = seconds

    def n_in_time(self, ranked: Sequence[Member], rung: int, seconds: float) -> int:
        """Return how many members, best first, will be through the last rung in time; 0 if one would miss this one."""
        n = len(ranked)
        while n > 1 and self._needed(ranked[:n], rung, len(self.plan.rungs)) > seconds:
            n -= 1
        return 0 if n == 1 and self._needed(ranked[:1], rung, rung + 1) > seconds else n

    def _needed(self, members: Sequence[Member], rung: int, end: int) -> float:
        """Return the seconds from one rung to another, and to the end, if of the members, best first, the last stop."""
        seconds = self._selection * max(1, self.n_folds - 1)  # at the end, without each part of the rows in turn
        for current in range(rung, end):
            n_epochs = self.plan.rungs[current] - self.plan.rungs[current - 1]
            work = sum(self._epochs.get(member.number, 0.0) * n_epochs + self._besides for member in members)
            seconds += self._selection + work / min(self.cores, len(members) * self.n_folds)
            members = members[: n_kept(current, len(members))]
        return seconds
