"""An explanation is all that the report tells, as plain data: `save` writes it as one page of HTML."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

from pellucid.insight.dependence import Dependence
from pellucid.insight.doctor.report import Report
from pellucid.insight.importance import Importances
from pellucid.insight.pictures.diagram import Diagram
from pellucid.insight.report.quality import ClassQuality, NumberQuality


@dataclass(frozen=True)
class ColumnStory:
    """A column that the model uses: its kind, the share of holes in this table, and some values of it."""

    name: str
    kind: str
    missing_share: float
    n_distinct: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class WorstRow:
    """A row that was predicted badly: its number from 0, its loss, the truth and the prediction, and its values."""

    number: int
    loss: float
    truth: str
    predicted: str
    values: dict[str, str]


@dataclass(frozen=True)
class Explanation:
    """What `explain` found.

    Attributes
    ----------
    task : "classes", "labels" or "numbers"
    targets : names of what is predicted
    n_rows : of the table; n_judged: those whose true values are known
    columns : what the model uses
    answers : how often each class is predicted (labels: yes), as shares of the rows; of numbers their quantiles
    qualities : one of the classes, one of each label or each number; empty without true values
    importances : how much worse a shuffled column makes predictions, or None without true values
    dependences : of the most important columns; without true values those that move predictions most
    worst : the rows of the largest loss
    loss_name : what the loss of a row is
    diagnosis : the doctor's `Report`, or None without true values
    diagram : the strongest network
    receipt, members, reasons, remarks : how the model came about
    omissions : what was left out or sampled, in sentences
    estimator : the fitted estimator, for the picture of its training
    """

    task: str
    targets: tuple[str, ...]
    n_rows: int
    n_judged: int
    columns: tuple[ColumnStory, ...]
    answers: dict[str, float]
    qualities: tuple[ClassQuality | NumberQuality, ...]
    importances: Importances | None
    dependences: tuple[Dependence, ...]
    worst: tuple[WorstRow, ...]
    loss_name: str
    diagnosis: Report | None
    diagram: Diagram = field(repr=False)
    receipt: dict[str, Any] = field(repr=False)
    members: tuple[dict[str, Any], ...] = field(repr=False)
    reasons: tuple[str, ...] = field(repr=False)
    remarks: tuple[str, ...] = field(repr=False)
    omissions: tuple[str, ...] = ()
    estimator: Any = field(default=None, repr=False)

    @property
    def html(self) -> str:
        """The report as one page, which asks for nothing else: no script, no file, no request."""
        from pellucid.insight.report.page import page

        return page(self)

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the page; raises `OutputError` if the path exists (unless ``overwrite``) or cannot be written."""
        from pellucid.model import check_writable, whole_file

        content = self.html.encode()
        noun = "a report"
        check_writable(path, overwrite=overwrite, needed_bytes=len(content), noun=noun)
        with whole_file(path, overwrite=overwrite, needed_bytes=len(content), noun=noun) as temporary:
            temporary.write_bytes(content)
