"""Training arrives at PyTorch's weights, step for step: the numbers come from `make_torch_trajectories.py`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid.losses import Loss
from pellucid.network import Network
from pellucid.optimizers import Optimizer
from pellucid.options import from_config, registered
from pellucid.training import Callback, Run, train
from tests.tolerances import trajectory

RUNS: dict[str, Any] = json.loads(Path(__file__).with_name("torch_trajectories.json").read_text())["runs"]
LONGEST_SUM = 15  # terms: 5 inputs of a neuron, in each of 3 rows of a batch


class Recorder(Callback):
    """Keep the named numbers after each step."""

    def begin(self, run: Run) -> None:
        self.after: list[dict[str, Any]] = []

    def after_step(self, run: Run) -> None:
        self.after.append({name: view.copy() for name, view in named_numbers(run.network).items()})


def named_numbers(network: Network) -> dict[str, Any]:
    return {**network.named_parameters, **network.named_buffers}


@pytest.mark.parametrize("name", RUNS)
def test_same_weights_as_torch(name: str) -> None:
    given = RUNS[name]
    network = Network.from_config({"layers": given["layers"], "n_inputs": 3, "dtype": "float64"})
    assert sorted(named_numbers(network)) == sorted(given["start"])
    for path, view in named_numbers(network).items():
        view[...] = given["start"][path]
    recorder = Recorder()
    history = train(
        network,
        given["X"],
        given["y"],
        loss=from_config(Loss, given["loss"]),  # type: ignore[type-abstract]
        optimizer=from_config(Optimizer, given["optimizer"]),  # type: ignore[type-abstract]
        epochs=len(given["order"]),
        batch_size=given["batch_size"],
        order=given["order"],
        callbacks=[recorder],
    )
    for step, numbers in given["after"].items():
        for path, values in numbers.items():
            atol = trajectory(int(step), LONGEST_SUM)
            np.testing.assert_allclose(recorder.after[int(step) - 1][path], values, rtol=0, atol=atol, err_msg=path)
    tolerance = trajectory(len(recorder.after), LONGEST_SUM)
    np.testing.assert_allclose(network.predict(given["X"]), given["outputs"], rtol=0, atol=10 * tolerance)
    per_epoch = np.reshape(given["losses"], (len(given["order"]), -1)).mean(axis=1)
    np.testing.assert_allclose(history["loss"], per_epoch, rtol=0, atol=10 * tolerance)


def test_every_rule_that_torch_has_is_compared() -> None:
    compared = {run["optimizer"]["type"] for run in RUNS.values()}
    assert compared == set(registered(Optimizer)) - {"LBFGS"}  # whose line search is another
    assert all(len(run["losses"]) == 20 for run in RUNS.values())
