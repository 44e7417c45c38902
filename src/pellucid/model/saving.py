"""Saving writes a fitted estimator as a model file; loading gives it back, ready to predict.

A model file shows damage, not who wrote it, so loading trusts nothing in it: only Pellucid's own classes can be named,
each value must be of its type, memory is taken only for tensors that are there, and the parts must fit each other.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pellucid.errors import DataError, MissingExtraError, ModelFileError, listed
from pellucid.layers import Chain, Layer
from pellucid.layers.base import Array, Shape
from pellucid.losses import Loss, SquaredError
from pellucid.model.file import DTYPES, read_model, write_model
from pellucid.model.receipt import checked_receipt, receipt, to_json
from pellucid.network import Network
from pellucid.options import from_config, from_json, options, to_config
from pellucid.population.configuration import Configuration
from pellucid.population.ensemble import Ensemble
from pellucid.tabular.conformal import Intervals, PredictionSets
from pellucid.tabular.encoder import Encoder
from pellucid.tabular.temperature import HIGHEST, LOWEST
from pellucid.training import History
from pellucid.training.history import TrainingState

NOT_KEPT = ("callbacks", "random_state", "plan")
CONFORMAL = "conformal scores"
MOST_NETWORKS = 10_000
LARGEST_ROW = 2**24  # numbers that a row becomes in all layers; layers that only copy columns could fill any memory
TYPES: dict[str, Any] = {"str": str, "bool": bool, "int": int, "float": int | float, "tuple[str, ...]": tuple}


def save(
    estimator: Any, path: str | os.PathLike[str], *, overwrite: bool = False, told: Mapping[str, Any] | None = None
) -> str:
    """Write a fitted `TabularClassifier` or `TabularRegressor`; returns the file's SHA-256.

    The weights are tensors under their names in the network; the rest is one JSON document. Callbacks are not kept,
    and ``random_state`` is kept as the seed that was used.

    told : further entries of the receipt
    """
    document, tensors = contents(estimator)
    document["receipt"] |= told or {}
    return write_model(path, document, tensors, overwrite=overwrite)


def contents(estimator: Any) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return the document and the tensors by name of a fitted estimator's model file."""
    ensemble: Ensemble = estimator.ensemble_
    history = [[name, [to_json(value) for value in column]] for name, column in estimator.history_.to_dict().items()]
    document = {
        "estimator": type(estimator).__name__,
        "options": {
            **{name: to_config(getattr(estimator, name)) for name in _kept(type(estimator))},
            "random_state": estimator.seed_,
        },
        "encoder": {**estimator.encoder_.to_json(), "unnamed": not hasattr(estimator, "feature_names_in_")},
        "target": estimator.target_.to_json(),
        "loss": to_config(estimator.loss_),
        "networks": [network.to_config() for network in ensemble.networks],
        "weights": list(ensemble.weights),
        "temperature": float(estimator.temperature_),
        "members": [_member_to_json(member) for member in estimator.members_],
        "remarks": list(estimator.remarks_),
        "history": history,
        "receipt": receipt(estimator),
    }
    tensors = {}
    for index, network in enumerate(ensemble.networks):
        for name, view in {**network.named_parameters, **network.named_buffers}.items():
            tensors[_prefix(index, len(ensemble.networks)) + name] = np.asarray(view)
    if estimator.conformal_ is not None:
        tensors[CONFORMAL] = estimator.conformal_.scores
    return document, tensors


def load(path: str | os.PathLike[str], file_content: bytes | None = None) -> Any:
    """Return the estimator that a model file holds.

    file_content : the file's bytes where they are at hand; the path is then only its name, in messages

    Raises `ModelFileError` if the file is damaged, incomplete, of another kind, or of a version that is not known, and
    `MissingExtraError` if scikit-learn or polars, which an estimator needs, is not installed.
    """
    document, tensors, digest = read_model(path, file_content)
    try:
        with np.errstate(all="ignore"):
            return _estimator(document, tensors, digest)
    except MissingExtraError:  # the file is not to blame
        raise
    except Exception as error:  # of whatever kind: a document may have been made to deceive
        text = str(error) if isinstance(error, ModelFileError) else f"{type(error).__name__}: {error}"
        text = text.rstrip(".")
        raise ModelFileError(
            f"model file {str(Path(path))!r}: its document is not one that this release wrote "
            f"({text if len(text) <= 400 else text[:397] + '...'}). "
            "Train the model again, or load it with the release that saved it."
        ) from error


def _kept(estimator_class: type) -> list[str]:
    return [declared.name for declared in options(estimator_class) if declared.name not in NOT_KEPT]


def _estimator(document: Mapping[str, Any], tensors: Mapping[str, Array], digest: str) -> Any:
    """Build the estimator that a document describes; any exception means that it is not one that `save` wrote."""
    from pellucid.estimators import TabularClassifier, TabularRegressor

    _refuse_other_arrays(document)
    kinds = {"TabularClassifier": TabularClassifier, "TabularRegressor": TabularRegressor}
    _require(document["estimator"] in kinds, f"it holds a {document['estimator']!r}, and may hold {listed(kinds)}")
    kind = kinds[document["estimator"]]
    given = {name: from_json(value) for name, value in document["options"].items()}
    expected = {*_kept(kind), "random_state"}
    _require(set(given) == expected, f"its options are {listed(given, 40)}, and should be {listed(expected, 40)}")
    estimator = kind(**given)
    estimator.validate()
    estimator.seed_ = estimator.random_state
    _require(isinstance(estimator.seed_, int), f"its random_state is {estimator.seed_!r}, and should be a seed")

    estimator.encoder_ = _encoder(document["encoder"])
    names = [column.name for column in estimator.encoder_.columns]
    if not document["encoder"]["unnamed"]:
        estimator.feature_names_in_ = np.array(names, dtype=object)
    estimator.target_ = _target(type(estimator._new_target()), document["target"])
    expected_loss = type(estimator._loss())
    estimator.loss_ = from_config(Loss, document["loss"])  # type: ignore[type-abstract]
    _require(type(estimator.loss_) is expected_loss, f"its loss is {estimator.loss_!r}, not {expected_loss.__name__}")
    conformal, tensors = tensors.get(CONFORMAL), {name: a for name, a in tensors.items() if name != CONFORMAL}
    estimator.ensemble_ = _ensemble(document, tensors, estimator)
    estimator.network_ = estimator.ensemble_.strongest
    estimator.temperature_ = document["temperature"]
    fits = type(estimator.temperature_) is float and LOWEST / 2 <= estimator.temperature_ <= 2 * HIGHEST
    _require(fits, f"its temperature is {estimator.temperature_!r}")
    estimator.conformal_ = None if conformal is None else _conformal(conformal, estimator)
    estimator.members_ = [_member(state) for state in document["members"]]
    in_order = [member["member"] for member in estimator.members_] == list(range(len(estimator.members_)))
    _require(type(document["members"]) is list and in_order, "its members are not in order")
    texts = type(document["remarks"]) is list and all(type(text) is str for text in document["remarks"])
    _require(texts, "its remarks are not texts")
    estimator.remarks_ = tuple(document["remarks"])
    estimator.receipt_ = {**checked_receipt(document["receipt"]), "sha256": digest}
    estimator.history_ = _history(document["history"], estimator.receipt_, estimator.seed_)
    for name in ("best_epoch", "refitted", "fit_seconds", "cpu_seconds"):
        setattr(estimator, f"{name}_", estimator.receipt_[name])
    estimator.predict({name: [None] for name in names})  # what cannot predict is no model
    return estimator


def _encoder(state: Mapping[str, Any]) -> Encoder:
    encoder = Encoder.from_json(state)
    for described in (*encoder.columns, *encoder.encodings):
        _require_types(described)
    _require(encoder.to_json() == state, "its encoder has values of another type")
    used = [(column.name, column.kind) for column in encoder.columns if column.is_used]
    found = [(encoding.name, encoding.kind) for encoding in encoder.encodings]
    _require(used == found and len({name for name, _ in used}) == len(used), "its columns and encodings differ")
    for encoding in encoder.encodings:
        levels = list(getattr(encoding, "levels", ()))
        _require(levels == sorted(set(levels)), f"the levels of column {encoding.name!r} are not in order")
        form = getattr(encoding, "form", "")
        forms = {"binary"} if len(levels) == 2 else {"one_hot", "code"}
        _require(form in forms or encoding.kind != "category", f"column {encoding.name!r} has the form {form!r}")
        _require(getattr(encoding, "scale", 0.0) >= 0, f"column {encoding.name!r} has a negative scale")
    return encoder


def _target(expected: type[Any], state: Mapping[str, Any]) -> Any:
    """Return the target; ``expected`` is `ClassTarget` or `NumberTarget`."""
    target = expected.from_json(state)
    _require(target.to_json() == state, f"its target is not a {expected.__name__}, or has values of another type")
    _require(type(state["name"]) is str, f"its target has the name {state['name']!r}")
    if hasattr(target, "is_multilabel"):
        classes, kinds = state["classes"], {type(value) for value in state["classes"]}
        least, numbered = (1, list(range(len(classes)))) if target.is_multilabel else (2, classes)
        _require(type(state["is_multilabel"]) is bool, "its target does not say whether it is multilabel")
        _require(len(kinds) == 1 and kinds <= {str, bool, int, float}, "its classes are of several types, or of none")
        _require(len(classes) >= least and classes == sorted(set(numbered)), "its classes are not in order")
        return target
    one_size = target.mean.ndim == 1 and len(target.mean) > 0 and (not target.is_single or len(target.mean) == 1)
    _require(type(state["is_single"]) is bool and one_size, "its target has an impossible number of columns")
    in_order = (target.deviation > 0).all() and (target.low <= target.high).all()
    _require(bool(in_order), "its target has a range or deviation that no numbers have")
    return target


def _network(config: Mapping[str, Any], tensors: Mapping[str, Array], encoder: Encoder, n_outputs: int) -> Network:
    """Return the network with the weights of the file; before memory is taken, its shapes are those of the tensors."""
    n_inputs = config["n_inputs"]
    fits = type(n_inputs) is int and n_inputs == encoder.n_columns
    _require(fits, f"its network takes {n_inputs!r} columns, its encoder makes {encoder.n_columns}")
    layers = [from_config(Layer, layer) for layer in config["layers"]]  # type: ignore[type-abstract]
    shapes, _ = _shapes_and_size(Chain(tuple(layers)), encoder.n_columns)
    _require(set(shapes) == set(tensors), f"its tensors are {listed(tensors)}; its network has {listed(shapes)}")
    for name, shape in shapes.items():
        found = f"{tensors[name].dtype} {tensors[name].shape}, not {config['dtype']} {shape}"
        _require(tensors[name].shape == shape and tensors[name].dtype == config["dtype"], f"tensor {name!r} is {found}")
        _require(bool(np.isfinite(tensors[name]).all()), f"tensor {name!r} has numbers that are not finite")
    network = Network(layers, encoder.n_columns, dtype=config["dtype"])
    fits = network.n_outputs == n_outputs
    _require(fits, f"its network has {network.n_outputs} outputs, its target needs {n_outputs}")
    for name, view in {**network.named_parameters, **network.named_buffers}.items():
        view[...] = tensors[name]
    network.initialized = True
    for code in encoder.code_columns:  # another number of codes than the embedding has would mix up the levels
        row = np.zeros((1, encoder.n_columns))
        row[0, code.column_index] = code.n_codes - 1
        network.predict(row)
        row[0, code.column_index] = code.n_codes
        with contextlib.suppress(DataError):
            network.predict(row)
            raise ModelFileError(f"its network takes more levels of column {code.name!r} than its encoder has")
    return network


def _prefix(index: int, n_networks: int) -> str:
    """Return what stands before the names of a network's tensors; a single network's have their own names."""
    return f"network{index}." if n_networks > 1 else ""


def _ensemble(document: Mapping[str, Any], tensors: Mapping[str, Array], estimator: Any) -> Ensemble:
    configs, weights = document["networks"], document["weights"]
    fits = 1 <= len(configs) == len(weights) <= MOST_NETWORKS and all(type(w) is float and 0 < w <= 1 for w in weights)
    _require(fits and abs(math.fsum(weights) - 1) < 1e-6, "its networks and their weights do not fit")
    networks = []
    left = dict(tensors)
    for index, config in enumerate(configs):
        start = _prefix(index, len(configs))
        own = {name: left.pop(name) for name in tensors if name.startswith(start)}
        own = {name.removeprefix(start): tensor for name, tensor in own.items()}
        networks.append(_network(config, own, estimator.encoder_, estimator._n_outputs()))
    _require(not left, f"it has tensors of no network: {listed(left)}")
    return Ensemble(tuple(networks), tuple(weights), estimator.loss_)


def _conformal(scores: Array, estimator: Any) -> Intervals | PredictionSets:
    columns = estimator._n_outputs() if isinstance(estimator.loss_, SquaredError) else None
    fits = scores.dtype == np.float64 and scores.ndim == (1 if columns is None else 2)
    fits = fits and (columns is None or scores.shape[1] == columns) and len(scores) > 0
    ordered = fits and bool(np.isfinite(scores).all() and (np.diff(scores, axis=0) >= 0).all())
    _require(ordered, "its conformal scores are not sorted numbers")
    return PredictionSets(scores) if columns is None else Intervals(scores)


def _member_to_json(member: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **member,
        "configuration": {
            **member["configuration"],
            "hidden_layer_sizes": list(member["configuration"]["hidden_layer_sizes"]),
        },
        "values": [to_json(value) for value in member["values"]],
        "used": [[epoch, count] for epoch, count in member["used"].items()],
    }


def _member(state: Mapping[str, Any]) -> dict[str, Any]:
    given = {**state["configuration"], "hidden_layer_sizes": tuple(state["configuration"]["hidden_layer_sizes"])}
    plain = all(isinstance(value, str | int | float | tuple) for value in given.values())
    _require(plain and type(state["member"]) is int and type(state["stopped_by"]) is str, "a member is damaged")
    return {
        "member": state["member"],
        "configuration": dataclasses.asdict(Configuration(**given)),
        "values": [float(value) for value in state["values"]],
        "stopped_by": state["stopped_by"],
        "used": {int(epoch): int(count) for epoch, count in state["used"]},
    }


def _shapes_and_size(layer: Layer, n_inputs: int, prefix: str = "") -> tuple[dict[str, Shape], int]:
    """Return the shape of each tensor by name, and how many numbers a row becomes; nothing of that size is made."""
    own = {**layer.parameter_shapes(n_inputs), **layer.buffer_shapes(n_inputs)}
    shapes, size = {prefix + name: shape for name, shape in own.items()}, layer.output_size(n_inputs)
    inner_inputs = layer.child_sizes(n_inputs)
    for name, child in layer.children.items():
        inner, inner_size = _shapes_and_size(child, inner_inputs[name], f"{prefix}{name}.")
        shapes, size = {**shapes, **inner}, size + inner_size
    _require(size <= LARGEST_ROW, f"its network makes {size} numbers of a row; this release reads up to {LARGEST_ROW}")
    return shapes, size


def _history(state: list[list[Any]], receipt: Mapping[str, Any], seed: int) -> History:
    """Return the history as a table; training cannot be resumed from it."""
    columns = dict(state)
    lengths = {len(column) for column in columns.values()}
    _require({"epoch", "loss", "validation_loss"} <= set(columns) and len(lengths) == 1, "its history is not a table")
    (n_epochs,) = lengths
    _require(n_epochs > 0 and receipt["best_epoch"] in columns["epoch"], f"its best epoch is {receipt['best_epoch']}")
    last = int(columns["epoch"][-1])
    state_then = TrainingState(seed, last, epoch=last)
    history = History(state_then, receipt["engine"], "it was trained before it was saved")
    for name, column in columns.items():
        history.columns[name] = [float(value) if isinstance(value, str) else value for value in column]
        _require(all(type(value) in (int, float) for value in history.columns[name]), f"its history has another {name}")
    history.stopped_by = receipt["stopped_by"]
    return history


def _refuse_other_arrays(value: Any) -> None:
    """Raise for an array of another dtype than numbers; a text of a billion characters, say, would be as large."""
    if isinstance(value, dict):
        if value.get("type") == "array":
            _require(value["dtype"] in DTYPES.values(), f"it has an array of dtype {value['dtype']!r}")
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            _refuse_other_arrays(item)


def _require_types(described: Any) -> None:
    """Raise unless each field of a column or encoding is of the type that its class declares."""
    for field in dataclasses.fields(described):
        value = getattr(described, field.name)
        fits = isinstance(value, TYPES[str(field.type)]) and (field.type == "bool" or not isinstance(value, bool))
        if isinstance(value, tuple):
            fits = fits and all(isinstance(item, str) for item in value)
        _require(fits, f"{type(described).__name__} has {field.name} {value!r:.80}")


def _require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise ModelFileError(otherwise)
