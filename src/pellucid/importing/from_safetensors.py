"""The weights of a chain of linear layers, kept as PyTorch names them in a safetensors file, become a network."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence

from pellucid.activations import Activation, Identity
from pellucid.activations import activation as named_activation
from pellucid.errors import ForeignModelError, OptionError, listed
from pellucid.importing.parts import Part, activated, build, content, dense
from pellucid.network import Network


def from_safetensors(
    path: str | os.PathLike[str],
    *,
    activation: str | Activation | Sequence[str | Activation],
    output_activation: str | Activation = "identity",
    layers: Sequence[str] | None = None,
) -> Network:
    """Return the chain of linear layers whose PyTorch state dict is in a safetensors file.

    The file holds ``NAME.weight : (n_outputs, n_inputs)`` and, where there is a bias, ``NAME.bias : (n_outputs,)`` for
    each layer. Names that differ in one number, such as ``0``, ``2``, ``4`` or ``fc1``, ``fc2``, tell the order.

    Parameters
    ----------
    path : the file, as ``safetensors.torch.save_file(model.state_dict(), path)`` writes it
    activation : what stands between the layers, or one for each of these places; a state dict does not say
    output_activation : what stands at the end; models for PyTorch's losses mostly end in the raw outputs
    layers : the names of the layers, first to last, where no number in them tells the order

    Raises `ForeignModelError` for a file that is damaged or holds anything else, before anything is built;
    `OptionError` for activations or names that do not fit it.

    >>> import tempfile
    >>> import numpy as np
    >>> from safetensors.numpy import save_file
    >>> state = {"0.weight": [[1.0, 2.0], [3.0, -4.0]], "0.bias": [0.5, 0.0], "2.weight": [[1.0, 10.0]]}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_file({name: np.array(values) for name, values in state.items()}, f"{folder}/model.safetensors")
    ...     network = from_safetensors(f"{folder}/model.safetensors", activation="relu")
    >>> network.layers, float(network.predict([[1.0, 1.0]])[0, 0])
    ((Dense(2), ReLU(), Dense(1, bias=False)), 3.5)
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    model = f"from_safetensors: {os.fspath(path)!r}"
    file = content(path, "a safetensors file")
    try:
        tensors = load(file)
    except (SafetensorError, KeyError, ValueError, OverflowError) as error:
        raise ForeignModelError(
            f"{model} cannot be read ({type(error).__name__}: {error}); it expects a safetensors file of float32 or "
            "float64 tensors. Write it with safetensors.torch.save_file(model.float().state_dict(), path)."
        ) from error
    names = _ordered(tensors, layers, model)
    parts: list[Part] = []
    for name, function in zip(names, _functions(activation, output_activation, len(names)), strict=True):
        weight, place = tensors[f"{name}.weight"], f"{model}: the layer {name!r}"
        parts.append(dense(weight.T, tensors.get(f"{name}.bias"), place))
        if not isinstance(function, Identity):
            parts.append(activated(function, place))
    return build(parts, model)


def _ordered(tensors: Mapping[str, object], layers: Sequence[str] | None, model: str) -> list[str]:
    """Return the names of the layers, first to last, after a check that there is nothing but layers."""
    found = [name.removesuffix(".weight") for name in tensors if name.endswith(".weight")]
    other = tensors.keys() - {f"{name}.{kind}" for name in found for kind in ("weight", "bias")}
    if other or not found:
        raise ForeignModelError(
            f"{model} holds {listed(other) if other else 'no tensors'}; it expects NAME.weight and NAME.bias of linear "
            "layers alone. Export another kind of network to ONNX, and use from_onnx."
        )
    if layers is not None:
        if isinstance(layers, str) or sorted(layers) != sorted(found):
            raise OptionError(
                f"{model}: layers got {layers!r}; it expects each of {listed(found)} once, first to last."
            )
        return list(layers)
    split = [re.split(r"(\d+)", name) for name in found]  # text, number, text, ...
    differing = [place for place, pieces in enumerate(zip(*split, strict=False)) if len(set(pieces)) > 1]
    alike = len({len(pieces) for pieces in split}) == 1
    if len(found) > 1 and not (alike and len(differing) == 1 and differing[0] % 2):
        raise OptionError(
            f"{model}: no single number in the names {listed(found)} tells the order of the layers; name them first to "
            "last, such as layers=['hidden', 'output']."
        )
    return sorted(found, key=lambda name: [int(number) for number in re.findall(r"\d+", name)])


def _functions(
    activation: str | Activation | Sequence[str | Activation], output_activation: str | Activation, n_layers: int
) -> list[Activation]:
    if isinstance(activation, str | Activation):
        between: Sequence[str | Activation] = [activation] * (n_layers - 1)
    elif len(activation) == n_layers - 1:
        between = activation
    else:
        raise OptionError(
            f"from_safetensors: activation got {len(activation)} activations; between {n_layers} layers it expects "
            f"{n_layers - 1}, or one for all. The last layer's is output_activation."
        )
    return [named_activation(function) for function in [*between, output_activation]]
