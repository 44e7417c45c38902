"""Products take over the activation after them, and its slope on the way back; what others read stays."""

from __future__ import annotations

import numpy as np

from pellucid.engine.plan import Plan, plan_training
from pellucid.engine.records import Code, Operation
from pellucid.layers import Dense, Residual
from pellucid.losses import SquaredError
from pellucid.network import Network
from pellucid.optimizers import SGD


def operations(network: Network) -> tuple[list[Operation], list[Operation]]:
    plan = plan_training(network, 4, SquaredError(), np.zeros((4, network.n_outputs)), SGD())
    assert isinstance(plan, Plan)
    program = plan.program
    return (
        _copies(program.forward, program.n_forward),
        _copies(program.backward, program.n_backward),
    )


def _copies(start: int, count: int) -> list[Operation]:
    return [Operation.from_buffer_copy(o) for o in (Operation * count).from_address(start)]


def codes(found: list[Operation]) -> list[str]:
    return [Code(o.code).name for o in found]


def test_a_sigmoid_network_is_products_and_sums() -> None:
    forward, backward = operations(Network([Dense(3), "sigmoid", Dense(1)], n_inputs=2, rng=0))
    assert codes(forward) == ["PRODUCT_FORWARD"] * 2
    assert codes(backward) == ["PRODUCT_INPUT", *["COLUMN_SUM", "PRODUCT_WEIGHT"] * 2]


def test_z_is_written_only_where_the_slope_needs_it() -> None:
    for activation, in_place in (("relu", True), ("gelu", False)):
        forward, _ = operations(Network([Dense(3), activation, Dense(1)], n_inputs=2, rng=0))
        assert (forward[0].operands[2].offset == forward[0].operands[4].offset) is in_place


def test_a_gradient_that_a_residual_reads_again_is_kept() -> None:
    _, backward = operations(Network([Dense(2), Residual([Dense(2), "tanh"]), Dense(1)], n_inputs=2, rng=0))
    assert "ACTIVATE_BACKWARD" in codes(backward)
