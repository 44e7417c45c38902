"""The schema is the service's OpenAPI 3.1 document, derived from the columns that the model's encoder was fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pellucid import __version__
from pellucid.errors import listed
from pellucid.serving.answers import Words
from pellucid.serving.fields import Field
from pellucid.tabular import ClassTarget

ARROW = "application/vnd.apache.arrow.stream"
JSON = "application/json"
REFUSALS = {
    400: "The body, or the query, cannot be read.",
    406: "Accept names neither of the two formats.",
    408: "The body did not arrive in time.",
    413: "The body is too large, or has too many rows.",
    415: "Content-Type names neither of the two formats.",
    422: "A column is missing or unknown, or a cell cannot be used.",
    503: "Too many requests are waiting; Retry-After says for how many seconds to wait.",
}
_NAMES = {int: "number", float: "number", bool: "boolean", str: "string"}


def openapi(
    estimator: Any, fields: Sequence[Field], others: Sequence[str], words: Words, *, name: str, max_rows: int
) -> dict[str, Any]:
    """Return the document, JSON data.

    fields : the columns that the model needs
    others : further columns of its training table, which may be there
    words : the names of its classes and targets
    """
    responses: dict[str, Any] = {
        "200": {"description": "A prediction for each row, in their order.", "content": _formats("Predictions")}
    }
    for status, description in REFUSALS.items():
        responses[str(status)] = {"description": description, "content": {JSON: {"schema": _reference("Refusal")}}}
    predict = {
        "summary": "Predict rows",
        "operationId": "predict",
        "parameters": [] if isinstance(estimator.target_, ClassTarget) else [_interval()],
        "requestBody": {"required": True, "content": _formats("Rows")},
        "responses": responses,
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": name, "version": __version__, "description": f"A {type(estimator).__name__} of Pellucid."},
        "paths": {
            "/predict": {"post": predict},
            "/schema": {"get": _page("This document", "schema")},
            "/health": {"get": _page("The model, and what was served so far", "health")},
        },
        "components": {
            "schemas": {
                "Row": _row(fields, others),
                "Rows": _object(
                    {"rows": {"type": "array", "items": _reference("Row"), "minItems": 1, "maxItems": max_rows}}
                ),
                "Prediction": _prediction(estimator, words),
                "Predictions": _object({"predictions": {"type": "array", "items": _reference("Prediction")}}),
                "Refusal": _refusal(),
            }
        },
    }


def _row(fields: Sequence[Field], others: Sequence[str]) -> dict[str, Any]:
    properties: dict[str, Any] = {name: {"description": "Not used."} for name in others}
    return _object({field.name: _cell(field) for field in fields} | properties, optional=others)


def _cell(field: Field) -> dict[str, Any]:
    types = list(dict.fromkeys(_NAMES[of] for of in field.types))
    missing = sorted(field.missing)
    if "string" in types:
        found: dict[str, Any] = {"type": [*types, "null"]}
    else:
        found = {"anyOf": [{"type": [*types, "null"]}, {"enum": missing}]}
    found["description"] = f"A {field.kind}: {field.expected}. Null, or one of the texts {listed(missing)}, is missing."
    if field.levels:
        found["examples"] = list(field.levels[:10])
    return found


def _prediction(estimator: Any, words: Words) -> dict[str, Any]:
    target = estimator.target_
    if not isinstance(target, ClassTarget):
        number = _by_name(words.targets, {"type": "number"})
        return _object({"prediction": number, "low": number, "high": number}, optional=("low", "high"))
    share = {"type": "number", "minimum": 0, "maximum": 1}
    known = {"enum": [0, 1]} if target.is_multilabel else {"enum": target.classes.tolist()}
    probabilities = _by_name(words.classes, share)
    return _object({"prediction": _by_name(words.targets, known), "probabilities": probabilities})


def _by_name(names: Sequence[str] | None, each: dict[str, Any]) -> dict[str, Any]:
    return each if names is None else _object({name: each for name in names})


def _refusal() -> dict[str, Any]:
    told = {
        "type": {"type": "string", "description": "One word for programs."},
        "message": {"type": "string", "description": "A sentence for people."},
        "column": {"type": ["string", "null"], "description": "The column that the fault is in, if it is in one."},
        "row": {"type": ["integer", "null"], "description": "The row that the fault is in, counted from 0."},
    }
    return _object({"error": _object(told)})


def _interval() -> dict[str, Any]:
    share = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}
    description = "The coverage, such as 0.9, of an interval around each prediction: adds low and high."
    return {"name": "interval", "in": "query", "required": False, "schema": share, "description": description}


def _page(summary: str, name: str) -> dict[str, Any]:
    content = {JSON: {"schema": {"type": "object"}}}
    return {"summary": summary, "operationId": name, "responses": {"200": {"description": summary, "content": content}}}


def _formats(schema: str) -> dict[str, Any]:
    return {JSON: {"schema": _reference(schema)}, ARROW: {"schema": {"description": "An Arrow IPC stream."}}}


def _object(properties: dict[str, Any], optional: Sequence[str] = ()) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
