"""A target is what a network learns to predict: classes as codes, or numbers standardized, and the way back.

A missing value, which no target may hold, is None, NaN, NaT or the empty text. Rows are counted from 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import ModelFileError, NotInitializedError, ShapeError, TargetError, listed, near_miss
from pellucid.tabular.faults import Fix, TargetCellError, TaskError
from pellucid.tabular.target_values import (
    as_array,
    distinct_values,
    folded,
    is_missing,
    labels_of,
    name_of,
    numbers_of,
    parsed,
    present_values,
    settled,
    sorted_classes,
)
from pellucid.tabular.values import number_text, shown

FEW_CLASSES = 10
ROWS_A_CLASS = 5
SMALLEST_DEVIATION = 2.0**-1021  # its half is the smallest normal number


class Task(NamedTuple):
    """What a target asks for, "classification" or "regression", and the sentence that says why."""

    task: str
    reason: str


class ClassTarget:
    """Classes, one for each row, or several yes/no labels for each row.

    After `fit`: ``classes``, sorted, (n_classes,), of numbers, truth values or text as the target held them; with
    labels, their numbers 0 .. n_labels - 1, and ``is_multilabel`` is true.

    >>> target = ClassTarget().fit(["red", "blue", "red"])
    >>> target.classes.tolist(), target.encode(["blue", "red"]).tolist(), target.decode([1, 0]).tolist()
    (['blue', 'red'], [0, 1], ['red', 'blue'])
    """

    def __init__(self) -> None:
        self.name = "target"
        self.is_multilabel = False
        self._classes: NDArray[Any] | None = None

    def fit(self, y: Any, name: str | None = None) -> ClassTarget:
        """Learn the classes from ``y``, (n_rows,), or (n_rows, n_labels) of 0 and 1; ``name`` is for messages.

        Raises
        ------
        TargetError : at a missing value, if there is one class only, if the values are measurements rather than
            classes, or if labels are not 0 and 1
        """
        name = name_of(y, name)
        values = present_values(y, name)
        is_multilabel = values.ndim == 2
        if is_multilabel:
            labels_of(values, name)
            classes = np.arange(values.shape[1])
        else:
            classes = sorted_classes(values, name)
            if len(classes) == 1:
                raise TargetError(
                    f"{name}: all of the {len(values):,} rows are of one class {shown(classes[0].item())}; "
                    "to learn a difference takes rows of two classes or more."
                )
            mostly_distinct = values.dtype.kind == "f" and 2 * len(classes) > len(values)
            if mostly_distinct and (len(classes) > FEW_CLASSES or not np.array_equal(classes, np.floor(classes))):
                raise TaskError(
                    f"{name}: {len(classes):,} different numbers in {len(values):,} rows look like a continuous "
                    "measurement, not like classes",
                    Fix("to predict the number", "task", "regression"),
                )
        self.name, self.is_multilabel, self._classes = name, is_multilabel, classes
        return self

    @property
    def classes(self) -> NDArray[Any]:
        """The classes, sorted, (n_classes,)."""
        if self._classes is None:
            raise NotInitializedError("the target is not fitted; call fit(y) first.")
        return self._classes

    def encode(self, y: Any) -> NDArray[Any]:
        """Return the number of each row's class, int64 (n_rows,); labels as float64 0.0 and 1.0, (n_rows, n_labels).

        A value is matched by its text, so that 3, 3.0 and "3" are one class, as in a table's categories.

        Raises
        ------
        TargetError : at a missing value, or a class that was not there in `fit`
        """
        classes, values = self.classes, present_values(y, self.name)
        if self.is_multilabel:
            if values.ndim != 2 or values.shape[1] != len(classes):
                expected = f"(n_rows, {len(classes)}), a column a label"
                raise ShapeError(f"{self.name}: got shape {values.shape}; it expects {expected}.")
            return labels_of(values, self.name)
        if values.ndim != 1:
            raise ShapeError(f"{self.name}: got shape {values.shape}; it expects (n_rows,), one class a row.")
        distinct, inverse = distinct_values(values)
        by_text = {number_text(value): code for code, value in enumerate(classes.tolist())}
        codes = [by_text.get(folded(value, classes), -1) for value in distinct]
        encoded = np.array(codes, dtype=np.int64)[inverse]
        if (encoded < 0).any():
            row = int(np.argmax(encoded < 0))
            value = distinct[inverse[row]]
            known = classes.tolist()
            problem = f"{shown(value)} is no class that was learned; it expects one of {listed(known)}"
            problem += near_miss(str(value), known)
            raise TargetCellError(self.name, problem, column=self.name, row=row)
        return np.asarray(encoded)

    def decode(self, codes: Any) -> NDArray[Any]:
        """Return the class of each code, (n_rows,); labels as int64 0 and 1, (n_rows, n_labels)."""
        codes = np.asarray(codes)
        return np.asarray(codes.astype(np.int64) if self.is_multilabel else self.classes[codes])

    def to_json(self) -> dict[str, Any]:
        """Return the state as JSON data."""
        state = {"name": self.name, "is_multilabel": self.is_multilabel, "classes": self.classes.tolist()}
        return {"type": "ClassTarget", **state}

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> ClassTarget:
        """Build the target that `to_json` described."""
        target = cls()
        try:
            target.name, target.is_multilabel = str(state["name"]), bool(state["is_multilabel"])
            target._classes = np.array(state["classes"])
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFileError(f"the target's state is damaged, or of another version: {error!r}.") from error
        return target


class NumberTarget:
    """Numbers, one or several for each row, standardized by their mean and standard deviation.

    After `fit`: ``mean``, ``deviation``, ``low`` and ``high`` (the range seen), float64 (n_targets,). Sums are rounded
    once (`math.fsum`), so the order of the rows does not change a bit.

    >>> target = NumberTarget().fit([1.0, 2.0, 3.0, 6.0])
    >>> target.mean.item(), target.deviation.item(), target.decode([[0.0], [1.0]]).tolist()
    (3.0, 1.8708286933869707, [3.0, 4.87082869338697])
    """

    def __init__(self) -> None:
        self.name = "target"
        self.is_single = True
        self._state: np.ndarray | None = None  # rows: mean, deviation, low, high

    def fit(self, y: Any, name: str | None = None) -> NumberTarget:
        """Learn mean, deviation and range from ``y``, (n_rows,) or (n_rows, n_targets); ``name`` is for messages.

        Raises
        ------
        TargetError : at a missing or infinite value, at text, or if a target is constant
        """
        name = name_of(y, name)
        numbers = numbers_of(present_values(y, name, flatten=False), name)
        state = [_moments(column, _label(name, index, numbers)) for index, column in enumerate(_as_columns(numbers).T)]
        self.name, self.is_single, self._state = name, numbers.ndim == 1, np.array(state).T
        return self

    @property
    def mean(self) -> NDArray[Any]:
        """The mean of each target, (n_targets,)."""
        return np.asarray(self._fitted()[0])

    @property
    def deviation(self) -> NDArray[Any]:
        """The standard deviation of each target, (n_targets,): the root of the mean squared deviation."""
        return np.asarray(self._fitted()[1])

    @property
    def low(self) -> NDArray[Any]:
        """The smallest value of each target that was seen, (n_targets,)."""
        return np.asarray(self._fitted()[2])

    @property
    def high(self) -> NDArray[Any]:
        """The largest value of each target that was seen, (n_targets,)."""
        return np.asarray(self._fitted()[3])

    def encode(self, y: Any) -> NDArray[Any]:
        """Return standardized numbers, float64 (n_rows, n_targets), also for one target."""
        mean, deviation = self.mean, self.deviation
        numbers = _as_columns(numbers_of(present_values(y, self.name, flatten=False), self.name))
        if numbers.shape[1] != len(mean):
            raise ShapeError(f"{self.name}: got {numbers.shape[1]} numbers a row; it expects {len(mean)}.")
        return np.asarray((0.5 * numbers - 0.5 * mean) / (0.5 * deviation))  # halves: the difference cannot overflow

    def decode(self, values: Any, *, clamp: bool = False) -> NDArray[Any]:
        """Return numbers in the target's unit from standardized ones, (n_rows, n_targets) or (n_rows,).

        The shape is that of the ``y`` that was fitted: (n_rows,) or (n_rows, n_targets). ``clamp`` keeps them within
        the range that was seen.
        """
        standardized = _as_columns(np.asarray(values, dtype=np.float64))
        if standardized.shape[1] != len(self.mean):
            raise ShapeError(f"{self.name}: got {standardized.shape[1]} numbers a row; it expects {len(self.mean)}.")
        numbers = standardized * self.deviation + self.mean
        numbers = np.clip(numbers, self.low, self.high) if clamp else numbers
        return np.asarray(numbers[:, 0] if self.is_single else numbers)

    def to_json(self) -> dict[str, Any]:
        """Return the state as JSON data."""
        parts = dict(zip(("mean", "deviation", "low", "high"), self._fitted().tolist(), strict=True))
        return {"type": "NumberTarget", "name": self.name, "is_single": self.is_single, **parts}

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> NumberTarget:
        """Build the target that `to_json` described."""
        target = cls()
        try:
            target.name, target.is_single = str(state["name"]), bool(state["is_single"])
            target._state = np.array([state[part] for part in ("mean", "deviation", "low", "high")], dtype=np.float64)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFileError(f"the target's state is damaged, or of another version: {error!r}.") from error
        return target

    def _fitted(self) -> NDArray[Any]:
        if self._state is None:
            raise NotInitializedError("the target is not fitted; call fit(y) first.")
        return self._state


def infer_task(column: Any) -> Task:
    """Return whether a target asks for classification or regression, and why; missing values do not count.

    >>> infer_task(["yes", "no", "yes"])
    Task(task='classification', reason='the target is text with 2 distinct values')
    >>> infer_task([1.5, 2.25, 3.0]).task
    'regression'
    """
    name = name_of(column, None)
    values = as_array(column)
    if values.ndim != 1:
        raise ShapeError(f"{name}: got shape {values.shape}; it expects one column, (n_rows,).")
    values = settled(values[~is_missing(values)])
    if len(values) == 0:
        raise TargetError(f"{name} has no values; it expects a class or a number in each row.")
    distinct, _ = distinct_values(values)
    count = f"{len(distinct):,} distinct value{'' if len(distinct) == 1 else 's'}"
    numbers = values
    if values.dtype.kind == "U":
        read = [parsed(text) for text in distinct]
        if None in read:
            return Task("classification", f"the target is text with {count}")
        numbers = np.array(read)
    if values.dtype.kind == "b":
        return Task("classification", "the target is true or false")
    if values.dtype.kind not in "iuf" and values.dtype.kind != "U":
        raise TargetError(f"{name} holds {type(distinct[0]).__name__} values; it expects classes or numbers.")
    if set(numbers.tolist()) == {0, 1}:
        return Task("classification", "the target is 0 or 1")
    is_whole = values.dtype.kind in "iu" or (values.dtype.kind == "U" and not np.mod(numbers, 1.0).any())
    if is_whole and len(distinct) <= FEW_CLASSES and len(distinct) * ROWS_A_CLASS <= len(values):
        return Task("classification", f"the target is whole numbers with only {count} in {len(values):,} rows")
    noun = "whole numbers" if is_whole else "numbers"
    return Task("regression", f"the target is {noun} with {count} in {len(values):,} rows")


def _as_columns(numbers: np.ndarray) -> NDArray[Any]:
    return numbers[:, None] if numbers.ndim == 1 else numbers


def _label(name: str, index: int, numbers: np.ndarray) -> str:
    return name if numbers.ndim == 1 or numbers.shape[1] == 1 else f"{name}, column {index} (counted from 0)"


def _moments(numbers: np.ndarray, name: str) -> tuple[float, float, float, float]:
    """Return mean, standard deviation, smallest and largest value, or raise if they are all the same."""
    low, high = float(numbers.min()), float(numbers.max())
    if low == high:
        raise TargetError(f"{name} is {low!r} in every row; there is nothing to learn.")
    _, exponent = math.frexp(max(abs(low), abs(high)))
    unit = np.ldexp(numbers, -exponent)  # at most 1 in size, and exact: no square or sum overflows
    mean = math.fsum(unit) / len(unit)
    deviation = math.sqrt(math.fsum(np.square(unit - mean)) / len(unit))
    mean, deviation = math.ldexp(mean, exponent), math.ldexp(deviation, exponent)
    if deviation < SMALLEST_DEVIATION:
        raise TargetError(f"{name} varies only from {low!r} to {high!r}, too little for its size; subtract its mean.")
    return mean, deviation, low, high
