"""scikit-learn's own checks of estimators, run on those for tables; of whatever version is installed."""

from __future__ import annotations

from typing import Any

import pytest
from sklearn.utils.estimator_checks import check_dataframe_column_names_consistency, parametrize_with_checks

from pellucid import TabularClassifier, TabularRegressor
from pellucid.estimators import MLPClassifier, MLPRegressor
from tests.estimators.conftest import ONE_OR_SEVERAL

SMALL: dict[str, Any] = {"epochs": 30, "hidden_layer_sizes": (16,), "batch_size": 16, "random_state": 0}
TABULAR = [
    kind(**SMALL, **given) for kind in (TabularClassifier, TabularRegressor) for given in ONE_OR_SEVERAL.values()
]
WEIGHTS = (
    "rows of weight 0 are dropped before anything is drawn, but a row of weight 2 stands once in the split and in the "
    "batches, where two rows stand twice"
)
EXPECTED = {f"check_sample_weight_equivalence_on_{form}_data": WEIGHTS for form in ("dense", "sparse")}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")  # a check of what is not claimed
@parametrize_with_checks(TABULAR, expected_failed_checks=lambda _: EXPECTED)
def test_scikit_learns_checks_pass(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("estimator", [*TABULAR, MLPClassifier(max_iter=3), MLPRegressor(max_iter=3)], ids=repr)
def test_the_check_of_column_names_that_scikit_learn_keeps_for_its_own_passes(estimator: Any) -> None:
    check_dataframe_column_names_consistency(type(estimator).__name__, estimator)
