"""An embedding gives each code of a category a learned row of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from pellucid.domains import Integer
from pellucid.errors import DataError, OptionError, ShapeError
from pellucid.formulas import Constant, Explanation, Index, LayerCall, Lookup, Place, choose, same, sum_over
from pellucid.initializers import Initializer, Normal, initializer
from pellucid.layers.base import INITIALIZER, NO_RATES, Array, Forward, Layer, Rates, Shape, on_numpy, wrong_columns
from pellucid.options import option
from pellucid.random import Random


class Embedding(Layer):
    """``y_i = weight[x_i]`` for one column of codes 0 ... n_codes - 1, which travel as numbers in the matrix.

    The parameter is ``weight : (n_codes, size)``. It equals a `Dense` layer on the one-hot column, so its gradient is
    ``dweight[c] = Σ dy_i over the rows i with code c``; a code has no slope, so ``dx = 0``.

    `forward` raises `DataError` for a number that is no code.

    >>> import numpy as np
    >>> from pellucid import Network
    >>> network = Network([Embedding(2, 3, weight_initializer=[[1, 2, 3], [4, 5, 6]])], n_inputs=1)
    >>> network.predict(np.array([[1.0], [0.0]])).tolist()
    [[4.0, 5.0, 6.0], [1.0, 2.0, 3.0]]
    """

    n_codes: int = option(Integer(1), "Number of codes.", kw_only=False)
    size: int = option(Integer(1), "Number of columns that a code becomes.", kw_only=False)
    weight_initializer: Any = option(INITIALIZER, "How the rows start.", default=Normal(deviation=1.0))

    penalized = ("weight",)
    letters: ClassVar[Mapping[str, str]] = {"y": "E", "weight": "T"}

    def __post_init__(self) -> None:
        super().__post_init__()
        self._initializer: Initializer = initializer(self.weight_initializer)
        if self._initializer.needs_rows:
            raise OptionError(
                f"Embedding: weight_initializer got {self.weight_initializer!r}, which scales weights by rows of "
                "numbers; codes are none. Use one that needs no rows, such as 'normal'."
            )

    def output_size(self, n_inputs: int) -> int:
        """Return ``size``; the input is one column of codes."""
        if n_inputs != 1:
            raise wrong_columns(self, 1, n_inputs, "Use Columns to give each column of codes an Embedding of its own.")
        return self.size

    def parameter_shapes(self, n_inputs: int) -> dict[str, Shape]:
        """Return the shape of ``weight``."""
        return {"weight": (self.n_codes, self.size)}

    def initialize(self, rng: Random, x: Array | None = None, forward: Forward = on_numpy) -> None:
        """Draw the rows."""
        view = self.parameters["weight"]
        try:
            view[...] = self._initializer.draw(view.shape, rng, view.dtype)
        except ShapeError as error:
            raise ShapeError(f"{self!r}: weight: {error}") from None

    def forward(
        self, x: Array, *, training: bool = False, rng: Random | None = None, rates: Rates = NO_RATES
    ) -> tuple[Array, Array]:
        """Return y and the cache: the codes as integers."""
        column = x[:, 0]
        fits = (column >= 0) & (column < self.n_codes) & (column == np.floor(column))
        if not fits.all():
            row = int(np.argmin(fits))
            raise DataError(
                f"{self!r} got {column[row]} in row {row}; it expects a whole number from 0 to {self.n_codes - 1}."
            )
        codes = column.astype(np.intp)
        return self.parameters["weight"][codes], codes

    def backward(self, dy: Array, codes: Array, *, input_gradient: bool = True) -> Array | None:
        """Add up dy by code; return zeros."""
        gradient = self.gradients["weight"]
        for column in range(self.size):
            gradient[:, column] = np.bincount(codes, weights=dy[:, column], minlength=self.n_codes)
        return np.zeros((len(dy), 1), dtype=dy.dtype) if input_gradient else None

    def explain(self, call: LayerCall) -> Explanation:
        """Return y, and the slope of the table, to whose rows only those with their code contribute."""
        x, table, dy = call.x, call.parameters["weight"], call.dy
        i, j, k = call.rows(), call.columns(), Index("k", self.n_codes)
        y = call.y.equals((i, j), table[Lookup(x[i, 0]), j], "the row of the table that the code names")
        dy_of_code = choose(same(x[i, 0], Place(k)), dy[i, j], 0)
        slope = call.gradients["weight"].equals((k, j), sum_over(i, dy_of_code))
        return [y], [slope, *(dx.equals(dx.indices(), Constant(0)) for dx in call.input_slope())]
