"""Standings: how the methods of the benchmark on tables compare, from the rows of their runs, as Markdown.

In each cell, a table with a seed, the score of a method is its task's primary metric, and its normalized score is
``(score - worst) / (best - worst)`` over the methods that have run there. Both that and the rank are averaged over a
table's seeds first and over tables then.
"""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

NUMBERS = ("auroc", "log_loss", "accuracy", "rmse", "r2", "fit_s", "predict_s", "peak_rss_mb", "load")
PRIMARY = {"binary": "auroc", "multiclass": "log_loss", "regression": "rmse"}
HIGHER_IS_BETTER = {"auroc"}
OURS, PACE = "pellucid", "catboost"  # what the others are compared with, and whose time is the unit
RECORDED = "*"  # marks a method whose figures were recorded elsewhere

Row = dict[str, Any]
Key = tuple[str, int, str]
Cells = dict[tuple[str, int], dict[str, Row]]  # by table and seed, then by method


def cells_of(rows: Mapping[Key, Row]) -> Cells:
    """Return the rows of finished runs by table and seed."""
    cells: Cells = {}
    for (table, seed, method), row in rows.items():
        if row["status"] == "ok":
            cells.setdefault((table, seed), {})[method] = row
    return cells


def with_recorded(rows: Mapping[Key, Row], recorded: Mapping[Key, Row], tables: Sequence[str]) -> dict[Key, Row]:
    """Return both, with a mark on the recorded methods that this run does not have, on the seeds that all have."""
    own_methods = {method for _, _, method in rows}
    added = {
        (table, seed, method + RECORDED): row
        for (table, seed, method), row in recorded.items()
        if method not in own_methods and table in tables
    }
    both = {**rows, **added}
    methods = {method for _, _, method in both}
    seeds = set.intersection(*({seed for _, seed, each in both if each == method} for method in methods))
    return {key: row for key, row in both.items() if key[1] in seeds}


def score(row: Row) -> float:
    """Return the primary metric, turned so that more is better."""
    metric = PRIMARY[row["task"]]
    return float(row[metric]) if metric in HIGHER_IS_BETTER else -float(row[metric])


def normalized(cell: Mapping[str, Row]) -> dict[str, float]:
    """Return each method's share of the way from the worst score to the best; 1 where all are equal."""
    scores = {method: score(row) for method, row in cell.items()}
    worst, best = min(scores.values()), max(scores.values())
    return {method: 1.0 if best == worst else (value - worst) / (best - worst) for method, value in scores.items()}


def ranks(cell: Mapping[str, Row]) -> dict[str, float]:
    """Return each method's rank, 1 for the best; equal scores share the mean of their ranks."""
    scores = {method: score(row) for method, row in cell.items()}
    return {
        method: 1 + sum(other > value for other in scores.values()) + (list(scores.values()).count(value) - 1) / 2
        for method, value in scores.items()
    }


def over_tables(values: Mapping[tuple[str, int], float]) -> float:
    """Return the mean over tables of the means over seeds."""
    tables = dict.fromkeys(table for table, _ in values)
    return fmean(fmean(value for (table, _), value in values.items() if table == each) for each in tables)


def seconds(cells: Cells, method: str, beside: str) -> tuple[float, float]:
    """Return the total seconds of fits of two methods, over the cells that both have."""
    shared = [cell for cell in cells.values() if method in cell and beside in cell]
    return sum(cell[method]["fit_s"] for cell in shared), sum(cell[beside]["fit_s"] for cell in shared)


def standing(cells: Cells) -> str:
    """Return the methods in the order of their normalized scores, as a table of Markdown."""
    methods = dict.fromkeys(method for cell in cells.values() for method in cell)
    shares, places = ({key: of(cell) for key, cell in cells.items()} for of in (normalized, ranks))
    pace = next((method for method in (PACE, PACE + RECORDED) if method in methods), PACE)
    lines = []
    for method in methods:
        own = [key for key in cells if method in cells[key]]
        share = over_tables({key: shares[key][method] for key in own})
        place = over_tables({key: places[key][method] for key in own})
        total = sum(cells[key][method]["fit_s"] for key in own)
        ours, paced = seconds(cells, method, pace)
        duels = [key for key in own if OURS in cells[key] and method != OURS]
        ahead = sum(score(cells[key][OURS]) > score(cells[key][method]) for key in duels)
        lines.append(
            (
                -share,
                [
                    method,
                    len(own),
                    f"{share:.3f}",
                    f"{place:.2f}",
                    digits(total),
                    f"{ours / paced:.2f}" if paced else "",
                    f"{ahead} of {len(duels)}" if duels else "",
                ],
            )
        )
    titles = ("method", "runs", "normalized score", "mean rank", "fit, s", f"x {PACE}", f"{OURS} ahead")
    return markdown(titles, [line for _, line in sorted(lines, key=lambda pair: pair[0])])


def by_table(cells: Cells, tables: Sequence[str], name: str | None) -> str:
    """Return means over seeds by table (rows) and method (columns): of the primary metric, or of a number.

    The best metric is bold; a method that lacks a seed there is not compared.
    """
    methods = list(dict.fromkeys(method for cell in cells.values() for method in cell))
    lines = []
    for table in tables:
        found = [cell for (each, _), cell in cells.items() if each == table]
        if not found:
            continue
        task = next(iter(found[0].values()))["task"]
        metric = name or PRIMARY[task]
        values = [fmean(of) if (of := [c[m][metric] for c in found if m in c]) else math.nan for m in methods]
        shown = list(map(digits, values))
        if name is None:
            whole = [all(m in c for c in found) for m in methods]
            compared = [v for v, each in zip(values, whole, strict=True) if each]
            best = (max if metric in HIGHER_IS_BETTER else min)(compared, default=math.nan)
            shown = [f"**{t}**" if each and v == best else t for t, v, each in zip(shown, values, whole, strict=True)]
        lines.append([table, *([metric] if name is None else []), *shown])
    return markdown(["table", *(["metric"] if name is None else []), *methods], lines)


def markdown(titles: Sequence[str], lines: Iterable[Sequence[Any]]) -> str:
    """Return a table, whose columns after the first are aligned to the right."""
    rule = ["---", *["---:"] * (len(titles) - 1)]
    return "\n".join("| " + " | ".join(map(str, cells)) + " |" for cells in (titles, rule, *lines))


def digits(number: float) -> str:
    """Return four digits, and nothing for NaN."""
    return "" if math.isnan(number) else f"{number:.{'0f' if abs(number) >= 1000 else '4g'}}"


def seeds_of(cells: Cells) -> str:
    seeds = sorted({seed for _, seed in cells})
    return f"seed{'' if len(seeds) == 1 else 's'} {', '.join(map(str, seeds))}"


def summary(
    rows: Mapping[Key, Row], recorded: Mapping[Key, Row], tables: Sequence[str], seeds: Sequence[int], command: str
) -> str:
    """Return the page of results: standings, scores, seconds and memory, and the runs that failed."""
    own = cells_of(rows)
    if not own:
        return f"`{command}`: no run has finished.\n"
    both = cells_of(with_recorded(rows, recorded, tables))
    versions = sorted({row["version"] for cell in own.values() for row in cell.values()})
    loads = [row["load"] for cell in own.values() for row in cell.values()]
    parts = [
        "# Results of `tables.py`",
        f"Command: `{command}`. {', '.join(versions)}; {platform.machine()}, {os.cpu_count()} cores, "
        f"load before the runs {min(loads):.1f} to {max(loads):.1f}. {RECORDED} marks figures recorded in the data "
        "folder's `baselines.csv`. Runs: tables and seeds that the method has; where it lacks some, its means are of "
        f"the others, and the ranks there of fewer methods. x {PACE}: seconds of fits over its seconds, where both "
        f"have run. {OURS} ahead: runs in which it scores better.",
    ]
    if set(own) - set(both):
        parts += [f"## Standing, {seeds_of(own)}", standing(own), by_table(own, tables, None)]
    if both:
        parts += [f"## Standing beside recorded figures, {seeds_of(both)}", standing(both)]
        methods = {method for cell in both.values() for method in cell}
        shared = {key: cell for key, cell in both.items() if len(cell) == len(methods)}
        if 0 < len(shared) < len(both):
            names = ", ".join(dict.fromkeys(table for table, _ in shared))
            parts += [f"Where every method has run ({names}):", standing(shared)]
        parts += ["Primary metric:", by_table(both, tables, None)]
    for title, name in (("Seconds of a fit", "fit_s"), ("Seconds of a prediction of the test part", "predict_s")):
        parts += [f"## {title}, mean of {seeds_of(own)}", by_table(own, tables, name)]
    parts += ["## Peak memory beyond what was held before, MB", by_table(own, tables, "peak_rss_mb")]
    if failed := [key for key, row in rows.items() if row["status"] != "ok"]:
        parts += ["## Failed", *(f"- {t}, seed {s}, {m}: {rows[t, s, m]['status']}" for t, s, m in failed)]
    return "\n\n".join(parts) + "\n"
