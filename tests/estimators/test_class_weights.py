"""Class weights of the classifier for tables: a row counts its own weight times its class's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_sample_weight

from pellucid import TabularClassifier
from pellucid.errors import OptionError

QUICK: dict[str, Any] = {"members": 2, "folds": 2, "epochs": 4, "hidden_layer_sizes": (8,), "random_state": 0}


def table(n_rows: int = 80) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 2))
    return X, np.where(X[:, 0] + rng.normal(size=n_rows) > 1, "rare", "common")


@pytest.mark.parametrize("class_weight", ["balanced", {"rare": 4.0, "common": 0.5}, {"rare": 3}])
@pytest.mark.parametrize("members", [1, 2])
def test_class_weights_are_sample_weights(class_weight: Any, members: int) -> None:
    X, y = table()
    options = {**QUICK, "members": members}
    own = np.random.default_rng(1).choice([0.0, 0.5, 1.0, 2.0], len(y))
    there = own > 0  # which rows are many is counted without those of weight 0
    weight = np.zeros(len(y))
    weight[there] = compute_sample_weight(class_weight, y[there]) * own[there]
    found = TabularClassifier(**options, class_weight=class_weight).fit(X, y, own)
    expected = TabularClassifier(**options).fit(X, y, weight)
    np.testing.assert_allclose(found.predict_proba(X), expected.predict_proba(X), rtol=1e-4)  # weights round otherwise
    unweighted = TabularClassifier(**options).fit(X, y, own)
    assert np.abs(found.predict_proba(X) - unweighted.predict_proba(X)).max() > 0.05


def test_class_weights_hold_for_rows_to_judge_by_too() -> None:
    X, y = table()
    held = {"X_val": X[:40], "y_val": y[:40]}
    weight = compute_sample_weight({"rare": 4.0}, y)
    found = TabularClassifier(**QUICK, class_weight={"rare": 4.0}).fit(X, y, **held)
    expected = TabularClassifier(**QUICK).fit(X, y, weight, **held, sample_weight_val=weight[:40])
    np.testing.assert_allclose(found.history_["validation_loss"], expected.history_["validation_loss"], rtol=1e-4)


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ("balance", r"got 'balance' .*it expects .*mean 'balanced'\?"),
        (3.0, "class_weight got 3.0"),
        ({"rarre": 2.0}, r"no class 'rarre'; the target has 'common', 'rare'; did you mean 'rare'\?"),
        ({0: 2.0}, "no class 0; the target has 'common', 'rare'."),
        ({"rare": 0}, "class 'rare' got 0; it expects a number above 0. To leave a class out, leave out its rows"),
        ({"rare": -1.0}, "got -1.0"),
        ({"rare": float("nan")}, "got nan"),
        ({"rare": float("inf")}, "got inf"),
        ({"rare": "2"}, "got '2'"),
        ({"rare": True}, "got True"),
    ],
)
def test_class_weights_that_make_no_sense_are_refused(class_weight: Any, message: str) -> None:
    X, y = table()
    with pytest.raises(OptionError, match=message):
        TabularClassifier(**QUICK, class_weight=class_weight).fit(X, y)


def test_labels_have_no_class_weights() -> None:
    X, _ = table()
    with pytest.raises(OptionError, match="several labels has no one class; weigh the rows with sample_weight"):
        TabularClassifier(**QUICK, class_weight="balanced").fit(X, (X > 0).astype(int))


def test_class_weights_are_kept_in_the_model_file(tmp_path: Any) -> None:
    import pellucid

    X, y = table()
    model = TabularClassifier(**QUICK, class_weight={1: 2.0, 0: 0.5}).fit(X, (y == "rare").astype(int))
    model.save(tmp_path / "model")
    assert pellucid.load(tmp_path / "model").class_weight == {1: 2.0, 0: 0.5}
