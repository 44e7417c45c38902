"""Estimators: scikit-learn's conventions over tables as they come, and its own MLP on this library's engine."""

from pellucid.errors import require

require("sklearn", extra="standard", purpose="pellucid.estimators")

from pellucid.estimators.classifier import TabularClassifier  # noqa: E402 - after the check that scikit-learn is there
from pellucid.estimators.mlp_classifier import MLPClassifier  # noqa: E402
from pellucid.estimators.mlp_regressor import MLPRegressor  # noqa: E402
from pellucid.estimators.regressor import TabularRegressor  # noqa: E402

__all__ = ["MLPClassifier", "MLPRegressor", "TabularClassifier", "TabularRegressor"]
