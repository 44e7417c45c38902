"""The templates of layers: each writes its layer's lines of the forward pass, and returns what writes the way back.

A template says in the page's words what the layer's `forward` and `backward` compute, operation by operation, so that
the numbers are the same; a contract test holds each to its layer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from pellucid.activations import Activation, Elementwise
from pellucid.errors import OptionError
from pellucid.insight.eject.functions import write_codes_of, write_dropout_mask
from pellucid.insight.eject.layout import Expression, call, list_of
from pellucid.insight.eject.tape import Backward, Tape, Value, Weight
from pellucid.layers import (
    ActivationLayer,
    BatchNorm,
    Chain,
    Columns,
    Dense,
    Dropout,
    Embedding,
    Layer,
    LayerNorm,
    PeriodicEmbedding,
    PeriodicFeatures,
    PiecewiseLinearEmbedding,
    Residual,
    Scale,
)
from pellucid.layers.base import walk
from pellucid.layers.normalization import _through_statistics
from pellucid.layers.periodic import waves
from pellucid.layers.piecewise_linear_embedding import shares
from pellucid.random import Random

Template = Callable[[Tape, Any, Value, Random], tuple[Value, Backward]]


def write(tape: Tape, layer: Layer, x: Value, address: Random) -> tuple[Value, Backward]:
    """Write a layer's lines, for input x; ``address`` is that of its random numbers.

    Raises `OptionError` for a layer without a template.
    """
    if type(layer) not in TEMPLATES:
        raise OptionError(
            f"eject: {layer!r} has no template, so it cannot be written as plain NumPy. Write one in "
            "pellucid/insight/eject/layers.py, or build the network of the library's own layers."
        )
    return TEMPLATES[type(layer)](tape, layer, x, address)


def _own(tape: Tape, layer: Layer, number: int) -> list[str]:
    """Enter a layer's arrays on the tape, in its own order, under the ledger's symbols; returns these."""
    symbols = []
    for arrays, list_ in ((layer.parameters, tape.parameters), (layer.buffers, tape.buffers)):
        list_ += [Weight(f"{layer.letters[name]}{number}", array) for name, array in arrays.items()]
        symbols += [f"{layer.letters[name]}{number}" for name in arrays]
    return symbols


def dense(tape: Tape, layer: Dense, x: Value, address: Random) -> tuple[Value, Backward]:
    """Z = X W + b."""
    k = tape.number(layer)
    W, *bias = _own(tape, layer, k)
    b, Z = "".join(bias), f"Z{k}"
    factor = repr(1 / math.sqrt(x.size)) if layer.parametrization == "ntk" else ""
    product = f"({{x}} @ {W}) * {factor}" if factor else f"{{x}} @ {W}"
    z = tape.forward(Z, f"{product} + {b}" if layer.bias else product, x, layer.n_outputs)

    def back(dZ: str, wanted: bool) -> str | None:
        if layer.bias:
            tape.backward(f"d{b}", f"{dZ}.sum(axis=0)", f"({layer.n_outputs},)")
        scaled = tape.backward(f"d{Z}s", f"{dZ} * {factor}") if factor else dZ
        tape.backward(f"d{W}", f"{x.trained}.T.dot({scaled})", f"({x.size}, {layer.n_outputs})")
        return tape.backward(f"d{x.trained}", f"{scaled} @ {W}.T", f"(n, {x.size})") if wanted else None

    return z, back


def activation(tape: Tape, layer: ActivationLayer, x: Value, address: Random) -> tuple[Value, Backward]:
    """A = f(Z), or with a blend α, A = Z + α (F - Z) with F = f(Z)."""
    function, k = layer.function, tape.number(layer)
    f = tape.sources.method(function, "value", function.name)
    A, F, α = f"A{k}", f"F{k}", "".join(_own(tape, layer, k))
    value = tape.forward(F if layer.parametric else A, f.call(z="{x}"), x, x.size)
    if layer.parametric:
        value = tape.forward(A, f"{{x}} + {α} * ({F} - {{x}})", x, x.size)

    def back(dA: str, wanted: bool) -> str | None:
        if layer.parametric:
            tape.backward(f"d{α}", f"({dA} * ({F} - {x.trained})).sum(axis=0)", f"({x.size},)")
        if not wanted:
            return None
        if not layer.parametric:
            return tape.backward(f"d{x.trained}", slope(tape, function, dA, x.trained, A), f"(n, {x.size})")
        through = slope(tape, function, f"{dA} * {α}", x.trained, F)
        return tape.backward(f"d{x.trained}", f"{dA} * (1 - {α}) + {through}", f"(n, {x.size})")

    return value, back


def slope(tape: Tape, function: Activation, da: str, z: str, a: str) -> str:
    """Return dL/dz as code."""
    if isinstance(function, Elementwise):
        f = tape.sources.method(function, "derivative", f"{function.name}_slope", "Return da/dz.", only_used=True)
        return f"{da} * {f.call(z=z, a=a)}"
    f = tape.sources.method(function, "backward", f"{function.name}_backward", "Return dz.", only_used=True)
    return f.call(da=da, z=z, a=a)


def dropout(tape: Tape, layer: Dropout, x: Value, address: Random) -> tuple[Value, Backward]:
    """D = X K with a mask K while training; nothing when predicting."""
    k = tape.number(layer)
    if layer.rate == 0:
        return x, lambda dx, wanted: dx
    K, D = f"K{k}", f"D{k}"
    if tape.training:
        tape.draws = True
        write_dropout_mask(tape.sources, tape.dtype.name)
        rate = f"{layer.rate!r} * dropout" if tape.scheduled_dropout else repr(layer.rate)
        tape.forward_training(K, f"dropout_mask({{x}}.shape, {rate}, {address.layer}, step)", x, x.size)
        tape.forward_training(D, f"{{x}} * {K}", x, x.size)

    def back(dD: str, wanted: bool) -> str | None:
        return tape.backward(f"d{x.trained}", f"{dD} * {K}", f"(n, {x.size})") if wanted else None

    return Value(x.predicted, D, x.size), back


def scale(tape: Tape, layer: Scale, x: Value, address: Random) -> tuple[Value, Backward]:
    """S = X f."""
    k = tape.number(layer)
    (f,), S = _own(tape, layer, k), f"S{k}"
    y = tape.forward(S, f"{{x}} * {f}", x, x.size)

    def back(dS: str, wanted: bool) -> str | None:
        tape.backward(f"d{f}", f"({dS} * {x.trained}).sum(axis=0)", f"({x.size},)")
        return tape.backward(f"d{x.trained}", f"{dS} * {f}", f"(n, {x.size})") if wanted else None

    return y, back


def embedding(tape: Tape, layer: Embedding, x: Value, address: Random) -> tuple[Value, Backward]:
    """E = T[k]: the row of T for each code."""
    number = tape.number(layer)
    (T,), E, k = _own(tape, layer, number), f"E{number}", f"k{number}"
    write_codes_of(tape.sources)
    tape.forward(k, f"codes_of({{x}}, {layer.n_codes})", x)
    y = tape.forward(E, f"{T}[{k}]", x, layer.size)

    def back(dE: str, wanted: bool) -> str | None:
        sums = f"[np.bincount({k}, column, minlength={layer.n_codes}) for column in {dE}.T]"
        whole = f"np.stack({sums}, axis=1)"
        shape = f"({layer.n_codes}, {layer.size})"
        tape.backward(f"d{T}", f"np.float32({whole})" if tape.dtype == "float32" else whole, shape)
        return tape.backward(f"d{x.trained}", f"np.zeros_like({x.trained})", "(n, 1)") if wanted else None

    return y, back


def periodic_embedding(tape: Tape, layer: PeriodicEmbedding, x: Value, address: Random) -> tuple[Value, Backward]:
    """P = [X, Ẽ] with Ẽ = H V + b, column by column, of the waves H = cos(2π (X f + c)); G are the sines."""
    number = tape.number(layer)
    f, c, V, b = _own(tape, layer, number)
    H, Ẽ, P = (f"{letter}{number}" for letter in ("H", "Ẽ", "P"))
    n, n_waves, size = x.size, layer.n_frequencies, layer.n_outputs
    back_to_x = _waves(tape, x, n_waves, number, f, c)
    by_wave, weights = f"{H}.reshape(-1, {n}, {n_waves})", f"{V}.reshape({n}, {n_waves}, {size})"
    mixed = f'np.einsum("ijk,jkd->ijd", {by_wave}, {weights}).reshape(-1, {n * size}) + {b}'
    tape.forward(Ẽ, mixed, x, n * size)
    y = tape.forward(P, f"np.concatenate([{{x}}, {Ẽ}], axis=1)", x, n * (size + 1))

    def back(dP: str, wanted: bool) -> str | None:
        tape.backward(f"d{Ẽ}", f"{dP}[:, {n}:]", f"(n, {n * size})")
        tape.backward(f"d{b}", f"d{Ẽ}.sum(axis=0)", f"({n * size},)")
        slopes = f"d{Ẽ}.reshape(-1, {n}, {size})"
        whole = f'np.einsum("ijk,ijd->jkd", {by_wave}, {slopes}).reshape(-1, {size})'
        tape.backward(f"d{V}", whole, f"({n * n_waves}, {size})")
        dH = tape.backward(f"d{H}", f'np.einsum("ijd,jkd->ijk", {slopes}, {weights}).reshape(-1, {n * n_waves})')
        return back_to_x(dH, dP, wanted)

    return y, back


def periodic_features(tape: Tape, layer: PeriodicFeatures, x: Value, address: Random) -> tuple[Value, Backward]:
    """P = [X, Ẽ] with Ẽ = H a + s of the waves H = cos(2π (X f + c)); G are the sines."""
    number = tape.number(layer)
    f, c, a, s = _own(tape, layer, number)
    H, Ẽ, P = (f"{letter}{number}" for letter in ("H", "Ẽ", "P"))
    n, n_waves = x.size, layer.n_frequencies
    back_to_x = _waves(tape, x, n_waves, number, f, c)
    tape.forward(Ẽ, f"{H} * {a} + {s}", x, n * n_waves)
    y = tape.forward(P, f"np.concatenate([{{x}}, {Ẽ}], axis=1)", x, n * (n_waves + 1))

    def back(dP: str, wanted: bool) -> str | None:
        tape.backward(f"d{Ẽ}", f"{dP}[:, {n}:]", f"(n, {n * n_waves})")
        tape.backward(f"d{a}", f"(d{Ẽ} * {H}).sum(axis=0)", f"({n * n_waves},)")
        tape.backward(f"d{s}", f"d{Ẽ}.sum(axis=0)", f"({n * n_waves},)")
        return back_to_x(tape.backward(f"d{H}", f"d{Ẽ} * {a}"), dP, wanted)

    return y, back


def _waves(tape: Tape, x: Value, n_waves: int, number: int, f: str, c: str) -> Callable[[str, str, bool], str | None]:
    """H and G: cosine and sine of 2π (X f + c); and from dH and dP, in which x comes first, the way back to X."""
    H, G = f"H{number}", f"G{number}"
    n, all_ = x.size, x.size * n_waves
    tape.forward(f"{H}, {G}", f"{tape.sources.function(waves)}({{x}}, {f}, {c})", x, all_)

    def back(dH: str, dP: str, wanted: bool) -> str | None:
        d_turns = tape.backward(f"dτ{number}", f"{dH} * {G} * (-2 * np.pi)", f"(n, {all_})")
        tape.backward(f"d{f}", f"({d_turns} * np.repeat({x.trained}, {n_waves}, axis=1)).sum(axis=0)", f"({all_},)")
        tape.backward(f"d{c}", f"{d_turns}.sum(axis=0)", f"({all_},)")
        if not wanted:
            return None
        through = f"({d_turns} * {f}).reshape(-1, {n}, {n_waves}).sum(axis=2)"
        return tape.backward(f"d{x.trained}", f"{dP}[:, :{n}] + {through}", f"(n, {n})")

    return back


def piecewise_linear_embedding(
    tape: Tape, layer: PiecewiseLinearEmbedding, x: Value, address: Random
) -> tuple[Value, Backward]:
    """Y = Ξ V + c, column by column, of each bin's share Ξ of the way between its edges in B."""
    number = tape.number(layer)
    V, c, B = _own(tape, layer, number)
    Ξ, Y, own, slope = (f"{word}{number}" for word in ("Ξ", "Y", "bin", "rate"))
    n, size = x.size, layer.n_outputs
    weights = f"{V}.reshape({layer.n_bins}, {n}, {size})"
    tape.forward(f"{Ξ}, {own}, {slope}", f"{tape.sources.function(shares)}({{x}}, {B})", x)
    y = tape.forward(Y, f'np.einsum("ijt,tjd->ijd", {Ξ}, {weights}).reshape(-1, {n * size}) + {c}', x, n * size)

    def back(dY: str, wanted: bool) -> str | None:
        slopes = tape.backward(f"slopes{number}", f"{dY}.reshape(-1, {n}, {size})")
        whole = f'np.einsum("ijt,ijd->tjd", {Ξ}, {slopes}).reshape({layer.n_bins}, {n * size})'
        tape.backward(f"d{V}", whole, f"({layer.n_bins}, {n * size})")
        tape.backward(f"d{c}", f"{dY}.sum(axis=0)", f"({n * size},)")
        if not wanted:
            return None
        through = f'np.einsum("ijd,ijd->ij", {slopes}, {weights}[{own}, np.arange({n})])'
        return tape.backward(f"d{x.trained}", f"{slope} * {through}", f"(n, {n})")

    return y, back


def layer_norm(tape: Tape, layer: LayerNorm, x: Value, address: Random) -> tuple[Value, Backward]:
    """N = X̂ γ + β with X̂ = (X - mean) r over the columns of each row."""
    k = tape.number(layer)
    U, r, X̂ = f"U{k}", f"r{k}", f"X̂{k}"
    tape.forward(U, "{x} - {x}.mean(axis=1, keepdims=True)", x, x.size)
    variance = f"np.square({U}).mean(axis=1, keepdims=True)"
    tape.forward(r, f"1 / np.sqrt({variance} + {layer.epsilon!r})", x, 1)
    tape.forward(X̂, f"{U} * {r}", x, x.size)
    γ, β = _own(tape, layer, k)
    return _scaled(tape, x, (f"N{k}", X̂, r, γ, β), "axis=1")


def batch_norm(tape: Tape, layer: BatchNorm, x: Value, address: Random) -> tuple[Value, Backward]:
    """N = X̂ γ + β with X̂ = (X - mean) r over the rows of the batch, or with the running M and V when predicting."""
    k = tape.number(layer)
    γ, β, M, V = _own(tape, layer, k)
    r, X̂, mean, variance = (f"{letter}{k}" for letter in ("r", "X̂", "mean", "variance"))
    tape.forward_predicting(r, f"1 / np.sqrt({V} + {layer.epsilon!r})")
    tape.forward_predicting(X̂, f"({x.predicted} - {M}) * {r}", x.size)
    if tape.training:
        tape.forward_training(mean, "{x}.mean(axis=0)", x)
        tape.forward_training(variance, f"np.square({{x}} - {mean}).mean(axis=0)", x)
        unbiased = f"{variance} * (len({{x}}) / (len({{x}}) - 1)) if len({{x}}) > 1 else {V}"
        tape.forward_training(f"unbiased{k}", unbiased, x)
        tape.running += [
            f"{M} + {layer.momentum!r} * ({mean} - {M})",
            f"{V} + {layer.momentum!r} * (unbiased{k} - {V})",
        ]
        tape.forward_training(r, f"1 / np.sqrt({variance} + {layer.epsilon!r})", x)
        tape.forward_training(X̂, f"({{x}} - {mean}) * {r}", x, x.size)
    return _scaled(tape, x, (f"N{k}", X̂, r, γ, β), "axis=0")


def _scaled(tape: Tape, x: Value, names: tuple[str, str, str, str, str], axis: str) -> tuple[Value, Backward]:
    """N = X̂ γ + β, and the way back to X through X̂ and r."""
    N, X̂, r, γ, β = names
    y = tape.forward(N, f"{X̂} * {γ} + {β}", x, x.size)

    def back(dN: str, wanted: bool) -> str | None:
        through = tape.sources.function(_through_statistics)
        tape.backward(f"d{γ}", f"({dN} * {X̂}).sum(axis=0)", f"({x.size},)")
        tape.backward(f"d{β}", f"{dN}.sum(axis=0)", f"({x.size},)")
        if not wanted:
            return None
        return tape.backward(f"d{x.trained}", f"{through}({dN} * {γ}, {X̂}, {r}, {axis})", f"(n, {x.size})")

    return y, back


def chain(tape: Tape, layer: Chain, x: Value, address: Random) -> tuple[Value, Backward]:
    """One layer after another."""
    backs: list[Backward] = []
    for index, inner in enumerate(layer.layers):
        x, back_of_layer = write(tape, inner, x, address.child(index))
        backs.append(back_of_layer)

    def back(dy: str, wanted: bool) -> str | None:
        gradient: str | None = dy
        for index in reversed(range(len(backs))):
            if gradient is not None:  # what nothing learns from is not written
                gradient = backs[index](gradient, wanted or any(map(_learns, layer.layers[:index])))
        return gradient

    return x, back


def residual(tape: Tape, layer: Residual, x: Value, address: Random) -> tuple[Value, Backward]:
    """R = X + what the layers make of X."""
    R = f"R{tape.number(layer)}"
    change, back_of_chain = chain(tape, layer, x, address)
    tape.forward_predicting(R, f"{x.predicted} + {change.predicted}", x.size)
    y = tape.forward_training(R, f"{x.trained} + {change.trained}", x, x.size)

    def back(dR: str, wanted: bool) -> str | None:
        dx = back_of_chain(dR, wanted)
        return tape.backward(f"d{x.trained}", f"{dR} + {dx}", f"(n, {x.size})") if wanted else None

    return y, back


def columns(tape: Tape, layer: Columns, x: Value, address: Random) -> tuple[Value, Backward]:
    """C = the parts side by side, each made of some columns of X."""
    C = f"C{tape.number(layer)}"
    if [part[:2] for part in layer.parts.values()] == [(0, x.size)]:
        ((_, _, inner),) = layer.parts.values()
        return write(tape, inner, x, address.child(0))
    parts: list[tuple[int, int, Value, Backward]] = []
    for index, (start, stop, inner) in enumerate(layer.parts.values()):
        part = f"X{tape.next_part()}"
        given = tape.forward(part, f"{{x}}[:, {start}:{stop}]", x, stop - start)
        value, back_of_part = write(tape, inner, given, address.child(index))
        parts.append((start, stop, value, back_of_part))
    size = sum(value.size for *_, value, _ in parts)
    tape.forward_predicting(C, _side_by_side([value.predicted for *_, value, _ in parts]), size)
    y = tape.forward_training(C, _side_by_side([value.trained for *_, value, _ in parts]), x, size)

    def back(dC: str, wanted: bool) -> str | None:
        at, found = 0, []
        for inner, (start, stop, value, back_of_part) in zip(layer.children.values(), parts, strict=True):
            if not wanted and not _learns(inner):
                at += value.size
                continue
            d_part = tape.backward(f"d{value.trained}", f"{dC}[:, {at}:{at + value.size}]", f"(n, {value.size})")
            found.append((start, stop, back_of_part(d_part, wanted)))
            at += value.size
        if not wanted:
            return None
        dx = tape.backward(f"d{x.trained}", f"np.zeros_like({x.trained})", f"(n, {x.size})")
        for start, stop, d_given in found:
            tape.statement(f"{dx}[:, {start}:{stop}] += {d_given}")
        return dx

    return y, back


def _learns(layer: Layer) -> bool:
    return any(inner.parameters for _, inner in walk(layer))


def _side_by_side(names: Sequence[str]) -> Expression:
    return call("np.concatenate", list_of(names), "axis=1")


TEMPLATES: dict[type[Layer], Template] = {
    ActivationLayer: activation,
    BatchNorm: batch_norm,
    Chain: chain,
    Columns: columns,
    Dense: dense,
    Dropout: dropout,
    Embedding: embedding,
    LayerNorm: layer_norm,
    PeriodicEmbedding: periodic_embedding,
    PeriodicFeatures: periodic_features,
    PiecewiseLinearEmbedding: piecewise_linear_embedding,
    Residual: residual,
    Scale: scale,
}
