"""An ejected page and the ledger call a quantity by the same symbol."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from pellucid.insight import eject, trace
from pellucid.layers import (
    ActivationLayer,
    BatchNorm,
    Columns,
    Dense,
    Dropout,
    Embedding,
    LayerNorm,
    Residual,
    Scale,
)
from pellucid.network import Network


def test_the_page_has_the_symbols_of_the_ledger(tmp_path: Path) -> None:
    parts = {"numbers": (0, 2, [Scale(), LayerNorm()]), "color": (2, 3, Embedding(4, 2))}
    inside = [Dense(5), BatchNorm(), "gelu", Dropout(0.2), Dense(4), "relu", "tanh"]
    network = Network(
        [Columns(parts), Residual(inside), ActivationLayer("silu", parametric=True), Dense(2)], n_inputs=3
    )
    rows, targets = np.column_stack([np.ones((6, 2)), np.arange(6) % 4]), np.ones((6, 2))
    text = eject(network, tmp_path / "page.py", training=True, X=rows, y=targets, loss="squared_error", epochs=1)
    (step,) = trace(network, rows, targets, loss="squared_error")
    digits = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
    layers_own = [entry for entry in step.entries if entry.source.startswith("layer ") and "∂" not in entry.symbol.text]
    symbols = {entry.symbol.text.translate(digits) for entry in layers_own if "′" not in entry.symbol.text}
    assert len(symbols) > 25
    lacking = {name for name in symbols if not re.search(rf"(^|\W){re.escape(name)} = ", text)}
    assert {name[0] for name in lacking} <= {"μ", "v"}  # the page computes the statistics inside another line
