"""The encoder turns a raw table into one matrix of numbers, in a way fitted on the training table and kept as data."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.domains import Either, Integer, Kind, Nothing
from pellucid.errors import (
    DataError,
    MissingColumnError,
    ModelFileError,
    NotInitializedError,
    OptionError,
    ShapeError,
    listed,
    near_miss,
)
from pellucid.options import Configurable, option
from pellucid.tabular.columns import Column, column_remarks, infer_columns
from pellucid.tabular.encodings import (
    GROUPS,
    BooleanEncoding,
    CategoryEncoding,
    ColumnEncoding,
    DateEncoding,
    Feature,
    NumberEncoding,
    encoding_from_json,
)
from pellucid.tabular.frames import is_unnamed, require_rows, to_table

if TYPE_CHECKING:
    import polars


@dataclasses.dataclass(frozen=True)
class Block:
    """Neighboring columns ``[start, stop)`` of the matrix that come from one column of the table.

    ``group`` is "scaled", "bounded", "one_hot" or "code", as `Feature` says.
    """

    name: str
    group: str
    start: int
    stop: int


@dataclasses.dataclass(frozen=True)
class CodeColumn:
    """A column of the matrix of a category's codes: 0 unknown or rare, 1 missing, 2 .. n_codes - 1 its levels."""

    name: str
    column_index: int
    n_codes: int


class Encoder(Configurable):
    """Encodes a table of any kinds of columns as a matrix, (n_rows, n_columns).

    The columns of the matrix stand in four groups, in each in the order of the table that was fitted: scaled numbers
    ``[0, n_scaled)``; -1/+1 values, 0/1 indicators, sines and cosines up to ``n_numeric``; one-hot columns up to
    ``n_numeric + n_one_hot``; then the code columns, one for each category with many levels. What becomes of a
    number, a boolean, a date and a category: `NumberEncoding`, `BooleanEncoding`, `DateEncoding`, `CategoryEncoding`.

    After `fit`: ``encodings`` (one for each column of the table that is used), ``columns`` (what was found in each,
    also in those left out because they are empty or
    identify rows), ``feature_names``, ``blocks``, ``code_columns``, ``n_scaled``,
    ``n_numeric``, ``n_one_hot``, ``n_columns``.

    >>> table = {"age": [20, 30, 40, None], "color": ["red", "blue", "green", "red"]}
    >>> encoder = Encoder().fit(table)
    >>> encoder.feature_names
    ['age', 'age is missing', 'color=blue', 'color=green', 'color=red']
    >>> encoder.transform(table)[3]
    array([0., 1., 0., 0., 1.], dtype=float32)
    """

    one_hot_limit: int = option(
        Integer(low=0), "Categories up to this many levels become one-hot columns.", default=8, unit="levels"
    )
    min_category_count: int = option(
        Integer(low=1), "A level in fewer rows than this counts as unknown.", default=1, unit="rows"
    )
    kinds: Mapping[str, str] | None = option(
        Either(Nothing("inferred"), Kind((Mapping,), "a mapping from column name to kind")),
        "What columns hold, where that differs from what they look like: number, category, boolean or date.",
        default=None,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self._encodings: tuple[ColumnEncoding, ...] | None = None
        self._columns: tuple[Column, ...] = ()
        self._unnamed = False

    def fit(self, data: Any) -> Encoder:
        """Learn the encoding of each column from a table, anything that `to_table` takes.

        Raises
        ------
        DataError : if the table has no rows, no column with a value, or a column that cannot be used
        """
        table = to_table(data)
        require_rows(table, "fitting an encoder")
        self._columns = tuple(infer_columns(table, self.kinds))
        self._unnamed = is_unnamed(data)
        used = [column for column in self._columns if column.is_used]
        series = table.to_dict()
        self._arrange(tuple(self._fit_column(series[column.name], column.kind) for column in used))
        if self.n_columns == 0:
            self._encodings = None
            raise DataError(
                "no column of the table can be used: all are empty, have rare levels only, or text that is another in "
                "each row."
            )
        return self

    def transform(self, data: Any, dtype: Any = np.float32) -> np.ndarray:
        """Encode a table whose columns are found by name: their order, and further columns, make no difference.

        Parameters
        ----------
        data : anything that `to_table` takes, also with 0 rows
        dtype : float32 or float64; the arithmetic is float64 and is rounded once, at the end

        Returns
        -------
        matrix : (n_rows, n_columns)

        Raises
        ------
        MissingColumnError : if a column that was fitted is not there
        ShapeError : if an array has another number of columns than the one that was fitted
        CellError : if a value cannot be read as what its column holds
        """
        if np.dtype(dtype) not in (np.float32, np.float64):
            raise OptionError(f"Encoder.transform: dtype got {dtype!r}; it expects float32 or float64.")
        table = to_table(data)
        if self._unnamed and is_unnamed(data) and table.width != len(self._columns):
            raise ShapeError(
                f"the data have {table.width} columns; the encoder was fitted on {len(self._columns)}: "
                "give every row the same features in the same order."
            )
        return self.encode(table, dtype)

    def encode(self, table: polars.DataFrame, dtype: Any = np.float32) -> np.ndarray:
        """Return what `transform` does, for a table that `to_table` made."""
        encodings = self.encodings
        self._require_columns(table)
        series = table.to_dict()
        matrix = np.empty((self.n_columns, table.height), dtype=dtype)
        place = iter(self._places)
        for encoding in encodings:
            for values in encoding.encode(series[encoding.name]):
                matrix[next(place)] = values
        return np.ascontiguousarray(matrix.T)

    @property
    def encodings(self) -> tuple[ColumnEncoding, ...]:
        """The encoding of each column of the table that is used, in the order of the table."""
        if self._encodings is None:
            raise NotInitializedError("the encoder is not fitted; call fit(table) first.")
        return self._encodings

    @property
    def columns(self) -> tuple[Column, ...]:
        """What was found in each column of the table, also in those that are left out."""
        return self._columns

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is to be said of columns that tell nothing or may be misread, a sentence for each case.

        >>> Encoder().fit({"size": [1, 2], "unit": ["mm", "mm"]}).remarks
        ("1 column holds one value throughout, which tells nothing: 'unit'",)
        """
        return column_remarks(self._columns)

    @property
    def category_columns(self) -> list[str]:
        """The names of the categories: what `read_table` is to leave as text (``columns_as_text``) for `transform`."""
        return [encoding.name for encoding in self.encodings if isinstance(encoding, CategoryEncoding)]

    def to_json(self) -> dict[str, Any]:
        """Return options and state as JSON data: numbers, texts and lists."""
        return {
            "one_hot_limit": int(self.one_hot_limit),
            "min_category_count": int(self.min_category_count),
            "kinds": None if self.kinds is None else dict(self.kinds),
            "unnamed": self._unnamed,
            "columns": [{**dataclasses.asdict(column), "examples": list(column.examples)} for column in self._columns],
            "encodings": [encoding.to_json() for encoding in self.encodings],
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Encoder:
        """Build the encoder that `to_json` described; it transforms to the same bits.

        Raises
        ------
        ModelFileError : if the state lacks something, or holds something of another type
        """
        try:
            encoder = cls(**{name: state[name] for name in ("one_hot_limit", "min_category_count", "kinds")})
            encoder._unnamed = bool(state["unnamed"])
            encoder._columns = tuple(
                Column(**{**column, "examples": tuple(column["examples"])}) for column in state["columns"]
            )
            encoder._arrange(tuple(encoding_from_json(encoding) for encoding in state["encodings"]))
        except (KeyError, TypeError, AttributeError, OptionError) as error:
            raise ModelFileError(f"the encoder's state is damaged, or of another version: {error!r}.") from error
        return encoder

    def _fit_column(self, series: polars.Series, kind: str) -> ColumnEncoding:
        if kind == "number":
            return NumberEncoding.fit(series)
        if kind == "boolean":
            return BooleanEncoding.fit(series)
        if kind == "date":
            return DateEncoding.fit(series)
        return CategoryEncoding.fit(series, one_hot_limit=self.one_hot_limit, min_count=self.min_category_count)

    def _arrange(self, encodings: tuple[ColumnEncoding, ...]) -> None:
        """Lay out the matrix: which of its columns each feature is."""
        owned: list[tuple[ColumnEncoding, Feature]] = []
        for owner in encodings:
            owned += [(owner, feature) for feature in owner.features()]
        order = sorted(range(len(owned)), key=lambda index: GROUPS.index(owned[index][1].group))  # stable
        arranged = [owned[index] for index in order]
        groups = [feature.group for _, feature in arranged]

        self._encodings = encodings
        self._places = np.argsort(order).tolist()
        self.feature_names = [feature.name for _, feature in arranged]
        self.n_columns = len(arranged)
        self.n_scaled = groups.count("scaled")
        self.n_numeric = self.n_scaled + groups.count("bounded")
        self.n_one_hot = groups.count("one_hot")
        self.code_columns = tuple(
            CodeColumn(owner.name, index, owner.n_codes)
            for index, (owner, feature) in enumerate(arranged)
            if feature.group == "code" and isinstance(owner, CategoryEncoding)
        )
        runs = itertools.groupby(enumerate(arranged), key=lambda item: (item[1][0].name, item[1][1].group))
        spans = [(name, group, [index for index, _ in run]) for (name, group), run in runs]
        self.blocks = tuple(Block(name, group, span[0], span[-1] + 1) for name, group, span in spans)

    def _require_columns(self, table: polars.DataFrame) -> None:
        present = set(table.columns)
        lacking = [encoding.name for encoding in self.encodings if encoding.name not in present]
        if lacking:
            names = f"column {lacking[0]!r}" if len(lacking) == 1 else f"columns {listed(lacking)}"
            hint = near_miss(lacking[0], present - {encoding.name for encoding in self.encodings})
            raise MissingColumnError(
                f"the table has no {names}, which the encoder was fitted on; it has {listed(table.columns)}{hint}"
            )
