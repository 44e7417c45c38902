"""Exporting in whichever target: the precision, what is compared with the model, and what is left behind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pellucid import Dense, Network
from pellucid.errors import ProofError
from pellucid.export import export, lower
from pellucid.export.layers import _Lowering
from pellucid.export.proof import TOLERANCES, difference
from pellucid.export.vectors import make_vectors
from tests.export import models


@pytest.mark.parametrize(("dtype", "precision"), [("float32", "float"), ("float64", "double")])
def test_a_network_keeps_its_own_precision_unless_asked_otherwise(dtype: str, precision: str, tmp_path: Path) -> None:
    made = export(models.network("wide", dtype), tmp_path / "network.py")
    assert made.precision == precision
    assert {operation.dtype for operation in lower(models.network("wide", dtype)).operations} == {dtype}


def test_a_target_without_the_networks_precision_takes_its_own(tmp_path: Path) -> None:
    assert export(models.network("wide", "float32"), tmp_path / "network.py", target="python").precision == "double"


@pytest.mark.parametrize("name", models.NETWORKS)
def test_a_network_in_double_is_narrowed_to_float_on_request(name: str) -> None:
    network = models.network(name, "float64")
    graph = lower(network, precision="float")
    assert {operation.dtype for operation in graph.operations} == {"float32"}
    vectors = make_vectors(graph, TOLERANCES["float"], {"outputs": np.ones(network.n_outputs)})
    off = difference(graph.outputs[0], network.predict(vectors.columns["x"]), vectors.outputs["outputs"], vectors)
    assert off.max() <= vectors.tolerance


def test_a_narrowed_network_is_proven(tmp_path: Path) -> None:
    made = export(models.network("wide", "float64"), tmp_path / "network.py", precision="float")
    assert made.precision == "float" and made.proof is not None


def test_a_network_that_float_cannot_follow_is_refused_with_the_fix(tmp_path: Path) -> None:
    """1e8 + 1 is 1e8 in float32, so the difference of the two is lost."""
    first = Dense(2, weight_initializer=[[1e8, 1e8]], bias_initializer=[1.0, 0.0])
    network = Network([first, Dense(1, weight_initializer=[[1.0], [-1.0]])], n_inputs=1)
    network.initialize()
    with pytest.raises(ProofError, match="The network computes in double: leave precision out, or give double"):
        export(network, tmp_path / "network.py", precision="float")
    assert list(tmp_path.iterdir()) == []
    assert export(network, tmp_path / "network.py").proof is not None


def test_a_layer_that_is_lowered_wrongly_differs_from_its_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = _Lowering.cast
    monkeypatch.setattr(_Lowering, "cast", lambda self, array: right(self, np.asarray(array) * 1.0001))
    with pytest.raises(ProofError, match="the graph gives"):
        export(models.network("wide", "float64"), tmp_path / "network.py")
    assert list(tmp_path.iterdir()) == []
