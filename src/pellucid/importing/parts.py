"""A part is a layer of the network to come with the arrays that it will hold; parts are checked, then become one."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pellucid.activations import Activation
from pellucid.errors import ForeignModelError
from pellucid.layers import ActivationLayer, Dense, Layer
from pellucid.layers.base import Array
from pellucid.network import Network

MOST_PARTS = 1_000
LARGEST_FILE = 2**31  # bytes; an ONNX file in one piece cannot have more


@dataclass(frozen=True)
class Part:
    """A layer, its parameters and buffers by their names in the layer, and where the foreign model has it."""

    layer: Layer
    arrays: Mapping[str, Array]
    place: str

    @property
    def n_inputs(self) -> int | None:
        """The number of columns that it takes, or None where any number will do."""
        return len(next(iter(self.arrays.values()))) if self.arrays else None

    @property
    def n_outputs(self) -> int | None:
        """The number of columns that it gives, or None where it is that of what enters."""
        return self.layer.n_outputs if isinstance(self.layer, Dense) else self.n_inputs

    @property
    def size(self) -> int:
        """The number of numbers in its arrays."""
        return sum(array.size for array in self.arrays.values())


def dense(weight: Array, bias: Array | None, place: str) -> Part:
    """Return a dense part for ``weight : (n_inputs, n_outputs)`` and ``bias : (n_outputs,)``, or no bias."""
    if weight.ndim != 2 or 0 in weight.shape:
        raise ForeignModelError(
            f"{place} has a weight of shape {weight.shape}; it expects a matrix with at least one row and column. "
            "Only chains of dense layers become a Network."
        )
    n_outputs = weight.shape[1]
    if bias is None:
        return Part(Dense(n_outputs, bias=False), {"weight": weight}, place)
    if bias.shape != (n_outputs,):
        raise ForeignModelError(
            f"{place} has a bias of shape {bias.shape}; with {n_outputs} outputs it expects ({n_outputs},). The model "
            "is damaged: save it again."
        )
    return Part(Dense(n_outputs), {"weight": weight, "bias": bias}, place)


def activated(function: Activation | str, place: str) -> Part:
    """Return a part that applies an activation."""
    return Part(ActivationLayer(function), {}, place)


def build(parts: Sequence[Part], model: str) -> Network:
    """Return the network of these parts, first to last; ``model`` is what messages call the foreign model.

    Its dtype is that of the weights. Sizes and dtypes are checked before anything is built.
    """
    if len(parts) > MOST_PARTS:
        raise ForeignModelError(f"{model} has {len(parts):,} layers; it expects at most {MOST_PARTS:,}.")
    n_inputs = next((part.n_inputs for part in parts if part.n_inputs is not None), None)
    if n_inputs is None:
        raise ForeignModelError(f"{model} has no weights; it expects at least one dense layer.")
    n_columns = n_inputs
    dtypes: dict[np.dtype, str] = {}
    for part in parts:
        if part.n_inputs not in (None, n_columns):
            raise ForeignModelError(
                f"{part.place} takes {part.n_inputs} columns, and {n_columns} come from the layer before it. The "
                "layers are no chain in this order, or the model is damaged."
            )
        n_columns = part.n_outputs or n_columns
        for name, array in part.arrays.items():
            dtypes.setdefault(array.dtype, f"the {name} of {part.place}")
            if not np.isfinite(array).all():
                raise ForeignModelError(
                    f"{part.place} has a {name} that is NaN or infinite; it expects finite numbers. Its training "
                    "diverged, or the model is damaged."
                )
    if len(dtypes) > 1 or not dtypes.keys() <= {np.dtype("float32"), np.dtype("float64")}:
        found = " and ".join(f"{dtype} ({place})" for dtype, place in dtypes.items())
        raise ForeignModelError(f"{model} has weights of {found}; it expects float32 or float64 throughout.")
    network = Network([part.layer for part in parts], n_inputs, dtype=next(iter(dtypes)))
    for part in parts:
        for name, array in part.arrays.items():
            {**part.layer.parameters, **part.layer.buffers}[name][...] = array
    return network


def content(path: str | os.PathLike[str], kind: str) -> bytes:
    """Return the bytes of a file, which must be one: no folder, no device."""
    if not os.path.isfile(path):
        found = "is a folder or a device" if os.path.exists(path) else "does not exist"
        raise ForeignModelError(f"{str(path)!r} {found}; it expects {kind}. Give the path of one.")
    size = os.path.getsize(path)
    if size > LARGEST_FILE:
        raise ForeignModelError(f"{str(path)!r} has {size:,} bytes; it expects at most {LARGEST_FILE:,}.")
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ForeignModelError(
            f"{str(path)!r} cannot be read: {error.strerror or error}. Check its permissions and the disk."
        ) from error
