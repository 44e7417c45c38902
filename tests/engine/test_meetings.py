"""Threads meet where one touches what another has written, and nowhere else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pellucid.engine.native import library
from pellucid.engine.plan import Plan, plan_training
from pellucid.engine.records import Code, Operation
from pellucid.layers import BatchNorm, Dense, Dropout
from pellucid.losses import SquaredError
from pellucid.network import Network
from pellucid.optimizers import Adam
from pellucid.training import train


def met(layers: list[Any], rows: int, n_inputs: int = 20) -> list[list[tuple[str, bool]]]:
    """Return each operation forward and backward, and whether the threads meet at its end."""
    network = Network(layers, n_inputs=n_inputs)
    plan = plan_training(network, rows, SquaredError(), np.zeros((rows, network.n_outputs)), Adam())
    assert isinstance(plan, Plan)
    lists = []
    for name in ("forward", "backward"):
        count, start = getattr(plan.program, f"n_{name}"), getattr(plan.program, name)
        operations = (Operation * count).from_address(start)
        lists.append([(Code(o.code).name, bool(o.meets)) for o in operations])
    return lists


def test_nobody_waits_from_row_to_row() -> None:
    forward, backward = met([Dense(64), "relu", Dropout(0.1), Dense(64), "gelu", Dense(2)], rows=200)
    assert [meets for _, meets in forward] == [False] * (len(forward) - 1) + [True]
    last_by_rows = max(i for i, (name, _) in enumerate(backward) if name not in {"COLUMN_SUM", "PRODUCT_WEIGHT"})
    first, last = (i for i, (_, meets) in enumerate(backward) if meets)
    assert last_by_rows <= first and last == len(backward) - 1


def test_columns_of_more_columns_than_rows_wait_for_all_of_the_layer_before() -> None:
    forward, _ = met([Dense(64), "relu", Dense(64), "relu", Dense(2)], rows=50)
    assert forward == [("PRODUCT_FORWARD", True)] * 3


def test_statistics_over_the_rows_wait_for_all_rows() -> None:
    forward, _ = met([Dense(5), BatchNorm(), Dense(1)], rows=50)
    assert [name for name, meets in forward if meets] == ["PRODUCT_FORWARD", "BATCH_NORM", "PRODUCT_FORWARD"]


@pytest.mark.skipif(isinstance(library(), str), reason="there is no native library")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rows", [17, 31, 120])
@pytest.mark.parametrize("sizes", [(40, 72, 33, 3), (33, 260, 5), (300, 97, 64, 1)])
def test_by_rows_and_by_columns_any_number_of_threads_gives_the_same_bits(
    sizes: tuple[int, ...], rows: int, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    n_inputs, *outputs = sizes
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((2 * rows + 3, n_inputs)), rng.standard_normal((2 * rows + 3, outputs[-1]))
    found = []
    for threads in ("1", "2", "3", "5"):
        monkeypatch.setenv("PELLUCID_THREADS", threads)
        hidden = [layer for n in outputs[:-1] for layer in (Dense(n), "silu")]
        network = Network([*hidden, Dense(outputs[-1])], n_inputs=n_inputs, rng=2, dtype=dtype)
        train(network, X, y, loss=SquaredError(), optimizer=Adam(), epochs=3, batch_size=rows, engine="native")
        found.append(network.parameters.tobytes())
    assert len(set(found)) == 1
