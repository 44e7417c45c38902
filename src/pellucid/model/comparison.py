"""What differs between two models, in sentences: data, options, versions, plan, weights, quality."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from pellucid.layers.base import Array
from pellucid.model.receipt import VERSIONS
from pellucid.model.saving import CONFORMAL, contents
from pellucid.tabular.fingerprint import Fingerprint

PARTS = {
    "encoder": "the encoder differs",
    "target": "what is known of the target differs",
    "loss": "the loss differs",
    "weights": "the networks' shares in the ensemble differ",
    "temperature": "the temperature differs",
}
"""Parts of the document that predictions depend on."""
CHANGES_NOTHING = ("verbose", "n_jobs")  # options
COMMAND = ("targets", "task", "test_share", "drop", "groups", "order")  # what the command line was told besides
QUALITY = ("metric", "validation_loss")


def compare_models(first: Any, second: Any) -> dict[str, list[str]]:
    """Return the differences of two models by what they concern; the lists are empty where nothing differs.

    first, second : fitted estimators, in particular those that `pellucid.load` returned

    >>> from pellucid import TabularClassifier
    >>> quick = TabularClassifier(members=1, epochs=2, hidden_layer_sizes=(4,), random_state=0)
    >>> table, label = {"size": list(range(40))}, ["small"] * 20 + ["large"] * 20
    >>> model = quick.fit(table, label)
    >>> from sklearn.base import clone
    >>> compare_models(model, clone(model).set_params(random_state=1).fit(table, label))["options"]
    ['random state is 0, and 1']
    """
    (document, tensors), (other, other_tensors) = contents(first), contents(second)
    receipt, other_receipt = document["receipt"], other["receipt"]
    data = Fingerprint.from_json(receipt["data"]).differences(Fingerprint.from_json(other_receipt["data"]))
    return {
        "data": data,
        "options": option_differences(document, other),
        "versions": version_differences(receipt, other_receipt),
        "plan": _plan_differences(receipt, other_receipt),
        "weights": part_differences(document, other) + tensor_differences(tensors, other_tensors),
        "quality": _entries(receipt, other_receipt, QUALITY) + _scores(receipt, other_receipt),
    }


def option_differences(document: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Say which options differ; the seed that was used stands for ``random_state``."""
    if document["estimator"] != other["estimator"]:
        return [f"one is a {document['estimator']}, the other a {other['estimator']}"]
    own, others = document["options"], other["options"]
    commands = [each["receipt"].get("command", {}) for each in (document, other)]
    found = _entries(own, others, tuple(name for name in own if name not in CHANGES_NOTHING))
    return found + _entries(commands[0], commands[1], COMMAND)


def version_differences(receipt: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Say which versions differ, of the library, what it rests on, and the machine."""
    return _entries(receipt, other, VERSIONS)


def part_differences(document: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Say which of the parts besides the tensors differ."""
    found = []
    count, others = len(document["networks"]), len(other["networks"])
    if count != others:
        found.append(f"{count} and {others} networks")
    elif document["networks"] != other["networks"]:
        pairs = zip(document["networks"], other["networks"], strict=True)
        unlike = [str(number) for number, (own, its) in enumerate(pairs) if own != its]
        found.append(f"other layers in network {', '.join(unlike)}")
    return found + [said for part, said in PARTS.items() if document[part] != other[part]]


def tensor_differences(tensors: Mapping[str, Array], others: Mapping[str, Array]) -> list[str]:
    """Say which tensors are not the same bits, each with the first value that differs and the largest difference."""
    lacking = sorted(set(tensors) ^ set(others))
    verb = "tensor is" if len(lacking) == 1 else "tensors are"
    said_of_them = [f"{len(lacking)} {verb} in one of them only, such as {lacking[0]!r}"] if lacking else []
    shared = [name for name in tensors if name in others]
    return said_of_them + [said for name in shared if (said := _tensor_difference(name, tensors[name], others[name]))]


def _tensor_difference(name: str, own: Array, other: Array) -> str:
    what = name if name == CONFORMAL else f"tensor {name!r}"
    if own.shape != other.shape or own.dtype != other.dtype:
        return f"{what} is {own.dtype} {own.shape}, and {other.dtype} {other.shape}"
    bits = f"u{own.dtype.itemsize}"
    unlike = np.ascontiguousarray(own).view(bits) != np.ascontiguousarray(other).view(bits)
    if not unlike.any():
        return ""
    place = tuple(np.argwhere(unlike)[0].tolist())
    with np.errstate(over="ignore", invalid="ignore"):
        largest = float(np.abs(own.astype(np.float64) - other.astype(np.float64)).max())
    return (
        f"{what} {own.shape} differs in {int(unlike.sum()):,} of {own.size:,} numbers, first at {list(place)}: "
        f"{own[place].item()!r} and {other[place].item()!r}; by {largest:.3g} at most"
    )


def _plan_differences(receipt: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    if "plan" not in receipt or "plan" not in other:
        names = ("training_rows", "batch_size", "epochs", "best_epoch", "refitted", "stopped_by")
        kinds = ["a population" if "plan" in each else "a single network" for each in (receipt, other)]
        found = [f"one is {kinds[0]}, the other {kinds[1]}"] if kinds[0] != kinds[1] else []
        return found + _entries(receipt, other, names)
    own, others = receipt["plan"], other["plan"]
    names = tuple(name for name in own if name != "reasons")
    return _entries(own, others, names) + _entries(receipt, other, ("stopped_by",))


def _scores(receipt: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    own, others = (each.get("test", {}).get("metrics", {}) for each in (receipt, other))
    return _entries(own, others, tuple({**own, **others}), "{} on test rows")


def _entries(own: Mapping[str, Any], other: Mapping[str, Any], names: tuple[str, ...], form: str = "{}") -> list[str]:
    return [
        f"{form.format(name.replace('_', ' '))} is {_shown(own.get(name))}, and {_shown(other.get(name))}"
        for name in names
        if not _same(own.get(name), other.get(name))
    ]


def _shown(value: Any) -> str:
    return "none" if value is None or value == "" else f"{value:.6g}" if isinstance(value, float) else str(value)


def _same(own: Any, other: Any) -> bool:
    both_nan = isinstance(own, float) and isinstance(other, float) and math.isnan(own) and math.isnan(other)
    return both_nan or repr(own) == repr(other)
