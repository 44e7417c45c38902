"""Lowering turns layers into the operations of a plan: for each kind of layer, what it does forward and backward.

A function here mirrors the layer's own `forward`; it returns where the output lies and a function that mirrors the
layer's `backward`: given where dy lies, it adds the operations and returns where dx lies.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from pellucid.activations import ELU, Activation, LeakyReLU, Softmax
from pellucid.engine.assembly import NOWHERE, Assembly, Backward, Place, operation, whole_registers
from pellucid.engine.records import ActivationCode, Code
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
from pellucid.options import registered

_ACTIVATIONS = {
    kind
    for kind in registered(Activation).values()  # type: ignore[type-abstract]
    if kind.name in ActivationCode.__members__
}


def lower(a: Assembly, layer: Layer, x: Place, n_in: int, path: str, address: int) -> tuple[Place, Backward]:
    """Add the layer's operations; ``path`` leads its parameters' names, ``address`` is that of its random numbers."""
    known = _LOWERINGS.get(type(layer))
    if known is None:
        a.reasons.append(f"the layer {layer!r} has no native form")
        return x, lambda dy, wanted: dy
    return known(a, layer, x, n_in, path, address)


def _child(address: int, index: int) -> int:
    return address * 1024 + index + 1  # random.Random.child


def _chain(a: Assembly, layer: Chain, x: Place, n_in: int, path: str, address: int) -> tuple[Place, Backward]:
    backwards: list[Backward] = []
    for index, (size, child) in enumerate(zip(layer.sizes(n_in), layer.layers, strict=False)):
        x, backward = lower(a, child, x, size, f"{path}{index}.", _child(address, index))
        backwards.append(backward)

    def back(dy: Place, wanted: bool) -> Place | None:
        gradient: Place | None = dy
        for index in reversed(range(len(backwards))):
            assert gradient is not None
            gradient = backwards[index](gradient, wanted or index > 0)
        return gradient

    return x, back


def _residual(a: Assembly, layer: Residual, x: Place, n: int, path: str, address: int) -> tuple[Place, Backward]:
    change, inner = _chain(a, layer, x, n, path, address)
    y = a.rows_of(n)
    a.forward.append(operation(Code.ADD, n, x, change, y))

    def back(dy: Place, wanted: bool) -> Place | None:
        d_change = inner(dy, wanted)
        if d_change is None or not wanted:
            return None
        dx = a.rows_of(n)
        a.backward.append(operation(Code.ADD, n, dy, d_change, dx))
        return dx

    return y, back


def _columns(a: Assembly, layer: Columns, x: Place, n_in: int, path: str, address: int) -> tuple[Place, Backward]:
    n_out = layer.output_size(n_in)
    y = a.rows_of(n_out)
    parts: list[tuple[int, int, int, int, Backward]] = []
    end = 0
    for index, (name, (start, stop, child)) in enumerate(layer.parts.items()):
        width, size = stop - start, child.output_size(stop - start)
        own = a.rows_of(width)
        a.forward.append(operation(Code.COPY_COLUMNS, n_in, x, own, n_out=width, width=width, **{"from": start}))
        if x in a.columns_of_x:
            a.columns_of_x[own] = a.columns_of_x[x][start:stop]
        part, backward = lower(a, child, own, width, f"{path}{name}.", _child(address, index))
        a.forward.append(operation(Code.COPY_COLUMNS, size, part, y, n_out=n_out, width=size, to=end))
        parts.append((start, width, size, end, backward))
        end += size

    def back(dy: Place, wanted: bool) -> Place | None:
        slices = []
        for _, _, size, first, backward in parts:
            d_part = a.rows_of(size)
            a.backward.append(
                operation(Code.COPY_COLUMNS, n_out, dy, d_part, n_out=size, width=size, **{"from": first})
            )
            slices.append(backward(d_part, wanted))
        if not wanted:
            return None
        dx = a.rows_of(n_in)
        a.backward.append(operation(Code.FILL_ZERO, n_in, dx))
        for (start, width, _, _, _), d_slice in zip(parts, slices, strict=True):
            assert d_slice is not None
            a.backward.append(operation(Code.ADD_COLUMNS, width, d_slice, dx, n_out=n_in, width=width, to=start))
        return dx

    return y, back


def _dense(a: Assembly, layer: Dense, x: Place, n_in: int, path: str, address: int) -> tuple[Place, Backward]:
    n = layer.n_outputs
    z, weight = a.rows_of(n), a.parameter(f"{path}weight")
    ntk = layer.parametrization == "ntk"
    factor = 1 / math.sqrt(n_in) if ntk else 1.0
    bias = a.parameter(f"{path}bias") if layer.bias else NOWHERE
    a.forward.append(operation(Code.PRODUCT_FORWARD, n_in, x, weight, z, bias, n_out=n, options=[0, factor]))

    def back(dz: Place, wanted: bool) -> Place | None:
        if layer.bias:
            a.backward.append(operation(Code.COLUMN_SUM, n, dz, a.gradient(f"{path}bias")))
        if ntk:
            scaled = a.rows_of(n)
            a.backward.append(operation(Code.MULTIPLY, n, dz, scaled, options=[factor]))
            dz = scaled
        a.backward.append(operation(Code.PRODUCT_WEIGHT, n_in, x, dz, a.gradient(f"{path}weight"), n_out=n))
        if not wanted:
            return None
        dx = a.rows_of(n_in)
        a.backward.append(operation(Code.PRODUCT_INPUT, n_in, dz, weight, dx, n_out=n))
        return dx

    return z, back


def _activation(
    a: Assembly, layer: ActivationLayer, z: Place, n: int, path: str, address: int
) -> tuple[Place, Backward]:
    function = layer.function
    if type(function) not in _ACTIVATIONS:
        a.reasons.append(f"the activation {function!r} has no native form")
        return z, lambda dy, wanted: dy
    softmax = isinstance(function, Softmax)
    variant = ActivationCode[function.name]
    option = function.slope if isinstance(function, LeakyReLU) else function.alpha if isinstance(function, ELU) else 0.0
    value = a.rows_of(n)
    if softmax:
        a.forward.append(operation(Code.NORMALIZE_EXPONENTIALS, n, z, value))
    else:
        a.forward.append(operation(Code.ACTIVATE, n, z, value, variant=variant, options=[option]))

    def own_back(da: Place) -> Place:
        dz = a.rows_of(n)
        if softmax:
            a.backward.append(operation(Code.NORMALIZE_EXPONENTIALS_BACKWARD, n, da, value, dz))
        else:
            a.backward.append(operation(Code.ACTIVATE_BACKWARD, n, da, z, value, dz, variant=variant, options=[option]))
        return dz

    if not layer.parametric:
        return value, lambda da, wanted: own_back(da) if wanted else None
    y, blend = a.rows_of(n), a.parameter(f"{path}blend")
    a.forward.append(operation(Code.BLEND, n, z, value, blend, y))

    def back(dy: Place, wanted: bool) -> Place | None:
        a.backward.append(operation(Code.BLEND_SLOPE, n, dy, value, z, a.gradient(f"{path}blend")))
        if not wanted:
            return None
        dz = a.rows_of(n)
        if softmax:  # it mixes columns: dz = dy - da + what comes of da = dy blend
            da, other = a.rows_of(n), a.rows_of(n)
            a.backward.append(operation(Code.SCALE_COLUMNS, n, dy, blend, da))
            through = own_back(da)
            a.backward.append(operation(Code.MULTIPLY, n, da, other, options=[-1.0]))
            a.backward.append(operation(Code.ADD, n, dy, other, da))
            a.backward.append(operation(Code.ADD, n, da, through, dz))
        else:
            places = (dy, z, value, blend, dz)
            a.backward.append(operation(Code.BLEND_BACKWARD, n, *places, variant=variant, options=[option]))
        return dz

    return y, back


def _dropout(a: Assembly, layer: Dropout, x: Place, n: int, path: str, address: int) -> tuple[Place, Backward]:
    if not a.training or layer.rate == 0:
        return x, lambda dy, wanted: dy
    y, mask = a.rows_of(n), a.rows_of(n)
    more: dict[str, Any] = {"layer": address, "options": [layer.rate]}
    a.forward.append(operation(Code.DROPOUT, n, x, y, mask, **more))

    def back(dy: Place, wanted: bool) -> Place | None:
        if not wanted:
            return None
        dx = a.rows_of(n)
        a.backward.append(operation(Code.DROPOUT_BACKWARD, n, dy, dx, mask, options=[layer.rate]))
        return dx

    return y, back


def _scale(a: Assembly, layer: Scale, x: Place, n: int, path: str, address: int) -> tuple[Place, Backward]:
    y, factor = a.rows_of(n), a.parameter(f"{path}factor")
    a.forward.append(operation(Code.SCALE_COLUMNS, n, x, factor, y))

    def back(dy: Place, wanted: bool) -> Place | None:
        a.backward.append(operation(Code.COLUMN_PRODUCT_SUM, n, dy, x, a.gradient(f"{path}factor")))
        if not wanted:
            return None
        dx = a.rows_of(n)
        a.backward.append(operation(Code.SCALE_COLUMNS, n, dy, factor, dx))
        return dx

    return y, back


def _embedding(a: Assembly, layer: Embedding, x: Place, n_in: int, path: str, address: int) -> tuple[Place, Backward]:
    if x not in a.columns_of_x:
        a.reasons.append(f"{layer!r} reads codes that another layer computes, so they cannot be checked beforehand")
        return x, lambda dy, wanted: dy
    a.codes.append((a.columns_of_x[x][0], layer))
    y = a.rows_of(layer.size)
    a.forward.append(operation(Code.EMBED, layer.n_codes, x, a.parameter(f"{path}weight"), y, n_out=layer.size))

    def back(dy: Place, wanted: bool) -> Place | None:
        gradient = a.gradient(f"{path}weight")
        a.backward.append(operation(Code.EMBED_BACKWARD, layer.n_codes, x, dy, gradient, n_out=layer.size))
        if not wanted:
            return None
        dx = a.rows_of(1)
        a.backward.append(operation(Code.FILL_ZERO, 1, dx))
        return dx

    return y, back


def periodic_sizes(n_in: int, n_out: int, n_frequencies: int, mixes: int) -> dict[str, int]:
    """Return how many parameters a periodic layer has for each column, and how many numbers of a row it keeps.

    It keeps cosines and sines, the slopes of what comes out beside x, x itself, its slope, and that of one wave
    (native/periodic.h).
    """
    each = n_out // n_in - 1
    weights = each * n_frequencies if mixes else each
    return {"own": 2 * n_frequencies + weights + each, "kept": 2 * n_frequencies + each + 3}


def _periodic(
    a: Assembly, layer: PeriodicEmbedding | PeriodicFeatures, x: Place, n_in: int, path: str, address: int
) -> tuple[Place, Backward]:
    n_out, width, mixes = layer.output_size(n_in), layer.n_frequencies, int(isinstance(layer, PeriodicEmbedding))
    kept = periodic_sizes(n_in, n_out, width, mixes)["kept"]
    sizes = {"n_out": n_out, "width": width, "variant": mixes}
    y, waves = a.rows_of(n_out), a.numbers(whole_registers(a.rows) * n_in * kept)
    parameters = a.parameter(f"{path}frequency")  # the first of them; the others follow
    a.forward.append(operation(Code.PERIODIC, n_in, x, parameters, y, waves, **sizes))

    def back(dy: Place, wanted: bool) -> Place | None:
        dx = a.rows_of(n_in) if wanted else NOWHERE
        gradients = a.gradient(f"{path}frequency")
        places = (dy, parameters, waves, gradients, dx)
        a.backward.append(operation(Code.PERIODIC_BACKWARD, n_in, *places, **sizes))
        return dx if wanted else None

    return y, back


def spline_sizes(n_in: int, n_out: int, width: int) -> dict[str, int]:
    """Return how many bins (``width``) and edges a column of a piecewise linear embedding has, and numbers its table.

    The table holds edges, starts and rates of the bins, and two lines of outputs for each (native/spline.h).
    """
    table = 3 * whole_registers(width) + 2 * width * whole_registers(n_out // n_in)
    return {"bins": width, "edges": width + 1, "table": table}


def _spline(
    a: Assembly, layer: PiecewiseLinearEmbedding, x: Place, n_in: int, path: str, address: int
) -> tuple[Place, Backward]:
    sizes = {"n_out": layer.output_size(n_in), "width": layer.n_bins}
    names = f"{path}weight", f"{path}bias"
    y, kept = a.rows_of(sizes["n_out"]), a.rows_of(2 * n_in)
    table = a.numbers(n_in * spline_sizes(n_in, **sizes)["table"])
    a.forward.append(
        operation(Code.SPLINE_TABLE, n_in, a.buffer(f"{path}edges"), *map(a.parameter, names), table, **sizes)
    )
    a.forward.append(operation(Code.SPLINE, n_in, x, table, y, kept, **sizes))

    def back(dy: Place, wanted: bool) -> Place | None:
        dx = a.rows_of(n_in) if wanted else None
        if dx is not None:
            a.backward.append(operation(Code.SPLINE_INPUT, n_in, dy, table, kept, dx, **sizes))
        a.backward.append(operation(Code.SPLINE_WEIGHT, n_in, dy, kept, table, *map(a.gradient, names), **sizes))
        return dx

    return y, back


def _scaled(a: Assembly, through: Code, normalized: Place, r: Place, n: int, path: str) -> tuple[Place, Backward]:
    """Add ``y = n * scale + shift``, and back through it and, by the operation ``through``, the normalization."""
    y, scale = a.rows_of(n), a.parameter(f"{path}scale")
    a.forward.append(operation(Code.SCALE_SHIFT_COLUMNS, n, normalized, scale, a.parameter(f"{path}shift"), y))

    def back(dy: Place, wanted: bool) -> Place | None:
        a.backward.append(operation(Code.COLUMN_PRODUCT_SUM, n, dy, normalized, a.gradient(f"{path}scale")))
        a.backward.append(operation(Code.COLUMN_SUM, n, dy, a.gradient(f"{path}shift")))
        if not wanted:
            return None
        dn, dx = a.rows_of(n), a.rows_of(n)
        a.backward.append(operation(Code.SCALE_COLUMNS, n, dy, scale, dn))
        a.backward.append(operation(through, n, dn, normalized, r, dx))
        return dx

    return y, back


def _layer_norm(a: Assembly, layer: LayerNorm, x: Place, n: int, path: str, address: int) -> tuple[Place, Backward]:
    normalized, r = a.rows_of(n), a.rows_of(1)
    a.forward.append(operation(Code.LAYER_NORM, n, x, normalized, r, options=[layer.epsilon]))
    return _scaled(a, Code.LAYER_NORM_BACKWARD, normalized, r, n, path)


def _batch_norm(a: Assembly, layer: BatchNorm, x: Place, n: int, path: str, address: int) -> tuple[Place, Backward]:
    normalized, r, running = a.rows_of(n), a.numbers(n), a.numbers(2 * n)
    buffers = [a.buffer(f"{path}mean"), a.buffer(f"{path}variance")]
    if a.training:
        options = [layer.epsilon, layer.momentum]
        a.forward.append(operation(Code.BATCH_NORM, n, x, *buffers, normalized, r, running, options=options))
        for index, buffer in enumerate(buffers):
            new = Place(running.space, running.offset + index * n)
            a.commit.append(operation(Code.COPY_VECTOR, n, new, buffer))
    else:
        a.forward.append(operation(Code.BATCH_NORM_RUNNING, n, x, *buffers, normalized, options=[layer.epsilon]))
    return _scaled(a, Code.BATCH_NORM_BACKWARD, normalized, r, n, path)


_LOWERINGS: dict[type[Layer], Callable[..., tuple[Place, Backward]]] = {
    ActivationLayer: _activation,
    BatchNorm: _batch_norm,
    Chain: _chain,
    Columns: _columns,
    Dense: _dense,
    Dropout: _dropout,
    Embedding: _embedding,
    LayerNorm: _layer_norm,
    PeriodicEmbedding: _periodic,
    PeriodicFeatures: _periodic,
    PiecewiseLinearEmbedding: _spline,
    Residual: _residual,
    Scale: _scale,
}
