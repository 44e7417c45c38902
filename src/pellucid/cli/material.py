"""The material of ``pellucid train``: the tables that it names, read, checked, understood, and parted."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pellucid.cli.display import MOST_COLUMNS, Display, columns_summary, columns_table, counted
from pellucid.cli.parting import Parting, parting_of
from pellucid.cli.remarks import remarks
from pellucid.cli.source import Source
from pellucid.cli.targets import choose_task, new_target, refuse_no_features, take_target
from pellucid.tabular import ClassTarget, Column, NumberTarget, Task, infer_columns
from pellucid.tabular.fingerprint import Fingerprint, fingerprint

if TYPE_CHECKING:
    import polars


@dataclasses.dataclass(frozen=True)
class Order:
    """What was asked for; ``options`` are those of the estimator that were given."""

    data: Path
    targets: tuple[str, ...]
    output: Path
    test: Path | None
    test_share: float
    seed: int
    task: str
    kinds: dict[str, str]
    missing: tuple[str, ...]
    drop: tuple[str, ...]
    groups: str | None
    order: str | None
    options: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Material:
    """The tables that the order names, understood: rows to learn from, and rows to judge by, if any."""

    columns: list[Column]
    task: Task
    target: ClassTarget | NumberTarget
    table: polars.DataFrame
    y: Any
    parting: Parting
    test: polars.DataFrame | None
    test_y: Any
    test_source: Source

    def fingerprint(self, table: polars.DataFrame, y: Any) -> Fingerprint:
        """Return the fingerprint of some rows, to learn from or to judge by, and their target."""
        features = self.table.columns
        columns = [column for column in self.columns if column.name in features]
        return fingerprint(table.select(features), columns, self.target, y)


def prepare(order: Order, display: Display) -> Material:
    """Read the tables, check all that can be checked before training, and say what was understood."""
    targets, texts = list(order.targets), [name for name, kind in order.kinds.items() if kind == "category"]
    source = Source.read(order.data, missing=order.missing)
    source.require(targets, "which --target names")
    source.require(order.drop, "which --drop names")
    source.require(list(order.kinds), "which --kind names")
    source.require([order.groups] if order.groups else [], "which --groups names")
    source.require([order.order] if order.order else [], "which --order names")
    if texts:
        source = Source.read(order.data, missing=order.missing, columns_as_text=texts)
    source.table = source.table.drop(order.drop)
    roles = dict.fromkeys(targets, "target")
    roles |= {name: role for name, role in ((order.groups, "groups"), (order.order, "order")) if name}
    features = [name for name in source.table.columns if name not in roles]
    refuse_no_features(features, order.data)
    with source.locating():
        columns = infer_columns(source.table, {name: k for name, k in order.kinds.items() if name not in order.drop})
        display.say(f"{order.data}: {counted(source.table.height, 'row')}, {counted(len(columns), 'column')}")
        if len(columns) > MOST_COLUMNS:
            display.say(columns_summary(columns))
        display.say()
        display.show(columns_table(columns, roles, display.width))
        for remark in remarks(columns, source.table.height, roles):
            display.say(f"note: {remark}")
        display.say()
        task = choose_task(source.table, [column for column in columns if column.name in targets], order.task)
        y = take_target(source.table, targets, task.task)
        target = new_target(task.task).fit(y, ", ".join(targets))
        codes = target.encode(y)
    auto = " (--task overrides)" if order.task == "auto" else ""
    display.say(f"task: {task.task}, because {task.reason}{auto}")
    parting = parting_of(source, columns, order.groups, order.order)
    test_source = source
    table, test, test_y = source.table, None, None
    if order.test is not None:
        texts = [name for name in texts if name not in order.drop]
        test_source = Source.read(order.test, missing=order.missing, columns_as_text=texts)
        kinds = {c.name: c.kind for c in columns if c.is_used and c.name in features}
        test_source.require(list(kinds), "which training has")
        test_source.require(targets, "the target")
        with test_source.locating():
            test = test_source.table
            infer_columns(test.select(list(kinds)), kinds)
            test_y = take_target(test, targets, task.task)
            target.encode(test_y)
    elif order.test_share > 0:
        strata = codes if codes.dtype.kind == "i" else None
        parting.require(3, "learning, and judging twice by rows apart,")
        stay, aside = parting.hold_out(order.test_share, order.seed, strata, table.height)
        table, test, parting = table[stay], table[aside], parting.take(stay)
        test_y, y = y[aside], y[stay]
    parting.require(2, "learning, and judging by rows apart,")
    display.say(
        f"rows: {table.height:,} to learn from, {0 if test is None else test.height:,} held out to judge the result by"
        f"{parting.said() if order.test is None and test is not None else ''}"
    )
    return Material(columns, task, target, table.select(features), y, parting, test, test_y, test_source)
