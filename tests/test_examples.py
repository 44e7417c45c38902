"""Tests of the tutorials as programs: they reach the tutorials' exact numbers, and say rightly what happened."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pellucid.cli import main
from pellucid.examples import single_layer, xor

GOLDENS = json.loads((Path(__file__).parent / "golden" / "seed_goldens.json").read_text(encoding="utf-8"))

# 10,000 steps in another order of summation: each adds a few roundings of 1e-16, and none is amplified much
TOLERANCE = 1e-10


def test_the_single_layer_reaches_the_tutorials_weights(capsys: pytest.CaptureFixture[str]) -> None:
    network = single_layer.main()
    golden = GOLDENS["single_layer"]
    assert network.named_parameters["0.weight"] == pytest.approx(np.array(golden["final_weights"]), rel=TOLERANCE)
    out = capsys.readouterr().out
    assert "[0.417  0.7203 0.0001]" in out  # the tutorial's first weights
    assert "[0.0097 0.9921 0.9936 0.0079]" in out
    assert "epoch 10,000: loss 0.000129" in out


@pytest.mark.parametrize("start", [0, 1, 42])
def test_xor_reaches_the_tutorials_weights(start: int, capsys: pytest.CaptureFixture[str]) -> None:
    network = xor.main(start)
    golden = GOLDENS["xor"][str(start)]
    for name, key in (("0.weight", "W1"), ("0.bias", "b1"), ("2.weight", "W2"), ("2.bias", "b2")):
        expected = np.array(golden[key]).reshape(network.named_parameters[name].shape)
        assert network.named_parameters[name] == pytest.approx(expected, rel=TOLERANCE, abs=TOLERANCE)
    assert "Solved" in capsys.readouterr().out


def test_xor_from_start_74_is_stuck_for_the_reason_that_it_gives(capsys: pytest.CaptureFixture[str]) -> None:
    assert GOLDENS["xor_unsolved_seeds"] == [74]
    network = xor.main(74)
    out = capsys.readouterr().out
    assert "Stuck" in out
    assert "Rows [1 1] and [1 0] want different answers" in out
    hidden = network.layers[1].forward(network.layers[0].forward(np.array([[1.0, 1.0], [1.0, 0.0]]))[0])[0]
    assert np.abs(hidden[0] - hidden[1]).max() < 0.005  # the last neuron sees the same in both rows
    assert (hidden * (1 - hidden)).max() < 0.006  # where the hidden neurons are nearly flat
    assert network.predict(np.array([[1.0, 1.0], [1.0, 0.0]])).ravel() == pytest.approx([0.5, 0.5], abs=0.01)


@pytest.mark.parametrize(
    ("words", "expected"), [(["single-layer"], "first input"), (["xor", "--start", "1"], "start 1")]
)
def test_the_demo_command_runs_them(words: list[str], expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", *words]) == 0
    assert expected in capsys.readouterr().out
