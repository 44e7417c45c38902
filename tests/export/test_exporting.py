"""Exporting in whichever target: the precision, what is compared with the model, and what is left behind."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid import Dense, Network
from pellucid.errors import OptionError, OutputError, ProofError
from pellucid.export import evaluate, export, lower
from pellucid.export.layers import _Lowering
from pellucid.export.proof import TOLERANCES, difference
from pellucid.export.targets.c import C
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


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_leaves_nothing(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: bytes) -> None:
        with path.open("wb") as file:
            file.write(content[:100])
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match=r"cannot write a program to .*network\.c'.*Free some space"):
        export(models.network("scale", "float32"), tmp_path / "network.c")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("problem", [OSError(errno.EIO, "Input/output error"), KeyboardInterrupt()])
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_second_file_that_cannot_be_put_in_place_leaves_neither(
    problem: BaseException, overwrite: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = os.replace

    def fails(source: Any, target: Path) -> None:
        if target.suffix == (".c" if overwrite else ".h"):
            raise problem
        replace(source, target)

    monkeypatch.setattr(os, "replace", fails)
    expected = OutputError if isinstance(problem, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        export(models.network("scale", "float32"), tmp_path / "network.c", overwrite=overwrite)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_appears_meanwhile_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def another_writes(self: C, path: Path, graph: Any, columns: Any) -> Any:
        (tmp_path / "network.h").write_text("mine")
        return evaluate(graph, columns)

    monkeypatch.setattr(C, "run", another_writes)
    with pytest.raises(OutputError, match="File exists"):
        export(models.network("scale", "float32"), tmp_path / "network.c")
    assert [path.name for path in tmp_path.iterdir()] == ["network.h"]
    assert (tmp_path / "network.h").read_text() == "mine"


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"second file is called 'network\.h' too; give a name that ends in \.c"):
        export(models.network("scale", "float32"), tmp_path / "network.h", target="c")
    assert list(tmp_path.iterdir()) == []
