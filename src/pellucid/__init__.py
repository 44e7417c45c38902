"""Pellucid: neural networks you can see through.

The public names, loaded when they are first used, so that ``import pellucid`` costs NumPy and little more.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "pellucid.activations": (
        "ELU GELU SELU Activation Identity LeakyReLU Mish ReLU SiLU Sigmoid Softmax Softplus Tanh"
    ),
    "pellucid.errors": "PellucidError",
    "pellucid.estimators": "MLPClassifier MLPRegressor TabularClassifier TabularRegressor",
    "pellucid.importing": "from_onnx from_safetensors from_sklearn",
    "pellucid.initializers": (
        "Constant Explicit Glorot He Hull Initializer LeCun Normal Orthogonal Uniform UnitVariance Zeros"
    ),
    "pellucid.insight": (
        "BackwardReport Calibration Dependence DerivativeReport Diagram Explanation Finding GradientCheck Importances "
        "LossCurveDisplay Picture Recorder Report Trace calibration_curve check_derivative compare_backward diagnose "
        "eject explain feature_importances gradient_check partial_dependence plot_calibration plot_confusion "
        "plot_decision_boundary plot_dependence plot_distributions plot_history plot_importances plot_network "
        "plot_predictions plot_residuals plot_roc plot_training roc_curve trace"
    ),
    "pellucid.layers": (
        "ActivationLayer BatchNorm Chain Columns Dense Dropout Embedding Layer LayerNorm "
        "PeriodicEmbedding PeriodicFeatures PiecewiseLinearEmbedding Residual Scale"
    ),
    "pellucid.losses": (
        "AbsoluteError BinaryCrossEntropy BinaryFocal CrossEntropy Focal Huber Loss Penalty Poisson Quantile "
        "SquaredError"
    ),
    "pellucid.model": "Verification compare_models load verify",
    "pellucid.network": "Network",
    "pellucid.optimizers": "LBFGS SGD Adam AdamW Optimizer RMSprop",
    "pellucid.random": "Random",
    "pellucid.schedules": "ConstantRate CosLog Cosine Exponential OneCycle Schedule StepDecay WarmUp",
    "pellucid.training": (
        "AUROC Accuracy BrierScore Callback EarlyStopping History LogLoss MeanAbsoluteError Metric ProgressBar R2 "
        "RootMeanSquaredError Run TimeBudget train"
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = sorted([*_HOME_OF, "__version__"])


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        from pellucid.errors import near_miss

        raise AttributeError(f"module 'pellucid' has no attribute {name!r}{near_miss(name, _HOME_OF)}")
    value = getattr(importlib.import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
