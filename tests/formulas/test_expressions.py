"""Expressions: what is written is what is computed, cell by cell and as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pellucid.formulas import (
    Constant,
    Entry,
    Expression,
    Index,
    Lookup,
    Place,
    Placed,
    Symbol,
    choose,
    evaluate,
    expand,
    function,
    max_over,
    same,
    sum_over,
)
from pellucid.formulas.matrices import matrix_form
from pellucid.formulas.writing import Latex, Text
from pellucid.random import Random
from tests.tolerances import rounding


def entry(letter: str, *shape: int, seed: int = 1) -> Entry:
    return Entry(Symbol.of(letter), Random(seed).normal(shape))


A, B, V, S = entry("A", 3, 4), entry("B", 4, 2, seed=2), entry("v", 4, seed=3), entry("s", seed=4)
CODES = Entry(Symbol.of("c"), np.array([[2.0], [0.0], [2.0]]))
T = entry("T", 3, 2, seed=5)
R, J, K = Index("i", 3), Index("j", 2), Index("k", 4)
a, b, v, t = A.value, B.value, V.value, T.value

CASES: dict[str, tuple[tuple[Index, ...], Expression, Any, str]] = {
    "a product": ((R, J), sum_over(K, A[R, K] * B[K, J]), a @ b, "Yᵢⱼ = Σₖ Aᵢₖ Bₖⱼ"),
    "a transposed sum": ((J, R), sum_over(K, A[R, K] * B[K, J]), (a @ b).T, "Yⱼᵢ = Σₖ Aᵢₖ Bₖⱼ"),
    "a constant within a sum": ((R,), sum_over(K, Constant(2, "λ")) + A[R, 0], 8 + a[:, 0], "Yᵢ = Σₖ λ + Aᵢ₁"),
    "a maximum": ((R,), max_over(K, A[R, K]), a.max(axis=1), "Yᵢ = maxₖ Aᵢₖ"),
    "signs": ((K,), -(V[K] - 1) - (2 - V[K]), -(v - 1) - (2 - v), "Yₖ = −(vₖ − 1) − (2 − vₖ)"),
    "a quotient": ((K,), V[K] / (V[K] ** 2 + 1) / 2, v / (v**2 + 1) / 2, "Yₖ = vₖ / (vₖ² + 1) / 2"),
    "a choice": (
        (K,),
        choose(V[K] > 0, V[K], function("exp", V[K]) - 1),
        np.where(v > 0, v, np.exp(v) - 1),
        "Yₖ = {vₖ if vₖ > 0, else e^(vₖ) − 1}",
    ),
    "a column further on": ((R, J), A[R, J + 2] * S.scalar, a[:, 2:] * S.value, "Yᵢⱼ = A[i, j + 2] s"),
    "a row by its code": ((R, J), T[Lookup(CODES[R, 0]), J], t[[2, 0, 2]], "Yᵢⱼ = T[cᵢ₁ + 1, j]"),
    "rows of a code": (
        (k3 := Index("k", 3), J),
        sum_over(R, choose(same(CODES[R, 0], Place(k3)), A[R, J], 0)),
        np.stack([a[1, :2], np.zeros(2), a[0, :2] + a[2, :2]]),
        "Yₖⱼ = Σᵢ {Aᵢⱼ if cᵢ₁ = k − 1, else 0}",
    ),
    "laid side by side": (
        (R, n6 := Index("n", 6)),
        Placed(((0, A), (4, T)), (R, n6)),
        np.hstack([a, t]),
        "Yᵢₙ = [A, T]ᵢₙ",
    ),
    "laid over each other": (
        (R, K),
        Placed(((0, A), (1, T)), (R, K)),
        a + np.pad(t, ((0, 0), (1, 1))),
        "Yᵢₖ = [A in columns 1 to 4 plus T in columns 2 to 3]",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_arrays_cells_and_text_say_the_same(case: str) -> None:
    at, formula, expected, text = CASES[case]
    np.testing.assert_allclose(evaluate(formula, at), expected, rtol=0, atol=rounding(8, scale=4))
    made = Entry(Symbol.of("Y"), np.asarray(expected)).equals(at, formula)
    for cell in np.ndindex(made.shape):
        for most_terms in (None, 3):
            found = evaluate(made.expand(*cell, most_terms=most_terms))
            assert found == pytest.approx(expected[cell], abs=rounding(8, scale=4))
        assert Text().arithmetic(made, cell).startswith("Y")
    assert Text().equation(made) == text
    assert Latex().equation(made).isascii()


def test_a_sum_is_written_term_by_term_and_shortened() -> None:
    made = Entry(Symbol.of("L"), np.asarray(v.sum())).equals((), sum_over(K, V[K]))
    assert Text().arithmetic(made, ()).startswith("L = v₁ + v₂ + v₃ + v₄ = ")
    short = Text(most_terms=3, digits=17).arithmetic(made, ())
    assert short.startswith("L = v₁ + v₂ + [2 more terms] = ")
    rest = short.split("[2 more terms: ")[1].split("]")[0]
    assert float(rest.replace("−", "-")) == pytest.approx(v[2:].sum(), abs=rounding(2))


def test_an_index_that_nothing_runs_over_is_a_mistake() -> None:
    with pytest.raises(AssertionError, match="index j that nothing runs over"):
        evaluate(A[R, J], (R,))
    with pytest.raises(KeyError):
        expand(A[R, J], {R: 0})


MATRICES = {
    "A B + v": ((R, J), sum_over(K, A[R, K] * B[K, J]) + T[0, J], None),
    "product": ((R, J), sum_over(K, A[R, K] * B[K, J]), "Y = A B"),
    "left transposed": ((K, J), sum_over(R, A[R, K] * T[R, J]), "Y = Aᵀ T"),
    "right transposed": ((R, K), sum_over(J, T[R, J] * B[K, J]), "Y = T Bᵀ"),
    "the other way around": ((J, R), sum_over(K, A[R, K] * B[K, J]), None),
    "elementwise": ((R, K), (1 - A[R, K]) * A[R, K] * V[K] / 2, "Y = (1 − A) ⊙ A ⊙ v / 2"),
    "a scale": ((R, K), Constant(0.1, "η") * A[R, K] - S.scalar * A[R, K], "Y = η A − s A"),
    "a transposed cell": ((R, Index("k", 3)), A[R, 0] + 0, None),
}


@pytest.mark.parametrize("case", MATRICES)
def test_the_matrix_form_is_read_off_or_there_is_none(case: str) -> None:
    at, formula, expected = MATRICES[case]
    made = Entry(Symbol.of("Y"), evaluate(formula, at)).equals(at, formula)
    assert matrix_form(made) == expected
    assert (matrix_form(made, latex=True) is None) == (expected is None)


def test_symbols_have_places_for_their_indices() -> None:
    W = Symbol.of("W", 12)
    assert W.text == "W¹²"
    assert W.with_indices(["1", "2"]) == "W¹²₁₂"
    assert W.with_indices(["10", "2"]) == "W¹²[10, 2]"
    assert W.latex_with_indices(["10", "2"]) == "W^{12}_{10, 2}"
    assert W.slope("L").new.latex_with_indices(["i"]) == r"\frac{\partial L}{\partial W^{12\prime}_{i}}"
    moment = Symbol.of("m").belonging_to(W).new
    assert (moment.text, moment.latex_with_indices(["1", "2"])) == ("m(W¹²)′", r"m(W^{12})^{\prime}_{12}")
    part = Symbol.of("A", 1).slope("L", through="R²")
    assert part.latex_with_indices(["i"]) == r"\left.\frac{\partial L}{\partial A^{1}_{i}}\right|_{\text{R2}}"
    assert Symbol.of("β₁").latex_with_indices([]) == r"\beta_{1}"
