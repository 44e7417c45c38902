"""What the entries of every ledger must do, checked by an evaluator of the tests' own over the formulas' JSON trees."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from pellucid.formulas import Entry, Symbol
from pellucid.insight import Trace
from pellucid.insight.ledger.calls import Calls
from pellucid.insight.ledger.document import tree
from pellucid.insight.ledger.recording import Recording, Setting, note_passage
from pellucid.insight.ledger.view import Shown, View
from pellucid.layers.base import walk
from pellucid.losses import SquaredError
from pellucid.network import Network
from pellucid.optimizers import SGD
from pellucid.random import Random
from pellucid.training.history import TrainingState
from pellucid.training.samples import Samples
from tests.tolerances import difference, rounding

Cells = Mapping[str, Any]

FUNCTIONS = {
    "exp": lambda x: math.exp(x) if x < 709 else math.inf,
    "log": math.log,
    "sqrt": math.sqrt,
    "tanh": math.tanh,
    "cos": math.cos,
    "sin": math.sin,
    "abs": abs,
    "sign": lambda x: (x > 0) - (x < 0),
    "max": max,
    "min": min,
    "Φ": lambda x: math.erfc(-x / math.sqrt(2)) / 2,
    "φ": lambda x: math.exp(-x * x / 2) / math.sqrt(2 * math.pi),
}
OPERATIONS = {
    "+": lambda *terms: math.fsum(terms),
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
    "negative": lambda a: -a,
}
RELATIONS = {">": lambda a, b: a > b, "<": lambda a, b: a < b, "=": lambda a, b: a == b}


def computed(formula: Any, at: dict[str, int], cells: Cells) -> float:
    """Return what a formula's JSON tree comes to, from the numbers of the cells that it names."""

    def value(part: Any) -> float:
        return computed(part, at, cells)

    def position(where: Any) -> int:
        if isinstance(where, str):
            return at[where]
        if isinstance(where, dict):
            return int(value(where["lookup"])) if "lookup" in where else at[where["index"]] + where["plus"]
        return int(where)

    if "constant" in formula:
        return float(formula["constant"])
    if "place" in formula:
        return float(position(formula["place"]))
    if "cell" in formula:
        return float(cells[formula["cell"]][tuple(position(where) for where in formula["at"])])
    if "operation" in formula:
        return float(OPERATIONS[formula["operation"]](*map(value, formula["of"])))
    if "function" in formula:
        return float(FUNCTIONS[formula["function"]](*map(value, formula["of"])))
    if "reduce" in formula:
        terms = [computed(formula["of"], {**at, formula["over"]: k}, cells) for k in range(formula["size"])]
        return math.fsum(terms) if formula["reduce"] == "Σ" else max(terms)
    if "if" in formula:
        left, relation, right = formula["if"]
        return value(formula["then"] if RELATIONS[relation](value(left), value(right)) else formula["else"])
    row, column = (position(where) for where in formula["at"])
    pieces = [(column - start, cells[name][row]) for start, name in formula["placed"]]
    return math.fsum(piece[k] for k, piece in pieces if 0 <= k < len(piece))


def check_entries(
    entries: Iterable[Entry], given: Iterable[Entry] = (), drawn: str = "", dtype: Any = np.float64
) -> None:
    """Every entry has a formula (but those named in ``drawn``), which gives every one of its cells back."""
    entries = list(entries)
    known = [*given, *entries]
    for entry in entries:
        known += [operand for operand in entry.operands if operand not in known]
    names = [entry.symbol.text for entry in known]
    assert len(set(names)) == len(names), "two entries have one symbol"
    cells = {entry.symbol.text: entry.value for entry in known}
    finite = [np.abs(entry.value[np.isfinite(entry.value)]).max(initial=0.0) for entry in known]
    length = max(entry.value.size for entry in known)
    tolerance = rounding(length, dtype, scale=8 * max(1.0, *map(float, finite)))  # a formula has up to eight operations
    for entry in entries:
        if entry.formula is None:
            assert entry.symbol.text[0] in drawn, f"{entry.symbol} has no formula"
            continue
        formula = tree(entry.formula)
        for cell in np.ndindex(entry.shape):
            at = {index.letter: k for index, k in zip(entry.at, cell, strict=True)}
            found = computed(formula, at, cells)
            assert abs(found - float(entry.value[cell])) <= tolerance, f"{entry.symbol} at {cell}: {found}"


def check_trace(found: Trace, drawn: str = "", dtype: Any = np.float64) -> None:
    """The ledger's entries give each other back, and its slopes agree with finite differences."""
    for step in found:
        operands = {operand for entry in step.entries for operand in entry.operands}
        made = [
            entry
            for entry in step.entries
            if entry.formula is not None or entry.replaces is not None or entry.symbol.text[0] in "∂ℓLJΩ"
        ]
        others = [entry for entry in step.entries if entry not in made]
        assert set(others) <= operands | set(step.sections[0].entries), "an entry is neither explained nor used"
        check_entries(made, others, drawn, dtype)
        for section in step.sections:
            for shown in (Shown(View(most=None, differences=True), step, entry) for entry in section.entries):
                assert shown.agrees, f"{shown.entry.symbol}: {shown.verdict}"
        for name in step.recording.network.named_parameters:
            of = [entry for entry in step.entries if entry.name == name]
            assert any(entry.replaces in of for entry in of), f"{name} is not updated"


def check_differences(found: Trace, codes: bool = False) -> int:
    """Beside every slope of the loss, in every cell, stands its difference; returns how many cells.

    codes : whether there are codes of categories, which have no neighbors to difference with: their slope is 0
    """
    n_cells = 0
    for step in found:
        scale = max([abs(step.recording.loss), *(np.abs(e.value).max() for e in step.entries if e.value.size)])
        for entry in step.entries:
            if entry.symbol.text.startswith("∂"):
                shown = Shown(View(most=None, differences=True), step, entry)
                assert shown.differences is not None, f"{entry.symbol} has no differences"
                differences = np.array(shown.differences, dtype=float).reshape(entry.shape)
                kinks = {cell for cell, _ in shown.kinks}
                for cell in np.ndindex(entry.shape):
                    if codes and np.isnan(differences[cell]) and entry.value[cell] == 0:
                        continue
                    off = abs(differences[cell] - entry.value[cell])
                    assert off <= difference(float(scale)) or cell in kinks, f"{entry.symbol} at {cell}: off by {off}"
                    n_cells += 1
    return n_cells


def explained(network: Network, x: Any, training: bool, rng: Random) -> tuple[list[Entry], list[Entry]]:
    """Return the entries of a network's layers for rows that go through and back, and what they were given."""
    setting = Setting(network, SquaredError(), SGD(), None, {}, 1, None, None)
    state = TrainingState(0, 1, parameters=network.parameters.copy(), buffers=network.buffers.copy())
    made = Recording(setting, network, Samples(x, np.zeros((len(x), 1), x.dtype), None), state)
    for path, layer in walk(network.chain):
        note_passage(made, path, layer)
    y, cache = network.chain.forward(x, training=training, rng=rng)
    dy = Random(10).normal(y.shape).astype(y.dtype)
    network.chain.backward(dy, cache)
    network.apply_buffer_updates(cache)
    X = Entry(Symbol.of("X"), x)
    calls = Calls(made, X)
    forward, back = network.chain.explain(calls.top)
    return [*forward, *back], [X, calls.top_slope, *calls.parameters.values(), *calls.buffers.values()]
