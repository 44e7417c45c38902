"""What the learner gave: a backward pass or its results, read as a gradient per parameter or refused with a reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.domains import Number
from pellucid.errors import DataError, OptionError, ShapeError, listed, near_miss
from pellucid.layers.base import Array
from pellucid.network import Network

RETURNS = ("gradient", "update")


@dataclass(frozen=True)
class Given:
    """The learner's gradients by parameter name, in their own shapes, and what goes with them.

    ``precision`` is that of the coarsest array, ``slack`` what reading gradients from changed weights may add to their
    rounding, ``notes`` what was seen on the way.
    """

    gradients: dict[str, Array]
    precision: np.finfo[Any]
    slack: dict[str, float]
    notes: tuple[str, ...]


def read(mine: Any, network: Network, X: Any, y: Any, returns: str, learning_rate: float | None) -> Given:
    """Call ``mine`` on copies, if it is a function, and return its gradients: an update divided by ``-learning_rate``.

    Raises `OptionError`, `ShapeError` or `DataError` for what is no set of gradients of this network.
    """
    _check_options(returns, learning_rate)
    notes: tuple[str, ...] = ()
    if callable(mine):
        values, notes = _called(mine, network, X, y, returns)
    elif isinstance(mine, Mapping):
        values = mine
    else:
        raise OptionError(
            f"compare_backward: mine got {_kind(mine)}; it expects a function of (network, X, y), or a mapping such as "
            f"{{{next(iter(network.named_parameters))!r}: array, ...}}."
        )
    _check_names(values, network)
    arrays = {name: _array(name, values[name], network) for name in network.named_parameters}
    used = [network.dtype, *(array.dtype for array in arrays.values() if array.dtype.kind == "f")]
    precision = max(map(np.finfo, used), key=lambda info: float(info.eps))
    slack = dict.fromkeys(arrays, 0.0)
    gradients = {name: array.astype(np.float64) for name, array in arrays.items()}
    if returns == "update":
        assert learning_rate is not None
        gradients = {name: value / -learning_rate for name, value in gradients.items()}
        notes += ("Your changes are shown as gradients: divided by -learning_rate.",)
        # new - old weights: both were rounded in proportion to the weights
        slack = {
            name: 2 * float(precision.eps) * float(np.abs(view).max(initial=0)) / learning_rate
            for name, view in network.named_parameters.items()
        }
    return Given(gradients, precision, slack, notes)


def refuse_shapes(given: Given, network: Network, possible: Mapping[str, set[tuple[int, ...]]], y: Any) -> None:
    """Raise `ShapeError` for a gradient whose shape neither the parameter nor a known fault has."""
    for name, value in given.gradients.items():
        if value.shape in possible[name]:
            continue
        expected = network.named_parameters[name].shape
        hint = "Compute dLoss/dparameter, which has the parameter's own shape."
        if np.ndim(y) == 1 and value.ndim == 2 and value.shape[1] == len(y):
            n = len(y)
            hint = (
                f"y has shape ({n},) and the outputs ({n}, 1): NumPy makes their difference ({n}, {n}). Write "
                f"y.reshape(-1, 1)."
            )
        elif value.size == np.prod(expected):
            hint = f"It has as many numbers: write .reshape{expected} if they are in the right order."
        raise ShapeError(f"compare_backward: mine[{name!r}] has shape {value.shape}; it expects {expected}. {hint}")


def _check_options(returns: str, learning_rate: float | None) -> None:
    if returns not in RETURNS:
        raise OptionError(
            f"compare_backward: returns got {returns!r}; it expects one of {listed(RETURNS)}"
            f"{near_miss(str(returns), RETURNS) or '.'}"
        )
    domain = Number(0, open="low")
    if returns == "update" and learning_rate is None:
        raise OptionError(
            "compare_backward: returns='update' needs learning_rate, by which your pass multiplies, such as "
            "learning_rate=0.1 (1.0 where it has none)."
        )
    if learning_rate is not None and not domain.contains(learning_rate):
        raise OptionError(f"compare_backward: learning_rate got {learning_rate!r}; it expects {domain.describe()}.")


def _called(mine: Any, network: Network, X: Any, y: Any, returns: str) -> tuple[Any, tuple[str, ...]]:
    twin = network.copy()
    values = mine(twin, np.array(X), np.array(y))
    change = twin.parameters - network.parameters
    changed = bool((change != 0).any())
    if values is None and returns == "update" and changed:
        return twin.views(change), ("Your function changed the weights of its copy; the change is what is compared.",)
    if values is None:
        fix = (
            "it also left the weights as they were. Return the changes by name, or change network.named_parameters"
            if returns == "update"
            else "return the gradients by name, or pass returns='update' if it changes the weights itself"
        )
        raise OptionError(f"compare_backward: mine returned None; {fix}.")
    if not isinstance(values, Mapping):
        raise OptionError(
            f"compare_backward: mine returned {_kind(values)}; it expects a mapping from parameter name to array: "
            f"{{{', '.join(f'{name!r}: ...' for name in list(network.named_parameters)[:4])}}}."
        )
    note = "Your function changed the network's weights while it ran (a copy's; yours are as they were)."
    return values, (note,) if changed else ()


def _check_names(values: Mapping[Any, Any], network: Network) -> None:
    names = list(network.named_parameters)
    unknown = [key for key in values if key not in names]
    missing = [name for name in names if name not in values]
    if not unknown and not missing:
        return
    parts = []
    if unknown:
        hint = near_miss(str(unknown[0]), names)
        parts.append(f"{listed(unknown)} {'is no parameter' if len(unknown) == 1 else 'are no parameters'}{hint}")
    if missing:
        parts.append(f"{listed(missing)} {'is' if len(missing) == 1 else 'are'} missing")
    raise OptionError(
        f"compare_backward: the keys of mine do not fit: {'; '.join(parts)}. It expects exactly {listed(names)}: the "
        f"layer's position, a full stop, and its parameter (layers without parameters count too)."
    )


def _array(name: str, value: Any, network: Network) -> Array:
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.asarray(None)
    if array.dtype.kind not in "fiu":
        raise DataError(
            f"compare_backward: mine[{name!r}] is {_kind(value)}; it expects an array of numbers of shape "
            f"{network.named_parameters[name].shape}."
        )
    finite = np.isfinite(array)
    if not finite.all():
        cell = [int(i) for i in np.argwhere(~finite)[0]]
        raise DataError(
            f"compare_backward: mine[{name!r}] holds {array[tuple(cell)]} at {cell} ({int((~finite).sum())} of "
            f"{array.size} numbers are not finite). Look for a division by 0, log(0), or exp of a large number."
        )
    shape = network.named_parameters[name].shape
    # a bias kept as a row, as the tutorials do, and the lone number of a lone neuron are the same gradient
    same = len(shape) == 1 and (array.shape == (1, *shape) or array.size == shape[0] == 1)
    return array.reshape(shape) if same else array


def _kind(value: Any) -> str:
    dtype = f" of {value.dtype}" if isinstance(value, np.ndarray) else ""
    article = "an" if type(value).__name__[0].lower() in "aeiou" else "a"
    return "None" if value is None else f"{article} {type(value).__name__}{dtype}"
