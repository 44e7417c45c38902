"""The contract of layers, on every registered layer: alone, in a network, and inside the layers that hold layers."""

from __future__ import annotations

import pytest

from pellucid.layers import Layer
from tests.contracts.examples import LayerExample, enrolled
from tests.contracts.layer_checks import CHECKS


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("example", enrolled(Layer))
def test_layer(example: LayerExample, check: str) -> None:
    CHECKS[check](example)


HELD = ["gradient, training", "no rows", "purity", "dtype", "differences", "ledger, training"]


@pytest.mark.parametrize("check", HELD)
@pytest.mark.parametrize("holder", ["Chain", "Columns"])
@pytest.mark.parametrize("example", enrolled(Layer))
def test_layer_inside_another(example: LayerExample, holder: str, check: str) -> None:
    CHECKS[check](example.inside(holder))


@pytest.mark.parametrize("check", HELD)
@pytest.mark.parametrize("example", [p for p in enrolled(Layer) if not p.values[0].codes])  # a shortcut adds no codes
def test_layer_inside_a_shortcut(example: LayerExample, check: str) -> None:
    CHECKS[check](example.inside("Residual"))
