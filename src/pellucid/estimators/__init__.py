"""Estimators: scikit-learn's conventions over tables as they come, with strings, categories, dates and holes."""

from pellucid.errors import require

require("sklearn", extra="standard", purpose="pellucid.estimators")

from pellucid.estimators.classifier import TabularClassifier  # noqa: E402 - after the check that scikit-learn is there
from pellucid.estimators.regressor import TabularRegressor  # noqa: E402

__all__ = ["TabularClassifier", "TabularRegressor"]
