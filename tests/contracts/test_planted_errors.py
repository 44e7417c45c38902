"""The tests of the tests: each planted mistake turns a contract check red, and what is right stays green."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pellucid.activations import Elementwise, Sigmoid, Softmax
from pellucid.domains import Integer
from pellucid.formulas import Index, function, sum_over
from pellucid.layers import ActivationLayer, BatchNorm, Dense, Dropout, Embedding, Layer, LayerNorm, Residual, Scale
from pellucid.layers.normalization import _through_statistics
from pellucid.losses import BinaryCrossEntropy, CrossEntropy, Huber, Loss, Quantile, SquaredError
from pellucid.optimizers import SGD, Adam, Optimizer
from pellucid.options import option
from pellucid.random import Purpose, Random
from tests.contracts import layer_checks, loss_checks, optimizer_checks
from tests.contracts.examples import LAYERS, LOSSES, LayerExample, LossExample, OptimizerExample
from tests.contracts.test_configurations import check_round_trip


class WrongSign(Dense):
    def backward(self, dz: Any, x: Any, *, input_gradient: bool = True) -> Any:
        dx = super().backward(dz, x)
        return None if dx is None else -dx


class DroppedBias(Dense):
    def backward(self, dz: Any, x: Any, *, input_gradient: bool = True) -> Any:
        dx = super().backward(dz, x)
        self.gradients["bias"][...] = 0
        return dx


class TransposedWeight(Dense):
    def backward(self, dz: Any, x: Any, *, input_gradient: bool = True) -> Any:
        super().backward(dz, x)
        return dz @ self.parameters["weight"]


class TransposedGradient(Dense):
    def backward(self, dz: Any, x: Any, *, input_gradient: bool = True) -> Any:
        dx = super().backward(dz, x)
        self.gradients["weight"][...] = dz.T @ x
        return dx


class ForgottenNtkFactor(Dense):
    def backward(self, dz: Any, x: Any, *, input_gradient: bool = True) -> Any:
        self.gradients["weight"][...] = x.T @ dz
        self.gradients["bias"][...] = dz.sum(axis=0)
        return dz @ self.parameters["weight"].T


class Accumulating(Dense):
    def backward(self, dz: Any, x: Any, *, input_gradient: bool = True) -> Any:
        before = self.gradients["weight"].copy()
        dx = super().backward(dz, x)
        self.gradients["weight"] += before
        return dx


class MeanOverRows(Dense):
    def backward(self, dz: Any, x: Any, *, input_gradient: bool = True) -> Any:
        dx = super().backward(dz, x)
        self.gradients["weight"] /= max(len(x), 1)
        return dx


class AThousandthOff(Dense):
    def backward(self, dz: Any, x: Any, *, input_gradient: bool = True) -> Any:
        dx = super().backward(dz, x)
        self.gradients["weight"] *= 1.001
        return dx


class GradientOnlyWithInputGradient(Dense):
    def backward(self, dz: Any, x: Any, *, input_gradient: bool = True) -> Any:
        return super().backward(dz, x) if input_gradient else None


class KeptOnTheLayer(Dense):
    def forward(self, x: Any, **how: Any) -> Any:
        self._x = x
        return super().forward(x, **how)

    def backward(self, dz: Any, x: Any, *, input_gradient: bool = True) -> Any:
        return super().backward(dz, self._x[: len(dz)])


class ChangesItsInput(Scale):
    def forward(self, x: Any, **how: Any) -> Any:
        cache = x.copy()
        if x.flags.writeable:
            x *= self.parameters["factor"]
            return x.copy(), cache
        return x * self.parameters["factor"], cache


class ChangesItsSlope(Scale):
    def backward(self, dy: Any, x: Any, *, input_gradient: bool = True) -> Any:
        dx = super().backward(dy, x)
        dy *= self.parameters["factor"]
        return dx


class AlwaysFloat64(Scale):
    def forward(self, x: Any, **how: Any) -> Any:
        y, cache = super().forward(x, **how)
        return y.astype(np.float64), cache


class DerivativeOfZ(Elementwise):  # the formula in terms of a, given z
    def value(self, z: Any) -> Any:
        return Sigmoid().value(z)

    def derivative(self, z: Any, a: Any) -> Any:
        return z * (1 - z)


class DiagonalOnly(Softmax):  # the elementwise part of the softmax's derivative
    def backward(self, da: Any, z: Any, a: Any) -> Any:
        return da * a * (1 - a)


class ForgottenBlend(ActivationLayer):
    def backward(self, dy: Any, cache: Any, *, input_gradient: bool = True) -> Any:
        super().backward(dy, cache)
        return self.function.backward(dy, *cache)


class MissingMask(Dropout):
    def backward(self, dy: Any, factor: Any, *, input_gradient: bool = True) -> Any:
        return dy


class DropsInPrediction(Dropout):
    def forward(self, x: Any, *, training: bool = False, rng: Any = None, **how: Any) -> Any:
        return super().forward(x, training=True, rng=rng or Random(0), **how)


class NewMaskEachTime(Dropout):
    calls = 0

    def forward(self, x: Any, *, rng: Any = None, **how: Any) -> Any:
        type(self).calls += 1
        return super().forward(x, rng=rng and rng.at(purpose=Purpose.DROPOUT, step=self.calls), **how)


class SumsForMeans(LayerNorm):
    def backward(self, dy: Any, cache: Any, *, input_gradient: bool = True) -> Any:
        normalized, r = cache
        self._write_gradients(dy, normalized)
        dn = dy * self.parameters["scale"]
        return r * (dn - dn.sum(axis=1, keepdims=True) - normalized * (dn * normalized).sum(axis=1, keepdims=True))


class ConstantStatistics(BatchNorm):
    def backward(self, dy: Any, cache: Any, *, input_gradient: bool = True) -> Any:
        super().backward(dy, cache)
        return dy * self.parameters["scale"] * cache[1]


class StatisticsInPrediction(BatchNorm):
    def backward(self, dy: Any, cache: Any, *, input_gradient: bool = True) -> Any:
        super().backward(dy, cache)
        return _through_statistics(dy * self.parameters["scale"], cache[0], cache[1], axis=0)


class BatchStatisticsWhenPredicting(BatchNorm):
    def forward(self, x: Any, *, training: bool = False, **how: Any) -> Any:
        return super().forward(x, training=True, **how)


class UpdatesItsBuffers(BatchNorm):
    def forward(self, x: Any, **how: Any) -> Any:
        y, cache = super().forward(x, **how)
        for name, value in cache[2].items():
            self.buffers[name][...] = value
        return y, cache


class LastRowOfACode(Embedding):
    def backward(self, dy: Any, codes: Any, *, input_gradient: bool = True) -> Any:
        dx = super().backward(dy, codes)
        self.gradients["weight"][codes] = dy
        return dx


class ForgottenShortcut(Residual):
    def backward(self, dy: Any, caches: Any, *, input_gradient: bool = True) -> Any:
        dx = super().backward(dy, caches)
        return None if dx is None else dx - dy


class ExplainsWithoutBias(Dense):
    def explain(self, call: Any) -> Any:
        found = super().explain(call)
        i, j = call.y.at
        k = Index("k", call.x.shape[1])
        call.y.equals((i, j), sum_over(k, call.x[i, k] * call.parameters["weight"][k, j]))
        return found


class ExplainsTransposed(Dense):
    def explain(self, call: Any) -> Any:
        found = super().explain(call)
        k, j = call.gradients["weight"].at
        i = call.rows()
        call.gradients["weight"].equals((k, j), sum_over(i, call.x[i, j] * call.dy[i, k]))
        return found


class ExplainsTheWrongSign(Scale):
    def explain(self, call: Any) -> Any:
        found = super().explain(call)
        call.dx.equals(call.dx.at, -call.dx.formula)
        return found


class ExplainsTheMean(Scale):
    def explain(self, call: Any) -> Any:
        found = super().explain(call)
        factor = call.gradients["factor"]
        factor.equals(factor.at, factor.formula / call.x.shape[0])
        return found


class ExplainsNothing(LayerNorm):
    def explain(self, call: Any) -> Any:
        return Layer.explain(self, call)


class LeavesOutItsGradients(Dense):
    def explain(self, call: Any) -> Any:
        return super().explain(call)[0], []


class ExplainsTheDerivativeOfZ(Sigmoid):  # the formula in terms of a, given z
    def formulas(self, z: Any, a: Any) -> Any:
        return super().formulas(z, a)[0], z * (1 - z)


class ExplainsNoMask(Dropout):
    def explain(self, call: Any) -> Any:
        found = super().explain(call)
        call.y.equals(call.y.at, call.x[call.y.at] + 0)
        return found


class ExplainsTheShortcutTwice(Residual):
    def explain(self, call: Any) -> Any:
        found = super().explain(call)
        call.dx.equals(call.dx.at, call.dx.formula + call.dy[call.dx.at])
        return found


def layer(make: Callable[[], Layer], n_inputs: int = 4, **codes: int) -> LayerExample:
    return LayerExample(make, n_inputs, {0: codes["codes"]} if codes else {})


PLANTED_LAYERS: list[tuple[LayerExample, str]] = [
    (layer(lambda: WrongSign(3)), "gradient"),
    (layer(lambda: WrongSign(3)), "gradient in a network"),
    (layer(lambda: DroppedBias(3)), "gradient"),
    (layer(lambda: DroppedBias(3)), "gradient in a network"),
    (layer(lambda: TransposedWeight(4)), "gradient"),
    (layer(lambda: TransposedWeight(4)), "gradient in a network"),
    (layer(lambda: TransposedGradient(4)), "gradient"),
    (layer(lambda: ForgottenNtkFactor(4, parametrization="ntk")), "gradient"),
    (layer(lambda: MeanOverRows(3)), "gradient"),
    (layer(lambda: AThousandthOff(3)), "gradient"),
    (layer(lambda: AThousandthOff(3)), "gradient in a network"),
    (layer(lambda: Accumulating(3)), "purity"),
    (layer(lambda: GradientOnlyWithInputGradient(3)), "purity"),
    (layer(lambda: KeptOnTheLayer(3)), "purity"),
    (layer(ChangesItsInput), "purity"),
    (layer(ChangesItsSlope), "purity"),
    (layer(AlwaysFloat64), "dtype"),
    (layer(lambda: ActivationLayer(DerivativeOfZ())), "gradient"),
    (layer(lambda: ActivationLayer(DiagonalOnly())), "gradient"),
    (layer(lambda: ForgottenBlend("tanh", parametric=True)), "gradient"),
    (layer(lambda: MissingMask(0.4)), "gradient, training"),
    (layer(lambda: DropsInPrediction(0.4)), "one forward path"),
    (layer(lambda: NewMaskEachTime(0.4)), "purity"),
    (layer(SumsForMeans), "gradient"),
    (layer(ConstantStatistics), "gradient, training"),
    (layer(StatisticsInPrediction), "gradient"),
    (layer(BatchStatisticsWhenPredicting), "one forward path"),
    (layer(UpdatesItsBuffers), "purity"),
    (layer(lambda: LastRowOfACode(4, 3), 1, codes=4), "gradient"),
    (layer(lambda: ForgottenShortcut([Dense(4)])), "gradient"),
    (layer(lambda: ExplainsWithoutBias(3)), "ledger"),
    (layer(lambda: ExplainsTransposed(4)), "ledger"),
    (layer(ExplainsTheWrongSign), "ledger"),
    (layer(ExplainsTheMean), "ledger"),
    (layer(ExplainsNothing), "ledger"),
    (layer(lambda: LeavesOutItsGradients(3)), "ledger"),
    (layer(lambda: ActivationLayer(ExplainsTheDerivativeOfZ())), "ledger"),
    (layer(lambda: ExplainsNoMask(0.4)), "ledger, training"),
    (layer(lambda: ExplainsTheShortcutTwice([Dense(4)])), "ledger"),
]


@pytest.mark.parametrize(
    ("example", "check"),
    PLANTED_LAYERS,
    ids=lambda value: value if isinstance(value, str) else type(value.make()).__name__,
)
def test_a_planted_error_in_a_layer_is_found(example: LayerExample, check: str) -> None:
    with pytest.raises(
        (AssertionError, ValueError)
    ) as found:  # ValueError: NumPy refuses to write on what is read-only
        layer_checks.CHECKS[check](example)
    assert found.type is AssertionError or "read-only" in str(found.value)
    right = next(e for base in type(example.make()).__mro__ for e in LAYERS.get(base.__name__, ()))
    layer_checks.CHECKS[check](right)


class LossWrongSign(SquaredError):
    def per_row(self, outputs: Any, target: Any) -> Any:
        losses, gradient = super().per_row(outputs, target)
        return losses, -gradient


class ForgottenRows(SquaredError):  # the sum's gradient beside the mean's value
    def value_and_gradient(self, outputs: Any, target: Any, sample_weight: Any = None) -> Any:
        value, gradient = super().value_and_gradient(outputs, target, sample_weight)
        return value, gradient * len(outputs)


class ForgottenTargets(SquaredError):  # not divided by the number of targets
    def per_row(self, outputs: Any, target: Any) -> Any:
        losses, gradient = super().per_row(outputs, target)
        return losses, gradient * target.shape[1]


class ReducedTwice(SquaredError):
    def value_and_gradient(self, outputs: Any, target: Any, sample_weight: Any = None) -> Any:
        value, gradient = super().value_and_gradient(outputs, target, sample_weight)
        return value / max(len(outputs), 1), gradient / max(len(outputs), 1)


class IgnoresWeights(SquaredError):
    def value_and_gradient(self, outputs: Any, target: Any, sample_weight: Any = None) -> Any:
        return super().value_and_gradient(outputs, target)


class ClippedProbabilities(BinaryCrossEntropy):
    def per_row(self, outputs: Any, target: Any) -> Any:
        p = np.clip(self.predict(outputs), 1e-15, 1 - 1e-15)
        _, gradient = super().per_row(outputs, target)
        return -(target * np.log(p) + (1 - target) * np.log1p(-p)).mean(axis=1), gradient


class ClippedLogits(CrossEntropy):
    def per_row(self, outputs: Any, target: Any) -> Any:
        return super().per_row(np.clip(outputs, -500, 500), target)


class SmoothedOnlyInTheValue(CrossEntropy):
    def per_row(self, outputs: Any, target: Any) -> Any:
        losses, _ = super().per_row(outputs, target)
        return losses, CrossEntropy().per_row(outputs, target)[1]


class MedianForHuber(Huber):
    def best_constant(self, target: Any, sample_weight: Any = None) -> Any:
        return np.median(target, axis=0)


class LevelsTurned(Quantile):
    def per_row(self, outputs: Any, target: Any) -> Any:
        losses, gradient = super().per_row(outputs, target)
        return losses, -np.flip(gradient, axis=1)


class LossAlwaysFloat64(SquaredError):
    def per_row(self, outputs: Any, target: Any) -> Any:
        return super().per_row(outputs.astype(np.float64), target)


class LossExplainsNoFactor(SquaredError):
    def explain_row(self, call: Any, i: Any, j: Any) -> Any:
        steps, loss, _ = super().explain_row(call, i, j)
        return steps, loss, 2 * (call.outputs[i, j] - call.target[i, j])


class LossExplainsNothing(Huber):
    def explain_row(self, call: Any, i: Any, j: Any) -> Any:
        return None


class LossExplainsTheSum(BinaryCrossEntropy):
    def _reduce(self, call: Any, i: Any, loss: Any, slope: Any) -> Any:
        return sum_over(i, loss), super()._reduce(call, i, loss, slope)[1]


def swapped(make: Callable[[], Loss], index: int = 0) -> LossExample:
    """Return the right loss's example with the planted loss in its place."""
    right = next(LOSSES[base.__name__] for base in type(make()).__mro__ if base.__name__ in LOSSES)[index]
    return LossExample(make, right.n_outputs, right.target, right.formula, right.hostile)


@pytest.mark.parametrize(
    ("example", "check"),
    [
        (swapped(LossWrongSign), "gradient"),
        (swapped(LossWrongSign), "exact value"),
        (swapped(ForgottenRows), "gradient"),
        (swapped(ForgottenTargets), "gradient"),
        (swapped(ReducedTwice), "reduction"),
        (swapped(IgnoresWeights), "reduction"),
        (swapped(ClippedProbabilities), "exact value"),
        (swapped(ClippedLogits), "exact value"),
        (swapped(lambda: SmoothedOnlyInTheValue(label_smoothing=0.1), 2), "gradient"),
        (swapped(MedianForHuber), "best constant"),
        (swapped(lambda: LevelsTurned(levels=(0.1, 0.5, 0.95)), 1), "gradient"),
        (swapped(LossAlwaysFloat64), "dtype"),
        (swapped(LossExplainsNoFactor), "ledger"),
        (swapped(LossExplainsNothing), "ledger"),
        (swapped(LossExplainsTheSum), "ledger"),
        (swapped(LossWrongSign), "ledger"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value.make()).__name__,
)
def test_a_planted_error_in_a_loss_is_found(example: LossExample, check: str) -> None:
    with pytest.raises(AssertionError):
        loss_checks.CHECKS[check](example)


class Uphill(SGD):
    def step(self, parameters: Any, gradients: Any, *rest: Any) -> None:
        super().step(parameters, -gradients, *rest)


class NotInPlace(SGD):
    def step(self, parameters: Any, gradients: Any, *rest: Any) -> None:
        super().step(parameters.copy(), gradients, *rest)


class IgnoresRates(SGD):
    def step(self, parameters: Any, gradients: Any, state: Any, rates: Any = None) -> None:
        super().step(parameters, gradients, state)


class CountsOnItself(Adam):
    def __post_init__(self) -> None:
        super().__post_init__()
        self._t = 0

    def step(self, parameters: Any, gradients: Any, state: Any, *rest: Any) -> None:
        self._t += 1
        super().step(parameters, gradients / math.sqrt(self._t), state, *rest)


class ChangesTheGradient(SGD):
    def step(self, parameters: Any, gradients: Any, *rest: Any) -> None:
        gradients *= self.learning_rate
        parameters -= gradients


class StepsInFloat64(SGD):
    def start(self, parameters: Any) -> Any:
        return {"velocity": np.zeros(parameters.shape)}


class ExplainsUphill(SGD):
    def explain_update(self, update: Any) -> Any:
        found = super().explain_update(update)
        at = update.at
        update.new.equals(at, update.parameter[at] + self.learning_rate * update.gradient[at])
        return found


class ExplainsNoCorrection(Adam):
    def explain_update(self, update: Any) -> Any:
        found = super().explain_update(update)
        at, new = update.at, update.new_state
        quotient = new["mean"][at] / (function("sqrt", new["mean_square"][at]) + self.epsilon)
        rate = update.rate("learning_rate", "η", self.learning_rate, at)
        update.new.equals(at, update.parameter[at] - rate * quotient)
        return found


class ExplainsOnlyTheWeights(SGD):
    def explain(self, call: Any) -> Any:
        return [entry for entry in super().explain(call) if not entry.name.endswith("bias")]


class ExplainsNoStep(Adam):
    def explain(self, call: Any) -> Any:
        return Optimizer.explain(self, call)

    def explain_update(self, update: Any) -> Any:
        return Optimizer.explain_update(self, update)


@pytest.mark.parametrize(
    ("make", "check"),
    [
        (lambda: Uphill(learning_rate=0.1), "descent"),
        (lambda: NotInPlace(learning_rate=0.1), "descent"),
        (lambda: IgnoresRates(learning_rate=0.1), "frozen"),
        (lambda: IgnoresRates(learning_rate=0.1), "rate"),
        (lambda: CountsOnItself(learning_rate=0.05), "state"),
        (lambda: ChangesTheGradient(learning_rate=0.1), "gradients kept"),
        (lambda: StepsInFloat64(learning_rate=0.1, momentum=0.5), "dtype"),
        (lambda: ExplainsUphill(learning_rate=0.1), "ledger"),
        (lambda: ExplainsNoCorrection(learning_rate=0.05), "ledger"),
        (lambda: ExplainsOnlyTheWeights(learning_rate=0.1), "ledger"),
        (lambda: ExplainsNoStep(learning_rate=0.1), "ledger"),
    ],
)
def test_a_planted_error_in_an_optimizer_is_found(make: Callable[[], Optimizer], check: str) -> None:
    with pytest.raises(AssertionError):
        optimizer_checks.CHECKS[check](OptimizerExample(make))


class Rounding(Scale):  # its option is not what was given
    n: int = option(Integer(1), "Any number.", default=3)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.n = self.n + 1


def test_a_configuration_that_does_not_come_back_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Rounding, "__module__", "pellucid.planted")  # only classes of Pellucid can be named
    with pytest.raises(AssertionError):
        check_round_trip(Rounding())
