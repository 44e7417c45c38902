"""Dropout silences a random share of the inputs in each training step, so that no neuron relies on a single other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pellucid.domains import Number
from pellucid.errors import OptionError
from pellucid.formulas import Constant, Explanation, LayerCall
from pellucid.layers.base import NO_RATES, Array, Layer, Rates
from pellucid.options import option
from pellucid.random import Purpose, Random


class Dropout(Layer):
    """``y = x * mask / (1 - rate)`` while training, ``y = x`` otherwise (Srivastava et al. 2014, in inverted form).

    The mask is 0 with probability ``rate``, else 1; the division keeps the expectation of y at x. A schedule named
    ``"dropout_rate"`` multiplies the rate. Backward is the same product: ``dx = dy * mask / (1 - rate)``.

    >>> import numpy as np
    >>> Dropout(0.5).forward(np.ones((1, 6)), training=True, rng=Random(seed=2))[0].tolist()
    [[0.0, 2.0, 2.0, 0.0, 2.0, 0.0]]
    """

    rate: float = option(
        Number(0, 1, open="high"), "Probability that an input is set to zero.", default=0.5, kw_only=False
    )

    letters: ClassVar[Mapping[str, str]] = {"y": "D"}

    @property
    def draws(self) -> bool:
        """Whether there is anything to silence."""
        return self.rate > 0

    def forward(
        self, x: Array, *, training: bool = False, rng: Random | None = None, rates: Rates = NO_RATES
    ) -> tuple[Array, Array | None]:
        """Return y and the cache: the mask with its factor, or None where nothing is dropped."""
        rate = self.rate * float(rates.get("dropout_rate", 1.0))
        if not training or rate == 0:
            return x, None
        if rng is None:
            raise OptionError(f"{self!r}: training draws which inputs to silence; pass rng, such as rng=Random(0).")
        factor = rng.at(purpose=Purpose.DROPOUT).keep_mask(x.shape, rate) * x.dtype.type(1 / (1 - rate))
        return x * factor, factor

    def backward(self, dy: Array, factor: Array | None, *, input_gradient: bool = True) -> Array | None:
        """Return dx."""
        return dy if factor is None else dy * factor

    def explain(self, call: LayerCall) -> Explanation:
        """Return y, and the slope of x: both have the mask, which was drawn, with its factor 1 / (1 - rate)."""
        i, j = call.rows(), call.columns()
        x, dy = call.x[i, j], call.dy[i, j]
        if call.cache is None:
            return [call.y.equals((i, j), x, "nothing is silenced")], [
                dx.equals((i, j), dy) for dx in call.input_slope()
            ]
        kept = call.value("K", call.cache != 0, "the mask, drawn at random: kept (1) or silenced (0)")
        rate = Constant(self.rate * float(call.rates.get("dropout_rate", 1.0)), "p")
        factor = kept[i, j] / (1 - rate)
        y = call.y.equals((i, j), x * factor, "what is kept")
        return [kept, y], [dx.equals((i, j), dy * factor) for dx in call.input_slope()]
