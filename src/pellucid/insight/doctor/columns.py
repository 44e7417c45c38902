"""Checks of the columns of X: unscaled, constant or doubled ones, and one that gives the target away."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from pellucid.insight.doctor.examination import Examination, UnexaminedError
from pellucid.insight.doctor.report import Finding, shortened
from pellucid.layers import BatchNorm, Dense, LayerNorm
from pellucid.layers.base import Array
from pellucid.random import Random

TOO_LARGE = 10.0
"""The typical size of a column's numbers, in the unit in which weights are drawn. At 10 a sum is ±10 where a sigmoid's
slope is 5,000 times below its peak, and the loss is 10² times as curved along that weight, so the largest learning rate
that is stable is 100 times smaller."""
TOO_SMALL = 0.01
"""The largest number of a column: it changes a sum by no more than 1 % of what a scaled column does, and its weight's
gradient is as much smaller."""
BY_CHANCE = 0.01
"""The most coincidences that chance may be expected to produce, for a coincidence to be a finding."""
GIVEN_AWAY = 0.99
"""The share of the target's variance that one column explains by itself, on rows that were not used to fit it."""


def unscaled_inputs(case: Examination) -> Iterator[Finding]:
    """Columns whose numbers are far larger or smaller than those that weights are drawn for, or far from 0."""
    if isinstance(case.network.layers[0], BatchNorm | LayerNorm):
        return
    found: dict[int, dict[str, float]] = {}
    for column in case.number_columns:
        signed = case.x[:, column].astype(np.float64)
        values = np.abs(signed)
        if values.max() == values.min() or np.isin(values, (0, 1)).all():  # constants and indicators have no unit
            continue
        typical = float(np.median(values[values > 0]))  # zeros aside: in sparse columns they are the most
        mean, deviation = float(signed.mean()), float(signed.std())
        if typical > TOO_LARGE or values.max() < TOO_SMALL or abs(mean) > TOO_LARGE * deviation:
            found[column] = {"typical_size": typical, "mean": mean, "deviation": deviation}
    if not found:
        return
    worst = max(found, key=lambda column: abs(math.log(found[column]["typical_size"])))
    size = found[worst]
    names = case.names(list(found))
    indexes = list(found)
    part = "X" if len(found) == case.network.n_inputs else f"X[:, {indexes}]"
    yield Finding(
        "unscaled inputs",
        "warning",
        f"Not scaled: {len(found)} of {case.network.n_inputs} columns. Column {case.column_names[worst]!r}, for "
        f"example, has numbers of size {size['typical_size']:.4g} (mean {size['mean']:.4g}, deviation "
        f"{size['deviation']:.4g}). Weights are drawn for columns with mean 0 and deviation 1; others saturate neurons "
        "or need a learning rate of their own. Scale new rows by the mean and deviation of the training rows.",
        f"{part} = ({part} - {part}.mean(axis=0)) / {part}.std(axis=0)",
        {"columns": {case.column_names[column]: sizes for column, sizes in found.items()}},
        columns=names,
    )


def constant_columns(case: Examination) -> Iterator[Finding]:
    """Columns that are the same in every row."""
    same = np.flatnonzero(case.X.min(axis=0) == case.X.max(axis=0))
    first = case.network.layers[0]
    if isinstance(first, Dense) and not first.bias:  # there, a constant that is not 0 plays the part of the bias
        same = same[case.X[0, same] == 0]
    if len(case.X) < 2 or not len(same):
        return
    names = case.names(same.tolist())
    values = {name: float(case.X[0, index]) for name, index in zip(names, same, strict=True)}
    yield Finding(
        "constant columns",
        "note",
        f"The same value in all {len(case.X):,} rows: {len(same)} of {case.network.n_inputs} columns "
        f"({shortened(f'{name} = {value:g}' for name, value in values.items())}). They cannot tell rows apart; their "
        "weights only add to the biases, and a new row with another value there is led astray.",
        f"X = np.delete(X, {same.tolist()}, axis=1)",
        {"values": values},
        columns=names,
    )


def duplicated_columns(case: Examination) -> Iterator[Finding]:
    """Columns that are copies of others up to a factor and an offset, such as centimeters and inches."""
    if len(case.X) < 3:
        return
    groups = _copies(case.X, case.x, case.number_columns)
    if not groups:
        return
    pairs = [(group[0], other) for group in groups for other in group[1:]]
    copies = [other for _, other in pairs]
    told = [f"{case.column_names[b]} copies {case.column_names[a]}" for a, b in pairs]
    yield Finding(
        "duplicated columns",
        "note",
        f"Copies of others, up to a factor and an offset: {len(copies)} of {case.network.n_inputs} columns "
        f"({shortened(told, 5)}). A copy says nothing new and doubles the step along what both say.",
        f"X = np.delete(X, {copies}, axis=1)",
        {"groups": [list(case.names(group)) for group in groups]},
        columns=case.names(copies),
    )


def leaking_column(case: Examination) -> Iterator[Finding]:
    """A column that explains the target nearly alone, which a column that is known beforehand seldom does."""
    varying = [column for column in range(case.network.n_inputs) if np.ptp(case.x[:, column]) > 0]
    if len(varying) < 2:  # the only column is the task itself, not a leak
        return
    target = case.indicators
    if len(varying) * math.exp(-_log_arrangements(target)) > BY_CHANCE:
        raise UnexaminedError(f"{len(target)} rows are too few to tell a leak from chance")
    order = Random(0).permutation(len(target))
    learn, judge = order[::2], order[1::2]
    shares = {column: _explained_alone(case.x[:, column], target, learn, judge) for column in varying}
    found = [column for column, share in shares.items() if share > GIVEN_AWAY]
    if not found:
        return
    best = max(shares[column] for column in found)
    yield Finding(
        "leaking column",
        "problem",
        f"Column {shortened(repr(case.column_names[column]) for column in found)} alone explains {best:.2%} of the "
        "target, on rows that it was not fitted on. Few things that are known before the target do. If it is filled in "
        "after the target is known, or computed from it, the network is worth nothing on new rows: leave it out.",
        f"X = np.delete(X, {found}, axis=1)",
        {"explained": {case.column_names[column]: shares[column] for column in found}},
        columns=case.names(found),
    )


def _explained_alone(values: Array, target: Array, learn: Array, judge: Array) -> float:
    """Return the share of the target's variance on the rows ``judge`` that a column explains, fitted on ``learn``.

    The fit is the mean target of each value that the column has, and a straight line between neighboring values.
    """
    known, which, counts = np.unique(values[learn].astype(np.float64), return_inverse=True, return_counts=True)
    error = variance = 0.0
    for column in target.T:
        means = np.bincount(which, weights=column[learn]) / counts
        wanted = column[judge]
        error += float(np.square(np.interp(values[judge], known, means) - wanted).sum())
        variance += float(np.square(wanted - wanted.mean()).sum())
    return 1 - error / variance if variance else 0.0


def _copies(X: Array, some: Array, columns: list[int]) -> list[list[int]]:
    """Return groups of columns that agree, once centered and brought to length 1, up to rounding.

    Only columns whose sums over ``some`` rows with two lots of normal random weights agree are compared in full: such a
    sum of a difference d is normal with deviation |d|, so it is beyond 5 |d| once in two million. Agreement that chance
    would produce among so many columns is left out.
    """
    tolerance = math.sqrt(np.finfo(X.dtype).eps)
    weights = Random(0).normal((2, len(some)))
    varying = [column for column in columns if np.ptp(some[:, column]) > 0]
    sums = np.array([(weights * _unit(some[:, column])).sum(axis=1) for column in varying]).reshape(-1, 2)
    n_pairs = len(varying) * (len(varying) - 1) / 2
    groups: dict[int, list[int]] = {}  # by the place of their first column among the varying ones
    for place, column in enumerate(varying):
        firsts = np.array(list(groups), dtype=np.intp)
        near = firsts[(np.abs(sums[firsts] - sums[place]) <= 5 * tolerance).all(axis=1)]
        same = (first for first in near.tolist() if _distance(X, varying[first], column) <= tolerance)
        groups.setdefault(next(same, place), []).append(column)
    found = [group for group in groups.values() if len(group) > 1]
    return [group for group in found if n_pairs * math.exp(-_log_arrangements(X[:, group[:1]])) <= BY_CHANCE]


def _distance(X: Array, first: int, second: int) -> float:
    return math.sqrt(float(np.square(_unit(X[:, first]) - _unit(X[:, second])).sum()))


def _unit(values: Array) -> Array:
    """Return a column with mean 0 and length 1."""
    centered = values.astype(np.float64) - values.mean(dtype=np.float64)
    return np.asarray(centered / (math.sqrt(float(np.square(centered).sum())) or 1.0))


def _log_arrangements(values: Array) -> float:
    """Return the logarithm of the number of orders in which a column's values can stand: n! / Π count!."""
    _, counts = np.unique(values, axis=0, return_counts=True)
    return math.lgamma(len(values) + 1) - sum(math.lgamma(count + 1) for count in counts.tolist())
