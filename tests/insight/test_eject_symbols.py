"""An ejected page and the ledger call a quantity by the same symbol."""

from __future__ import annotations

import ast
import re
from collections import Counter
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
    Layer,
    LayerNorm,
    Residual,
    Scale,
)
from pellucid.network import Network
from tests.contracts.examples import EXAMPLES


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


def test_no_two_quantities_of_a_network_share_a_symbol(tmp_path: Path) -> None:
    examples = [
        examples[-1] for name, examples in EXAMPLES[Layer].items() if name not in ("Chain", "Columns", "Residual")
    ]
    parts, rows = {}, []
    for index, example in enumerate(examples):
        start = sum(given.shape[1] for given in rows)
        rows.append(example.rows(8))
        parts[f"part{index}"] = (start, start + example.n_inputs, example.make())
    X, targets = np.concatenate(rows, axis=1), np.ones((8, 2))
    hidden = [Dense(5), ActivationLayer("silu", parametric=True), Residual([Dense(5), BatchNorm()]), LayerNorm()]
    network = Network([Columns(parts), *hidden, Dense(2)], n_inputs=X.shape[1], rng=0).initialize(X)
    text = eject(network, tmp_path / "page.py", training=True, X=X, y=targets, loss="squared_error", epochs=1)
    (step,) = trace(network, X, targets, loss="squared_error")
    symbols = Counter(entry.symbol.text for entry in step.entries)
    assert len(symbols) > 100
    assert {symbol for symbol, count in symbols.items() if count > 1} == set()
    (gradients,) = [node for node in ast.parse(text).body if getattr(node, "name", "") == "gradients"]
    names = Counter(n.id for n in ast.walk(gradients) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
    assert {name for name, count in names.items() if count > 1 and name[0] != "d"} == set()  # slopes are added up
