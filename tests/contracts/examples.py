"""Examples of every registered class: the contract tests run on them, and fail for a class that has none."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import mpmath
import numpy as np
import pytest

from pellucid.activations import Activation
from pellucid.layers import (
    ActivationLayer,
    BatchNorm,
    Chain,
    Columns,
    Dense,
    Dropout,
    Embedding,
    Layer,
    LayerNorm,
    PeriodicEmbedding,
    PeriodicFeatures,
    PiecewiseLinearEmbedding,
    Residual,
    Scale,
)
from pellucid.losses import (
    AbsoluteError,
    BinaryCrossEntropy,
    BinaryFocal,
    CrossEntropy,
    Focal,
    Huber,
    Loss,
    Poisson,
    Quantile,
    SquaredError,
)
from pellucid.optimizers import LBFGS, SGD, Adam, AdamW, Optimizer, RMSprop
from pellucid.options import registered
from pellucid.random import Random
from pellucid.schedules import ConstantRate, Cosine, CosLog, Exponential, OneCycle, Schedule, StepDecay, WarmUp


def numbers(*shape: int, seed: int = 0) -> Any:
    """Return normal numbers; another seed gives others."""
    return Random(seed).normal(shape)


@dataclasses.dataclass(frozen=True)
class LayerExample:
    """A layer of ``n_inputs`` columns; ``codes`` maps the columns that hold codes to how many codes there are."""

    make: Callable[[], Layer]
    n_inputs: int
    codes: Mapping[int, int] = dataclasses.field(default_factory=dict)

    def rows(self, n_rows: int, seed: int = 1) -> Any:
        x = numbers(n_rows, self.n_inputs, seed=seed)
        for column, n_codes in self.codes.items():
            x[:, column] = Random(seed).words(n_rows) % n_codes
        return x

    def inside(self, holder: str) -> LayerExample:
        """Return the example inside a layer that holds layers."""
        n = self.n_inputs
        if holder == "Chain":
            return LayerExample(lambda: Chain([self.make(), Dense(2)]), n, self.codes)
        if holder == "Columns":  # beside a part that shares a column with it, unless of codes; no part takes the last
            shared = 0 if self.codes else 1
            return LayerExample(
                lambda: Columns({"left": (0, n, self.make()), "right": (n - shared, n + 1, Dense(2))}),
                n + 2,
                self.codes,
            )
        assert holder == "Residual"
        return LayerExample(lambda: Residual([self.make(), Dense(n)]), n, self.codes)


LAYERS: dict[str, Sequence[LayerExample]] = {
    "ActivationLayer": [
        LayerExample(lambda cls=cls, parametric=parametric: ActivationLayer(cls(), parametric=parametric), 4)
        for cls in registered(Activation).values()
        for parametric in (False, True)
    ],
    "BatchNorm": [LayerExample(BatchNorm, 3), LayerExample(lambda: BatchNorm(epsilon=0.1, momentum=0.3), 3)],
    "Chain": [
        LayerExample(lambda: Chain([Dense(3), "tanh", Dense(2)]), 4),
        LayerExample(lambda: Chain([Chain([Scale()]), Dropout(0.3), LayerNorm()]), 4),
    ],
    "Columns": [
        LayerExample(lambda: Columns({"numbers": (0, 2, Scale()), "color": (2, 3, Embedding(4, 2))}), 3, {2: 4}),
        LayerExample(lambda: Columns({"a": (1, 3, [Dense(2), "silu"]), "b": (0, 2, "tanh")}), 5),
    ],
    "Dense": [
        LayerExample(lambda: Dense(3), 4),
        LayerExample(lambda: Dense(4), 4),
        LayerExample(lambda: Dense(2, bias=False), 3),
        LayerExample(lambda: Dense(3, n_inputs=5, parametrization="ntk", weight_initializer="normal"), 5),
    ],
    "Dropout": [LayerExample(lambda: Dropout(0.4), 5), LayerExample(lambda: Dropout(0.0), 2)],
    "Embedding": [LayerExample(lambda: Embedding(4, 3), 1, {0: 4})],
    "LayerNorm": [LayerExample(LayerNorm, 4), LayerExample(lambda: LayerNorm(epsilon=0.1), 3)],
    "PeriodicEmbedding": [
        LayerExample(lambda: PeriodicEmbedding(n_frequencies=4, n_outputs=2, deviation=0.3), 3),
        LayerExample(lambda: PeriodicEmbedding(n_frequencies=3, n_outputs=5), 1),
    ],
    "PeriodicFeatures": [
        LayerExample(lambda: PeriodicFeatures(n_frequencies=4, deviation=0.3), 3),
        LayerExample(lambda: PeriodicFeatures(n_frequencies=1), 1),
    ],
    "PiecewiseLinearEmbedding": [
        LayerExample(lambda: PiecewiseLinearEmbedding(2, n_bins=4), 3),
        LayerExample(lambda: PiecewiseLinearEmbedding(1, n_bins=20), 2),
        LayerExample(lambda: PiecewiseLinearEmbedding(3, n_bins=1), 1),
    ],
    "Residual": [LayerExample(lambda: Residual([Dense(5), "gelu", Dense(3)]), 3)],
    "Scale": [LayerExample(Scale, 3)],
}


@dataclasses.dataclass(frozen=True)
class LossExample:
    """A loss of ``n_outputs`` columns, targets for it, and its formula for one row in exact arithmetic."""

    make: Callable[[], Loss]
    n_outputs: int
    target: Callable[[int], Any]
    formula: Callable[[Sequence[Any], Sequence[Any]], Any]
    hostile: Sequence[float] = (-1e4, -745.0, -88.0, -1e-9, 0.3, 40.0, 710.0, 1e4)

    def outputs(self, n_rows: int, seed: int = 2) -> Any:
        return 2 * numbers(n_rows, self.n_outputs, seed=seed)


def _mean(values: Any) -> Any:
    found = list(values)
    return sum(found) / len(found)


def _softplus(z: Any) -> Any:
    return mpmath.log1p(mpmath.exp(z))


def _huber(e: Any, delta: Any) -> Any:
    return e * e / 2 if abs(e) <= delta else delta * (abs(e) - delta / 2)


def _smoothed_binary(o: Any, t: Any, s: Any) -> Any:
    yes = (1 - s) * t + s / 2
    return yes * _softplus(-o) + (1 - yes) * _softplus(o)


def _cross_entropy(o: Sequence[Any], t: Sequence[Any], smoothing: float = 0.0) -> Any:
    s = mpmath.mpf(smoothing)
    distribution = [mpmath.mpf(int(k == t[0])) for k in range(len(o))] if len(t) == 1 else t
    smoothed = [(1 - s) * p + s / len(o) for p in distribution]
    return mpmath.log(sum(map(mpmath.exp, o))) - sum(p * z for p, z in zip(smoothed, o, strict=True))


def _binary_focal(o: Any, t: Any, gamma: float) -> Any:
    p = 1 / (1 + mpmath.exp(-o))
    return -t * (1 - p) ** gamma * mpmath.log(p) - (1 - t) * p**gamma * mpmath.log(1 - p)


def _focal(o: Sequence[Any], t: Sequence[Any], gamma: float) -> Any:
    p = mpmath.exp(o[int(t[0])]) / sum(map(mpmath.exp, o))
    return -((1 - p) ** gamma) * mpmath.log(p)


def _quantile(o: Sequence[Any], t: Sequence[Any], levels: Sequence[float]) -> Any:
    pairs = [(q, t_j - o[j * len(levels) + k]) for j, t_j in enumerate(t) for k, q in enumerate(levels)]
    return _mean(max(mpmath.mpf(q) * e, (mpmath.mpf(q) - 1) * e) for q, e in pairs)


def _codes(n_rows: int) -> Any:
    return (np.arange(n_rows) * 5 + np.arange(n_rows) // 4) % 3


def _distributions(n_rows: int) -> Any:
    p = np.exp(numbers(n_rows, 3, seed=5))
    return p / p.sum(axis=1, keepdims=True)


def _labels(n_rows: int) -> Any:
    return (numbers(n_rows, 2, seed=4) > 0).astype(float)


CONFIDENT = (-800.0, -88.0, -1e-9, 0.3, 40.0, 710.0)  # the exact formula has 1 - p, for which `DIGITS` are enough


LOSSES: dict[str, Sequence[LossExample]] = {
    "AbsoluteError": [
        LossExample(
            AbsoluteError,
            2,
            lambda n: numbers(n, 2, seed=3),
            lambda o, t: _mean(abs(a - b) for a, b in zip(o, t, strict=True)),
        )
    ],
    "BinaryCrossEntropy": [
        LossExample(
            BinaryCrossEntropy,
            2,
            target,
            lambda o, t: _mean(b * _softplus(-a) + (1 - b) * _softplus(a) for a, b in zip(o, t, strict=True)),
        )
        for target in (_labels, lambda n: Random(6).uniform((n, 2)))
    ]
    + [
        LossExample(
            lambda: BinaryCrossEntropy(label_smoothing=0.1),
            2,
            _labels,
            lambda o, t: _mean(_smoothed_binary(a, b, mpmath.mpf(0.1)) for a, b in zip(o, t, strict=True)),
        )
    ],
    "BinaryFocal": [
        LossExample(
            lambda gamma=gamma: BinaryFocal(gamma=gamma),
            2,
            target,
            lambda o, t, gamma=gamma: _mean(_binary_focal(a, b, gamma) for a, b in zip(o, t, strict=True)),
            hostile=CONFIDENT,
        )
        for target, gamma in ((_labels, 2.0), (lambda n: Random(6).uniform((n, 2)), 0.5))
    ],
    "CrossEntropy": [
        LossExample(CrossEntropy, 3, _codes, _cross_entropy),
        LossExample(CrossEntropy, 3, _distributions, _cross_entropy),
        LossExample(lambda: CrossEntropy(label_smoothing=0.1), 3, _codes, lambda o, t: _cross_entropy(o, t, 0.1)),
    ],
    "Focal": [
        LossExample(
            lambda gamma=gamma: Focal(gamma=gamma),
            3,
            _codes,
            lambda o, t, gamma=gamma: _focal(o, t, gamma),
            hostile=CONFIDENT,
        )
        for gamma in (2.0, 0.5, 0.0)
    ],
    "Huber": [
        LossExample(
            lambda delta=delta: Huber(delta=delta),
            2,
            lambda n: 2 * numbers(n, 2, seed=3),
            lambda o, t, delta=delta: _mean(_huber(a - b, mpmath.mpf(delta)) for a, b in zip(o, t, strict=True)),
        )
        for delta in (1.0, 0.3)
    ],
    "Poisson": [
        LossExample(
            Poisson,
            2,
            lambda n: np.floor(4 * Random(7).uniform((n, 2))),
            lambda o, t: _mean(mpmath.exp(a) - b * a for a, b in zip(o, t, strict=True)),
            hostile=(-1e4, -745.0, -88.0, -1e-9, 0.3, 40.0, 300.0, 700.0),  # beyond 709.7, e^o is infinite
        )
    ],
    "Quantile": [
        LossExample(
            lambda levels=levels: Quantile(levels=levels),
            n_targets * len(levels),
            lambda n, n_targets=n_targets: numbers(n, n_targets, seed=3),
            lambda o, t, levels=levels: _quantile(o, t, levels),
        )
        for n_targets, levels in ((1, (0.5,)), (1, (0.1, 0.5, 0.95)), (2, (0.25, 0.75)))
    ],
    "SquaredError": [
        LossExample(
            SquaredError,
            2,
            lambda n: numbers(n, 2, seed=3),
            lambda o, t: _mean((a - b) ** 2 for a, b in zip(o, t, strict=True)),
        ),
        LossExample(
            lambda: SquaredError(reduction="half_sum"),
            2,
            lambda n: numbers(n, 2, seed=3),
            lambda o, t: sum((a - b) ** 2 for a, b in zip(o, t, strict=True)) / 2,
        ),
    ],
}


@dataclasses.dataclass(frozen=True)
class OptimizerExample:
    """An optimizer whose learning rate suits slopes of about 1, and the steps it takes to the minimum."""

    make: Callable[[], Optimizer]
    n_steps: int = 300


OPTIMIZERS: dict[str, Sequence[OptimizerExample]] = {
    "Adam": [
        OptimizerExample(lambda form=form: Adam(learning_rate=0.05, correction=form)) for form in ("moments", "rate")
    ],
    "AdamW": [OptimizerExample(lambda: AdamW(learning_rate=0.05, weight_decay=0.001))],
    "LBFGS": [OptimizerExample(LBFGS, 30), OptimizerExample(lambda: LBFGS(memory=2), 60)],
    "RMSprop": [OptimizerExample(lambda: RMSprop(learning_rate=0.01), 600)],
    "SGD": [
        OptimizerExample(lambda: SGD(learning_rate=0.1)),
        *(
            OptimizerExample(
                lambda nesterov=nesterov, rate=rate: SGD(learning_rate=0.05, momentum=0.8, nesterov=nesterov, rate=rate)
            )
            for nesterov in (False, True)
            for rate in ("outside", "inside")
        ),
    ],
}


@dataclasses.dataclass(frozen=True)
class ScheduleExample:
    """A schedule with the limits of its factor at the first and at the last of many steps."""

    make: Callable[[], Schedule]
    first: float
    last: float


SCHEDULES: dict[str, Sequence[ScheduleExample]] = {
    "ConstantRate": [ScheduleExample(ConstantRate, 1, 1)],
    "CosLog": [ScheduleExample(CosLog, 0, 0)],
    "Cosine": [ScheduleExample(Cosine, 1, 0), ScheduleExample(lambda: Cosine(final=0.2, flat=0.5), 1, 0.2)],
    "Exponential": [ScheduleExample(lambda: Exponential(final=0.05), 1, 0.05)],
    "OneCycle": [ScheduleExample(lambda: OneCycle(start=0.1, final=0.01), 0.1, 0.01)],
    "StepDecay": [ScheduleExample(lambda: StepDecay(drop=0.5, n_drops=3), 1, 0.125)],
    "WarmUp": [ScheduleExample(WarmUp, 0, 1), ScheduleExample(lambda: WarmUp(then=Cosine()), 0, 0)],
}

EXAMPLES: dict[type, dict[str, Any]] = {Layer: LAYERS, Loss: LOSSES, Optimizer: OPTIMIZERS, Schedule: SCHEDULES}


def enrolled(family: type) -> list[Any]:
    """Return every example of the family as a test parameter; a class without one fails in `test_enrollment.py`."""
    return [
        pytest.param(example, id=f"{name}-{index}" if len(examples) > 1 else name)
        for name, examples in EXAMPLES[family].items()
        for index, example in enumerate(examples)
    ]
