"""An activation as a layer: each neuron's sum goes through a bend, without which a chain of layers is one layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pellucid.activations import Activation, activation
from pellucid.domains import Boolean, Either, Kind, Text
from pellucid.formulas import Explanation, LayerCall, sum_over
from pellucid.layers.base import NO_RATES, Array, Forward, Layer, Rates, Shape, on_numpy
from pellucid.options import option
from pellucid.random import Random

ACTIVATION = Either(Text("an activation's name"), Kind((Activation,), "an Activation such as ReLU()"))


class ActivationLayer(Layer):
    """``y = f(z)``, or with ``parametric=True`` ``y = z + a * (f(z) - z)`` with one learned blend a per column.

    The blend is the parameter ``blend : (n_inputs,)``, which starts at 1, where y = f(z); at 0 the layer does nothing
    (the parametric activation of RealMLP, Holzmüller et al. 2024, arXiv 2407.04491). From the formula::

        da = Σ_i dy_i (f(z_i) - z_i)        dz = (1 - a) dy + f'(z) (a dy)

    Wherever a layer is expected, an `Activation` such as ``Sigmoid()`` or its name stands for this layer.
    """

    function: Any = option(ACTIVATION, "The activation.", kw_only=False)
    parametric: bool = option(Boolean(), "Blend with the identity by a learned factor per column.", default=False)

    letters: ClassVar[Mapping[str, str]] = {"y": "A", "blend": "α"}

    def __post_init__(self) -> None:
        super().__post_init__()
        self.function: Activation = activation(self.function)

    def __repr__(self) -> str:
        return super().__repr__() if self.parametric else repr(self.function)

    def parameter_shapes(self, n_inputs: int) -> dict[str, Shape]:
        """Return the shape of ``blend``, in the parametric form."""
        return {"blend": (n_inputs,)} if self.parametric else {}

    def initialize(self, rng: Random, x: Array | None = None, forward: Forward = on_numpy) -> None:
        """Start as the activation itself."""
        if self.parametric:
            self.parameters["blend"][...] = 1

    def forward(
        self, z: Array, *, training: bool = False, rng: Random | None = None, rates: Rates = NO_RATES
    ) -> tuple[Array, tuple[Array, Array]]:
        """Return y and the cache (z, f(z))."""
        value = self.function.value(z)
        if not self.parametric:
            return value, (z, value)
        return z + self.parameters["blend"] * (value - z), (z, value)

    def backward(self, dy: Array, cache: tuple[Array, Array], *, input_gradient: bool = True) -> Array | None:
        """Write the blend's gradient, if there is one, and return dz."""
        z, value = cache
        if not self.parametric:
            return self.function.backward(dy, z, value)
        blend = self.parameters["blend"]
        (dy * (value - z)).sum(axis=0, out=self.gradients["blend"])
        return dy * (1 - blend) + self.function.backward(dy * blend, z, value)

    def explain(self, call: LayerCall) -> Explanation:
        """Return y, with a blend also f(z) and its slope, and the slopes of blend and z."""
        return self._explain_blend(call) if self.parametric else self._explain_plain(call)

    def _explain_plain(self, call: LayerCall) -> Explanation:
        i, j = call.rows(), call.columns()
        said = self.function.explain(call.dy, call.x, call.y, i, j)
        if said is None:
            return super().explain(call)
        value, dz = said
        y = call.y.equals((i, j), value, self.function.name)
        return [y], [dx.equals((i, j), dz) for dx in call.input_slope()]

    def _explain_blend(self, call: LayerCall) -> Explanation:
        i, j = call.rows(), call.columns()
        z, dy, blend = call.x, call.dy, call.parameters["blend"]
        f = call.value("F", call.cache[1], self.function.name)
        df = call.slope(f, (i, j), dy[i, j] * blend[j])
        said = self.function.explain(df, z, f, i, j)
        if said is None:
            return super().explain(call)
        value, dz = said
        change = f[i, j] - z[i, j]
        y = call.y.equals((i, j), z[i, j] + blend[j] * change, "a blend of z and f(z)")
        back = [call.gradients["blend"].equals((j,), sum_over(i, dy[i, j] * change)), df]
        back += [dx.equals((i, j), dy[i, j] * (1 - blend[j]) + dz) for dx in call.input_slope()]
        return [f.equals((i, j), value), y], back
