"""Ejected populations: the page predicts what the whole ensemble predicts, and reads like one network's."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid
from pellucid import TabularClassifier, TabularRegressor
from pellucid.errors import OptionError
from pellucid.insight.eject.ejecting import page_of
from pellucid.population.configuration import ACTIVATIONS, Configuration
from pellucid.population.ensemble import Ensemble
from pellucid.population.recipe import build_member
from pellucid.random import Random
from tests.insight.plain import Plain, run_as_program
from tests.insight.tables import N_FEATURES, check_prediction, every_kind, longest_sum, text_of, with_odd_rows
from tests.tolerances import rounding

QUICK: dict[str, Any] = {"members": 4, "folds": 2, "epochs": 3, "random_state": 3}
TEMPERATURE = 1.7


def fitted(target: Any, **options: Any) -> tuple[Any, Any, str]:
    """Return a population for a target of the table with every kind of column, its features, and the table's text."""
    table = every_kind()
    names = [target] if isinstance(target, str) else target
    X = table.select([name for name in table.columns[:N_FEATURES] if name not in names])
    y = table[target] if isinstance(target, str) else table.select(names).to_numpy()
    kind = TabularRegressor if "number" in names else TabularClassifier
    estimator = kind(**{**QUICK, "one_hot_limit": 4, "min_category_count": 3, **options}).fit(X, y)
    return estimator, X, with_odd_rows(estimator, text_of(table))


def predictions(estimator: Any, X: Any) -> Any:
    return estimator.predict(X) if isinstance(estimator, TabularRegressor) else estimator.predict_proba(X)


def with_every_architecture(estimator: Any, X: Any) -> list[Configuration]:
    """Give an estimator an ensemble of networks with every activation and every form of numbers, two of each."""
    forms = [("piecewise", 16), ("piecewise", 5), ("plain", 16), ("periodic", 16)]
    configurations = [
        Configuration((9, 7)[: 1 + index % 2], activation, numbers=form, n_bins=n_bins, dropout=0.1 * (index % 2))
        for index, activation in enumerate(ACTIVATIONS)
        for form, n_bins in forms
    ]
    rows, n_outputs, loss = estimator.encoder_.transform(X), estimator.network_.n_outputs, estimator.loss_
    target = np.arange(len(rows)) % max(n_outputs, 2)
    if loss.link != "softmax":
        target = np.stack([target] * n_outputs, axis=1).astype(np.float64)
    networks = []
    for number, configuration in enumerate([*configurations, *configurations]):
        network = build_member(
            estimator.encoder_, n_outputs, configuration, loss, target, None, Random(number)
        ).initialize(rows)
        network.parameters[...] += 0.3 * Random(number).normal(network.parameters.shape)
        networks.append(network)
    weights = np.arange(1.0, 1 + len(networks))
    estimator.ensemble_ = Ensemble(tuple(networks), tuple((weights / weights.sum()).tolist()), loss)
    estimator.network_ = estimator.ensemble_.strongest
    return configurations


@pytest.mark.parametrize(
    "target", ["number", "label 1", "class", "columns", "new", ["number", "another"], ["label 1", "label 2"]]
)
def test_the_page_predicts_as_the_population_that_was_fitted(plain: Plain, tmp_path: Path, target: Any) -> None:
    estimator, _, text = fitted(target)
    assert len(estimator.ensemble_.networks) > 1
    page = check_prediction(plain, estimator, text, tmp_path)
    assert f"the weighted mean of {len(estimator.ensemble_.networks)} networks" in page
    estimator.save(tmp_path / "model")
    assert page_of(pellucid.load(tmp_path / "model"), training=False, arguments={}) == page


@pytest.mark.parametrize("target", [["number", "another"], "label 1", "class"])
def test_every_architecture_weight_and_the_temperature_count(plain: Plain, tmp_path: Path, target: Any) -> None:
    estimator, X, text = fitted(target)
    configurations = with_every_architecture(estimator, X)
    estimator.temperature_ = TEMPERATURE if isinstance(target, str) else 1.0
    page = check_prediction(plain, estimator, text, tmp_path)
    assert len(re.findall(r"^def forward_\d+\(", page, re.MULTILINE)) == len(configurations)
    assert len(re.findall(r"^NETWORK_\d+ = ", page, re.MULTILINE)) == 2 * len(configurations)
    expected, ensemble, scale = predictions(estimator, X), estimator.ensemble_, 1.0
    if not isinstance(target, str):
        scale = float(np.max(estimator.target_.high - estimator.target_.low))
    bound = rounding(longest_sum(estimator), np.float32, 16 * scale)
    estimator.ensemble_ = Ensemble(
        ensemble.networks, (1 / len(ensemble.networks),) * len(ensemble.networks), estimator.loss_
    )
    assert np.abs(predictions(estimator, X) - expected).max() > 10 * bound, "or the weights would not be tested"
    estimator.ensemble_ = Ensemble((ensemble.strongest,), (1.0,), estimator.loss_)
    assert np.abs(predictions(estimator, X) - expected).max() > 10 * bound
    estimator.ensemble_, estimator.temperature_ = ensemble, 1.0
    if isinstance(target, str):
        assert np.abs(predictions(estimator, X) - expected).max() > 10 * bound


def test_networks_that_differ_only_in_their_training_share_a_function(tmp_path: Path) -> None:
    estimator, *_ = fitted("class", folds=3, hidden_layer_sizes=(5,), activation="relu", embedding_size=4)
    networks = [network for network in estimator.ensemble_.networks if "Piecewise" in repr(network)][:3]
    estimator.ensemble_ = Ensemble(tuple(networks), (0.5, 0.25, 0.25), estimator.loss_)
    page = page_of(estimator, training=False, arguments={})
    assert page.count("def forward_1(X, V1, c1, f1, T1, W1, b1, W2, b2, B1):") == 1
    assert "def forward_2(" not in page
    lines = page.splitlines()
    at = lines.index(
        "MEMBERS = ((0.5, forward_1, NETWORK_1), (0.25, forward_1, NETWORK_2), (0.25, forward_1, NETWORK_3))"
    )
    assert lines[at - 1].startswith(")")
    for line in (
        "    for weight, forward, arrays in MEMBERS:",
        "        mean += weight * softmax(forward(X, *arrays).astype(np.float64))",
        "    Z1 = C1 @ W1 + b1  # (n, 5)",
        "    A1 = relu(Z1)  # (n, 5)",
    ):
        assert lines.count(line) == 1


@pytest.mark.parametrize("bias", [-1e4, 1e4])
@pytest.mark.parametrize("target", ["number", "label 1", "class"])
def test_outputs_beyond_every_bound_are_clamped_alike(plain: Plain, target: str, bias: float) -> None:
    estimator, X, _ = fitted(target)
    for network in estimator.ensemble_.networks:
        last = network.named_parameters[f"{len(network.layers) - 1}.bias"]
        last[...] = bias * np.arange(1, 1 + len(last))
    estimator.temperature_ = 1.0 if target == "number" else TEMPERATURE
    page = page_of(estimator, training=False, arguments={})
    name = "predict" if target == "number" else "probabilities"
    found, expected = plain(page, f"{name}(rows)", rows=X.to_dicts()), predictions(estimator, X)
    assert np.array_equal(found, expected)
    if target == "number":
        assert np.all(found == (estimator.target_.low if bias < 0 else estimator.target_.high))


def test_a_population_of_which_one_network_was_chosen_has_its_temperature(plain: Plain, tmp_path: Path) -> None:
    for target in ("label 1", "class", ["label 1", "label 2"]):
        estimator, _, text = fitted(target)
        estimator.ensemble_ = Ensemble((estimator.network_,), (1.0,), estimator.loss_)
        estimator.temperature_ = TEMPERATURE
        page = check_prediction(plain, estimator, text, tmp_path)
        assert "MEMBERS" not in page and f"TEMPERATURE = {TEMPERATURE}" in page


def test_pages_of_populations_are_formatted_and_run_as_programs(tmp_path: Path) -> None:
    pytest.importorskip("ruff")
    (tmp_path / "rows.csv").write_text(text_of(every_kind()), encoding="utf-8")
    for index, target in enumerate(["class", "label 1", ["number", "another"]]):
        estimator, X, _ = fitted(target)
        with_every_architecture(estimator, X)
        estimator.temperature_ = TEMPERATURE if isinstance(target, str) else 1.0
        pellucid.eject(estimator, tmp_path / f"{index}.py")
        done = run_as_program(tmp_path / f"{index}.py", str(tmp_path / "rows.csv"))
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("\n") == 1 + len(X)
    words = ["format", "--isolated", "--diff", "--line-length", "120", str(tmp_path)]
    done = subprocess.run([sys.executable, "-m", "ruff", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_small_networks_are_named_below_their_functions(plain: Plain, tmp_path: Path) -> None:
    table = every_kind()
    X = table.select("np", "new")
    estimator = TabularRegressor(**QUICK, hidden_layer_sizes=(2,)).fit(X, table["number"])
    networks = [
        build_member(
            estimator.encoder_,
            1,
            Configuration((2,), numbers="plain"),
            estimator.loss_,
            np.zeros((3, 1)),
            None,
            Random(seed),
        ).initialize()
        for seed in (1, 2)
    ]
    estimator.ensemble_ = Ensemble(tuple(networks), (0.75, 0.25), estimator.loss_)
    page = check_prediction(plain, estimator, with_odd_rows(estimator, text_of(X)), tmp_path)
    assert "unpack" not in page


def test_the_training_of_a_population_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    estimator, X, _ = fitted("class")
    estimator.save(tmp_path / "model")
    for model in (estimator, pellucid.load(tmp_path / "model")):
        with pytest.raises(OptionError, match=r"trained a population.*fit with members=1"):
            pellucid.eject(model, tmp_path / "out.py", training=True, X=X, y=every_kind()["class"])
    assert not (tmp_path / "out.py").exists()
