"""What each operation of an export graph is in SQL: expressions of columns, one for each number."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import singledispatch

import numpy as np

from pellucid import normal
from pellucid.export.graph import (
    Above,
    Activate,
    Affine,
    Blend,
    Cast,
    Circle,
    Clip,
    Code,
    Complement,
    Curves,
    Days,
    GroupedAffine,
    Join,
    Largest,
    Lookup,
    Missing,
    Normalize,
    Operation,
    Scale,
    Select,
    Sign,
    Squeeze,
    Sum,
    Waves,
)
from pellucid.export.targets.sql.statement import Statement, Term, added, number, text_literal
from pellucid.layers.base import Array
from pellucid.tabular.encodings import DAYS_IN_400_YEARS, FIRST_LEVEL, MISSING
from pellucid.tabular.temperature import SMALLEST
from pellucid.tabular.values import MICROSECONDS_PER_DAY

Terms = list[Term]
OPERATIONS = frozenset(
    {
        *(Above, Activate, Affine, Blend, Cast, Circle, Clip, Code, Complement, Curves, Days, GroupedAffine, Join),
        *(Largest, Lookup, Missing, Normalize, Scale, Select, Sign, Squeeze, Sum, Waves),
    }
)


@singledispatch
def write(operation: Operation, s: Statement, *x: Terms) -> Terms:
    """Add an operation on values, lists of terms, to a statement; return its value."""
    raise NotImplementedError(type(operation).__name__)


@write.register
def _(o: Missing, s: Statement, x: Terms) -> Terms:
    return [s.add(f"CASE WHEN {x[0]} IS NULL THEN 1e0 ELSE 0e0 END", x)]


@write.register
def _(o: Squeeze, s: Statement, x: Terms) -> Terms:
    if o.scale == 0:
        return [Term("(0e0)", 0)]
    u = s.add(f"(0.5e0 * {x[0]} - {_n(0.5 * o.center)}) / {_n(0.5 * o.scale)} / 3e0", x)
    ends = f"WHEN {u} > {_n(2.0**30)} THEN 3e0 WHEN {u} < {_n(-(2.0**30))} THEN -3e0"
    return [s.add(f"CASE WHEN {u} IS NULL THEN 0e0 {ends} ELSE 3e0 * ({u} / sqrt(1e0 + {u} * {u})) END", [u])]


@write.register
def _(o: Sign, s: Statement, x: Terms) -> Terms:
    return [s.add(f"CASE WHEN {x[0]} IS NULL THEN 0e0 ELSE 2e0 * {x[0]} - 1e0 END", x)]


@write.register
def _(o: Days, s: Statement, x: Terms) -> Terms:
    return [s.add(f"{x[0]} / {_n(MICROSECONDS_PER_DAY)}", x)]


@write.register
def _(o: Circle, s: Statement, x: Terms) -> Terms:
    day = _n(MICROSECONDS_PER_DAY)
    count, length = {
        "year": (f"400e0 * floor({x[0]} / {day})", DAYS_IN_400_YEARS),
        "week": (f"floor({x[0]} / {day}) + 3e0", 7),
        "day": (f"{x[0]}", MICROSECONDS_PER_DAY),
    }[o.period]
    place = s.add(count, x)
    turns = s.add(f"({place} - {_n(length)} * floor({place} / {_n(length)})) / {_n(length)}", [place])
    waves = (f"{function}({_n(2 * math.pi)} * {turns})" for function in ("sin", "cos"))
    return [s.add(f"CASE WHEN {turns} IS NULL THEN 0e0 ELSE {wave} END", [turns]) for wave in waves]


@write.register
def _(o: Code, s: Statement, x: Terms) -> Terms:
    known = [f"WHEN {text_literal(text)} THEN {_n(MISSING)}" for text in o.missing]
    known += [f"WHEN {text_literal(text)} THEN {_n(code)}" for code, text in enumerate(o.levels, FIRST_LEVEL)]
    return [s.add(f"CASE {x[0]} {' '.join(known)} ELSE 0e0 END", x)]


@write.register
def _(o: Lookup, s: Statement, x: Terms) -> Terms:
    return [_looked_up(s, x[0], column) for column in o.table.T]


def _looked_up(s: Statement, code: Term, column: Array) -> Term:
    values, counts = np.unique(column, return_counts=True)
    usual = values[counts.argmax()]
    others = [f"WHEN {_n(index)} THEN {_n(value)}" for index, value in enumerate(column) if value != usual]
    return (
        s.add(f"CASE {code} {' '.join(others)} ELSE {_n(usual)} END", [code]) if others else Term(f"({_n(usual)})", 0)
    )


@write.register
def _(o: Join, s: Statement, *parts: Terms) -> Terms:
    return [term for part in parts for term in part]


@write.register
def _(o: Select, s: Statement, x: Terms) -> Terms:
    return x[o.start : o.start + o.size]


@write.register
def _(o: Cast, s: Statement, x: Terms) -> Terms:
    return x


@write.register
def _(o: Affine, s: Statement, x: Terms) -> Terms:
    return [_weighted(s, x, weights, bias) for weights, bias in zip(o.weight.T, o.bias, strict=True)]


@write.register
def _(o: GroupedAffine, s: Statement, x: Terms) -> Terms:
    n = o.weight.shape[1]
    groups = [x[start : start + n] for start in range(0, len(x), n)]
    return [
        _weighted(s, group, o.weight[g, :, d], o.bias[g, d])
        for g, group in enumerate(groups)
        for d in range(o.weight.shape[2])
    ]


def _weighted(s: Statement, x: Terms, weights: Sequence[float] | Array, bias: float = 0.0) -> Term:
    used = [(weight, term) for weight, term in zip(weights, x, strict=True) if weight]
    parts = [f"{_n(weight)} * {term}" for weight, term in used]
    return s.add(added([_n(bias), *parts] if bias or not parts else parts), [term for _, term in used])


@write.register
def _(o: Scale, s: Statement, x: Terms) -> Terms:
    return [_weighted(s, [term], [factor], shift) for term, factor, shift in zip(x, o.factor, o.shift, strict=True)]


@write.register
def _(o: Curves, s: Statement, x: Terms) -> Terms:
    found = []
    for j, term in enumerate(x):
        bins = [t for t in range(o.edges.shape[1]) if np.isfinite(o.edges[j, t])]
        edges = [_n(o.edges[j, t]) for t in bins]
        reached = [f"WHEN {term} >= {edges[t]} THEN" for t in bins[:0:-1]]
        place = " ".join(f"{case} {t}" for case, t in zip(reached, bins[:0:-1], strict=True))
        start = " ".join(f"{case} {edges[t]}" for case, t in zip(reached, bins[:0:-1], strict=True))
        bin_ = s.add(f"CASE {place} ELSE 0 END", [term]) if reached else Term("(0)", 0)
        beyond = s.add(f"{term} - CASE {start} ELSE {edges[0]} END" if reached else f"{term} - {edges[0]}", [term])
        for d in range(o.knots.shape[2]):
            lines = [f"WHEN {t} THEN {_n(o.knots[j, t, d])} + {beyond} * {_n(o.slopes[j, t, d])}" for t in bins]
            found.append(s.add(f"CASE {bin_} {' '.join(lines)} END", [bin_, beyond]))
    return found


@write.register
def _(o: Waves, s: Statement, x: Terms) -> Terms:
    turns = [
        _weighted(s, [x[j]], [o.frequency[j, k]], o.phase[j, k])
        for j in range(o.frequency.shape[0])
        for k in range(o.frequency.shape[1])
    ]
    return [s.add(f"cos({_n(2 * math.pi)} * ({t} - floor({t} + 0.5e0)))", [t]) for t in turns]


@write.register
def _(o: Normalize, s: Statement, x: Terms) -> Terms:
    n = _n(len(x))
    mean = s.add(f"({added([str(term) for term in x])}) / {n}", x)
    centered = [s.add(f"{term} - {mean}", [term, mean]) for term in x]
    variance = f"({added([f'{term} * {term}' for term in centered])}) / {n}"
    deviation = s.add(f"sqrt({variance} + {_n(o.epsilon)})", centered)
    return [s.add(f"{term} / {deviation}", [term, deviation]) for term in centered]


@write.register
def _(o: Activate, s: Statement, x: Terms) -> Terms:
    if o.function == "softmax":
        return _softmax(s, x)
    return [FUNCTIONS[o.function](s, term, o.parameter) for term in x]


def _softmax(s: Statement, x: Terms) -> Terms:
    top = _top(s, x)
    e = [s.add(f"exp({term} - {top})", [term, top]) for term in x]
    total = s.add(added([str(term) for term in e]), e)
    return [s.add(f"{term} / {total}", [term, total]) for term in e]


def _top(s: Statement, x: Terms) -> Term:
    """Return the largest, found in pairs; SQL has no one function for it."""
    while len(x) > 1:
        pairs = [x[start : start + 2] for start in range(0, len(x), 2)]
        x = [
            s.add(f"CASE WHEN {pair[0]} >= {pair[1]} THEN {pair[0]} ELSE {pair[1]} END", pair)
            if len(pair) == 2
            else pair[0]
            for pair in pairs
        ]
    return x[0]


Function = Callable[[Statement, Term, float], Term]
EXPM1 = "2e0 * sinh(0.5e0 * {x}) * exp(0.5e0 * {x})"  # exp x - 1 for x from -40 to 0, to the last digits
E = "exp(-abs({x}))"
LOGARITHM = f"CASE WHEN {{x}} > 0e0 THEN ln({{x}}) ELSE {number(math.log(SMALLEST))} END"


def _plain(template: str) -> Function:
    return lambda s, x, parameter: s.add(template.format(x=x, p=number(parameter)), [x])


def _mish(s: Statement, x: Term, parameter: float) -> Term:
    e = s.add(E.format(x=x), [x])
    above = f"(1e0 + 2e0 * {e}) / (1e0 + 2e0 * {e} + 2e0 * {e} * {e})"
    below = f"{e} * ({e} + 2e0) / ({e} * ({e} + 2e0) + 2e0)"
    return s.add(f"{x} * CASE WHEN {x} >= 0e0 THEN {above} ELSE {below} END", [x, e])


def _gelu(s: Statement, x: Term, parameter: float) -> Term:
    """Return x Φ(x), with Φ by the rational functions that `pellucid.normal.cdf` names."""
    z = s.add(f"CASE WHEN abs({x}) > 40e0 THEN 40e0 ELSE abs({x}) END", [x])
    square = s.add(f"{z} * {z}", [z])
    bell = s.add(f"exp(-0.5e0 * {square})", [square])
    middle = f"0.5e0 - {z} * {_ratio(normal.CDF_MIDDLE, square)}"
    inverse = s.add(f"1e0 / CASE WHEN {z} > 1e0 THEN {square} ELSE 1e0 END", [z, square])
    side = f"{bell} * {_ratio(normal.CDF_SIDE, z)}"
    far = f"{bell} * ({_n(1 / math.sqrt(2 * math.pi))} - {inverse} * {_ratio(normal.CDF_FAR, inverse)}) / {z}"
    cases = f"WHEN {z} <= 0.67448975e0 THEN {middle} WHEN {square} <= 32e0 THEN {side} ELSE {far}"
    tail = s.add(f"CASE {cases} END", [z, square, bell, inverse])
    return s.add(f"{x} * CASE WHEN {x} > 0e0 THEN 1e0 - {tail} ELSE {tail} END", [x, tail])


def _ratio(fraction: tuple[Sequence[float], Sequence[float]], x: Term) -> str:
    return " / ".join(_polynomial(coefficients, x) for coefficients in fraction)


def _polynomial(coefficients: Sequence[float], x: Term) -> str:
    """Return Horner's rule."""
    found = _n(coefficients[0])
    for coefficient in coefficients[1:]:
        found = f"({found} * {x} + {_n(coefficient)})"
    return found


FUNCTIONS: dict[str, Function] = {
    "exp": _plain("exp({x})"),
    "log": _plain(LOGARITHM),
    "log_odds": _plain(f"{LOGARITHM} - {LOGARITHM.format(x='(1e0 - {x})')}"),
    "sigmoid": _plain("CASE WHEN {x} >= 0e0 THEN 1e0 / (1e0 + exp(-{x})) ELSE exp({x}) / (1e0 + exp({x})) END"),
    "tanh": _plain("tanh({x})"),
    "relu": _plain("CASE WHEN {x} > 0e0 THEN {x} ELSE 0e0 END"),
    "leaky_relu": _plain("CASE WHEN {x} > 0e0 THEN {x} ELSE {p} * {x} END"),
    "elu": _plain(f"CASE WHEN {{x}} > 0e0 THEN {{x}} WHEN {{x}} < -40e0 THEN -{{p}} ELSE {{p}} * {EXPM1} END"),
    "selu": _plain(
        "CASE WHEN {x} > 0e0 THEN 1.0507009873554805e0 * {x} WHEN {x} < -40e0 THEN -1.7580993408473766e0 "
        f"ELSE 1.7580993408473766e0 * {EXPM1} END"
    ),
    "gelu": _gelu,
    "silu": _plain("CASE WHEN {x} >= 0e0 THEN {x} / (1e0 + exp(-{x})) ELSE {x} * exp({x}) / (1e0 + exp({x})) END"),
    "mish": _mish,
    # 2 atanh(e / (2 + e)) is log(1 + e)
    "softplus": _plain(f"CASE WHEN {{x}} > 0e0 THEN {{x}} ELSE 0e0 END + 2e0 * atanh({E} / (2e0 + {E}))"),
}


@write.register
def _(o: Blend, s: Statement, x: Terms, y: Terms) -> Terms:
    return [s.add(f"{a} + {_n(share)} * ({b} - {a})", [a, b]) for a, b, share in zip(x, y, o.blend, strict=True)]


@write.register
def _(o: Sum, s: Statement, *parts: Terms) -> Terms:
    return [_weighted(s, list(terms), o.weights) for terms in zip(*parts, strict=True)]


@write.register
def _(o: Clip, s: Statement, x: Terms) -> Terms:
    found = []
    for term, low, high in zip(x, o.low, o.high, strict=True):
        ends = [f"WHEN {term} {sign} {_n(end)} THEN {_n(end)}" for sign, end in (("<", low), (">", high))]
        found.append(s.add(f"CASE {' '.join(ends)} ELSE {term} END", [term]))
    return found


@write.register
def _(o: Complement, s: Statement, x: Terms) -> Terms:
    return [s.add(f"1e0 - {x[0]}", x), *x]


@write.register
def _(o: Largest, s: Statement, x: Terms) -> Terms:
    top = _top(s, x)
    cases = [f"WHEN {term} = {top} THEN {index}" for index, term in enumerate(x)]
    return [s.add(f"CASE {' '.join(cases)} END", [*x, top])]


@write.register
def _(o: Above, s: Statement, x: Terms) -> Terms:
    return [s.add(f"CASE WHEN {term} > {_n(o.threshold)} THEN 1 ELSE 0 END", [term]) for term in x]


_n = number
