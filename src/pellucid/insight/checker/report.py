"""The checker's report: the verdict on a backward pass, what it rests on, and the line that mends it."""

from __future__ import annotations

from dataclasses import dataclass

from pellucid.insight.checker.rendering import Rendered, Table

RIGHT, NEARLY, UNCLEAR = "right", "nearly right", "unclear"
KNOWN, UNKNOWN = "known fault", "unknown fault"

SENTENCES = {
    RIGHT: "right: every gradient is what the network computes, up to rounding",
    NEARLY: "nearly right: the differences are small, but more than rounding explains",
    UNCLEAR: "neither right nor wrong on this batch: rounding may be as large as the gradients",
    KNOWN: "wrong, and the fault is known",
    UNKNOWN: "wrong, in a way that is not among the known faults",
}
COLORS = {RIGHT: "green", NEARLY: "yellow", UNCLEAR: "yellow", KNOWN: "red", UNKNOWN: "red"}


@dataclass(frozen=True)
class Finding:
    """A fault: its name, what went wrong in words, the places where it is, and the line that mends it."""

    name: str
    title: str
    places: tuple[str, ...]
    mend: str


@dataclass(frozen=True)
class ParameterCheck:
    """One parameter's gradient: the largest error relative to the largest number, and how large rounding may make it.

    ``error`` is None where the shapes differ; ``alone`` names a fault that would explain this gradient taken alone.
    """

    name: str
    shape: tuple[int, ...]
    your_shape: tuple[int, ...]
    error: float | None
    tolerance: float
    right: bool
    alone: str = ""


@dataclass(frozen=True)
class Cell:
    """One number of evidence: yours, the right one, and the one that the named fault would give."""

    parameter: str
    index: tuple[int, ...]
    yours: float
    right: float | None
    predicted: float | None


@dataclass(frozen=True, repr=False)
class BackwardReport(Rendered):
    """The verdict on a learner's backward pass; true where it is right.

    Attributes
    ----------
    verdict : ``"right"``, ``"nearly right"``, ``"unclear"``, ``"known fault"`` or ``"unknown fault"``
    faults : the simplest explanation, in backward order: one `Finding` or two
    others : further explanations that give the same numbers on this batch
    first : the parameter at which the pass first differs, in backward order, or ""
    checks : one `ParameterCheck` per parameter, in backward order
    evidence : numbers of the first wrong gradient, the largest differences first; updates are shown as gradients
    unseen : names of faults that would not change a number on this batch, but on another
    suggestion : which batch to try next, or ""
    notes : what else was seen
    loss : the loss of this batch
    """

    verdict: str
    faults: tuple[Finding, ...]
    others: tuple[tuple[Finding, ...], ...]
    first: str
    checks: tuple[ParameterCheck, ...]
    evidence: tuple[Cell, ...]
    unseen: tuple[str, ...]
    suggestion: str
    notes: tuple[str, ...]
    loss: float

    def __bool__(self) -> bool:
        return self.verdict == RIGHT

    @property
    def color(self) -> str:  # type: ignore[override]
        """The color of the verdict."""
        return COLORS[self.verdict]

    def _sentence(self) -> str:
        return f"Your backward pass is {SENTENCES[self.verdict]}."

    def _blocks(self) -> list[list[str] | Table]:
        blocks: list[list[str] | Table] = [
            [finding.title, f"  where: {', '.join(finding.places)}", f"  mend:  {finding.mend}"]
            for finding in self.faults
        ]
        for other in self.others:
            titles = [f"{finding.title} ({', '.join(finding.places)})" for finding in other]
            blocks.append(["or, with the same numbers on this batch:", *titles])
        if self.first:
            order = ", ".join(check.name for check in self.checks)
            blocks.append([f"It first shows in {self.first} (the way back: {order})."])
        blocks.append(self._parameters())
        if self.evidence:
            blocks.append(self._numbers())
        blocks.append([f"The loss of this batch is {self.loss:.6g}."])
        if self.unseen:
            blocks.append([f"This batch cannot show {', '.join(self.unseen)}."])
        return [*blocks, *([text] for text in (self.suggestion, *self.notes) if text)]

    def _parameters(self) -> Table:
        rows = []
        for check in self.checks:
            shape = str(check.shape) if check.shape == check.your_shape else f"{check.your_shape} for {check.shape}"
            error = "-" if check.error is None else f"{check.error:.1e}"
            wrong = f"differs{f'; alone it looks like {check.alone}' if check.alone else ''}"
            rows.append([check.name, shape, error, f"{check.tolerance:.1e}", "right" if check.right else wrong])
        return Table(["gradient", "shape", "relative error", "allowed", ""], rows)

    def _numbers(self) -> Table:
        known = self.verdict == KNOWN
        rows = []
        for cell in self.evidence:
            values = [cell.yours, cell.right, *([cell.predicted] if known else [])]
            name = f"{cell.parameter}{list(cell.index) if cell.index else ''}"
            rows.append([name, *("-" if value is None else f"{value:.8g}" for value in values)])
        return Table(["number", "yours", "right", *(["with this fault"] if known else [])], rows)
