"""A symbol is the name of a quantity as mathematics writes it: in plain text, ``∂L/∂W¹``, and in LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_SUBSCRIPTS = dict(zip("0123456789ijklmnpst", "₀₁₂₃₄₅₆₇₈₉ᵢⱼₖₗₘₙₚₛₜ", strict=True))
_HEADS = {
    "α": r"\alpha", "β": r"\beta", "γ": r"\gamma", "δ": r"\delta", "ε": r"\varepsilon", "η": r"\eta",
    "ζ": r"\zeta", "θ": r"\theta", "κ": r"\kappa", "λ": r"\lambda", "μ": r"\mu", "ν": r"\nu", "ξ": r"\xi", "π": r"\pi",
    "ρ": r"\rho", "σ": r"\sigma", "τ": r"\tau", "χ": r"\chi", "ψ": r"\psi", "ω": r"\omega",
    "ℓ": r"\ell", "Ξ": r"\Xi", "Ω": r"\Omega", "Ẽ": r"\tilde{E}", "‖g‖": r"\lVert g \rVert",
    "X̂": r"\hat{X}", "X̃": r"\tilde{X}", "Ỹ": r"\tilde{Y}", "T̃": r"\tilde{T}", "ḡ": r"\bar{g}", "g_max": r"g_{\max}",
}  # fmt: skip
_PRIME = r"\prime"


@dataclass(frozen=True)
class Symbol:
    """``text`` without indices, and the pieces of its LaTeX: ``before head^{superscript}_{indices} after``.

    >>> W = Symbol.of("W", 1)
    >>> W.slope("L").with_indices(["i", "j"]), W.new.latex_with_indices(["1", "2"])
    ('∂L/∂W¹ᵢⱼ', 'W^{1\\\\prime}_{12}')
    """

    text: str
    head: str
    superscript: str = ""
    before: str = ""
    after: str = ""

    @classmethod
    def of(cls, letter: str, number: int | None = None) -> Symbol:
        """Return a letter, with the number of its layer as a superscript."""
        if number is None:
            return cls(letter, _head(letter))
        return cls(letter + str(number).translate(_SUPERSCRIPTS), _head(letter), str(number))

    def slope(self, of: str, through: str = "") -> Symbol:
        """Return the symbol of the derivative of ``of`` by this, or of the part of it that goes ``through`` a layer."""
        text, before, after = (
            f"∂{of}/∂{self.text}",
            rf"\frac{{\partial {of}}}{{\partial {self.before}",
            f"{self.after}}}",
        )
        if through:
            text, before = f"{text}|{through}", rf"\left.{before}"
            after = rf"{after}\right|_{{\text{{{_escaped(through)}}}}}"
        return Symbol(text, self.head, self.superscript, before, after)

    @property
    def new(self) -> Symbol:
        """The symbol of the value after the step."""
        return replace(self, text=self.text + "′", superscript=self.superscript + _PRIME)

    def belonging_to(self, other: Symbol) -> Symbol:
        """Return the symbol of a quantity that another one has, such as its momentum: ``m(W¹)``."""
        return Symbol(f"{self.text}({other.text})", f"{self.latex_with_indices([])}({other.latex_with_indices([])})")

    def with_indices(self, indices: Sequence[str]) -> str:
        """Return the text with indices: subscripts where each is one letter or digit, else brackets."""
        if not indices:
            return self.text
        if all(index in _SUBSCRIPTS for index in indices):
            return self.text + "".join(_SUBSCRIPTS[index] for index in indices)
        return f"{self.text}[{', '.join(indices)}]"

    def latex_with_indices(self, indices: Sequence[str]) -> str:
        """Return the LaTeX with indices."""
        joint = "" if all(len(index) == 1 for index in indices) else ", "
        above = f"^{{{self.superscript}}}" if self.superscript else ""
        below = f"_{{{joint.join(indices)}}}" if indices else ""
        return f"{self.before}{self.head}{above}{below}{self.after}"

    def __str__(self) -> str:
        return self.text


def subscript(index: str) -> str:
    """Return an index as a subscript; where there is no such sign, in brackets.

    >>> subscript("k"), subscript("12")
    ('ₖ', '₁₂')
    """
    return "".join(_SUBSCRIPTS[sign] for sign in index) if set(index) <= set(_SUBSCRIPTS) else f"[{index}]"


def _head(letter: str) -> str:
    """Return a letter in LaTeX; where it ends in subscript digits, with a subscript."""
    bare = letter.rstrip("₀₁₂₃₄₅₆₇₈₉")
    below = "".join(str("₀₁₂₃₄₅₆₇₈₉".index(digit)) for digit in letter[len(bare) :])
    head = _HEADS.get(bare) or (bare if len(bare) == 1 else rf"\mathrm{{{_escaped(bare)}}}")
    return f"{head}_{{{below}}}" if below else head


def _escaped(text: str) -> str:
    """Return a text with plain digits for superscripts, and its underscores escaped."""
    return text.translate(_DIGITS).replace("_", r"\_")
