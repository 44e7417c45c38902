"""scikit-learn's own tests of its MLP, read from the installed package and run on the classes that take its place."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from types import ModuleType
from typing import Any
from unittest import mock

import pytest
import sklearn.neural_network

from pellucid.estimators import MLPClassifier, MLPRegressor

# Their file runs where warnings are not errors: it fits until max_iter on purpose.
pytestmark = [pytest.mark.filterwarnings("default")]

PRIVATE = {
    "test_fit": "it sets up a fitted estimator by private attributes before it calls partial_fit",
    "test_gradient": "it calls the private _loss_grad_lbfgs; contracts/ checks the gradients here",
}


def their_tests() -> ModuleType:
    spec = importlib.util.find_spec("sklearn.neural_network.tests.test_mlp")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    ours = {"MLPClassifier": MLPClassifier, "MLPRegressor": MLPRegressor}
    with mock.patch.multiple(sklearn.neural_network, **ours):
        spec.loader.exec_module(module)
    return module


def skipped(test: Callable[..., None], reason: str) -> Callable[..., None]:
    return pytest.mark.skip(reason=reason)(test)


THEIRS = their_tests()
TESTS: dict[str, Any] = {name: test for name, test in vars(THEIRS).items() if name.startswith("test_")}
globals().update({name: skipped(test, PRIVATE[name]) if name in PRIVATE else test for name, test in TESTS.items()})


@pytest.fixture
def global_random_seed() -> int:
    return 42  # the one that scikit-learn's own suite uses, unless asked for more


def test_their_tests_run_on_the_classes_of_this_library() -> None:
    assert THEIRS.MLPClassifier is MLPClassifier
    assert THEIRS.MLPRegressor is MLPRegressor
    assert PRIVATE.keys() <= TESTS.keys()
    assert len(TESTS) > 30
