"""What `fit` leaves on an estimator is what its docstring, and so its reference page, says."""

from __future__ import annotations

import inspect
import re
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import ConvergenceWarning

from pellucid.estimators import MLPClassifier, MLPRegressor, TabularClassifier, TabularRegressor

X = pd.DataFrame(np.random.RandomState(0).normal(size=(60, 2)), columns=["a", "b"])
FEW: list[Any] = [
    MLPClassifier(max_iter=2),
    MLPRegressor(max_iter=2),
    TabularClassifier(epochs=2, members=1),
    TabularClassifier(epochs=2, members=2),
    TabularRegressor(epochs=2, members=1),
    TabularRegressor(epochs=2, members=2),
]


@pytest.mark.parametrize("estimator", FEW, ids=repr)
def test_every_fitted_attribute_is_documented_and_every_documented_one_is_there(estimator: Any) -> None:
    cls = type(estimator)
    docstring = inspect.getdoc(cls) or ""
    section = docstring.partition("Attributes\n----------\n")[2].partition("\n\n")[0]
    documented = {name for names in re.findall(r"^(\S.*?) : ", section, re.MULTILINE) for name in names.split(", ")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = estimator.fit(X, X["a"] > 0 if cls.__name__.endswith("Classifier") else X["a"])
    there = {name for name, _ in inspect.getmembers(model) if name.endswith("_") and not name.startswith("_")}
    assert documented == there
