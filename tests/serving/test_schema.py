"""The schema is valid OpenAPI, and says of requests and answers what the service does with them."""

from __future__ import annotations

from typing import Any

import jsonschema
import polars as pl
import pytest
from openapi_spec_validator import validate

from pellucid import TabularRegressor
from tests.serving.conftest import Client, json_rows


def checker(client: Client, name: str) -> Any:
    """Return a validator of one of the document's schemas."""
    document = client.get("/schema").json()
    validate(document)
    return jsonschema.Draft202012Validator({"$ref": f"#/components/schemas/{name}", **document})


def test_rows_that_are_served_fit_the_schema_and_their_answers_too(client: Client, rows: pl.DataFrame) -> None:
    body = {"rows": json_rows(rows)}
    checker(client, "Rows").validate(body)
    checker(client, "Predictions").validate(client.post(json=body).json())


def test_numbers_and_intervals_fit_the_schema(regressor: TabularRegressor, rows: pl.DataFrame) -> None:
    client, body = Client(regressor), {"rows": json_rows(rows[:3])}
    for path in ("/predict", "/predict?interval=0.5"):
        checker(client, "Predictions").validate(client.post(path, json=body).json())
    parameters = client.get("/schema").json()["paths"]["/predict"]["post"]["parameters"]
    assert [parameter["name"] for parameter in parameters] == ["interval"]


@pytest.mark.parametrize(
    ("column", "value"),
    [("size", "7"), ("size", True), ("color", 3), ("ripe", 1), ("picked", 20260101), ("zone", True), ("colour", "red")],
)
def test_what_the_schema_excludes_is_refused(client: Client, rows: pl.DataFrame, column: str, value: object) -> None:
    body = {"rows": [{**json_rows(rows[:1])[0], column: value}]}
    assert not checker(client, "Rows").is_valid(body)
    response = client.post(json=body)
    assert response.status_code == 422
    checker(client, "Refusal").validate(response.json())


@pytest.mark.parametrize(
    ("column", "value"),
    [("size", ""), ("size", "n/a"), ("zone", 3), ("color", "violet"), ("serial", 5), ("ripe", None)],
)
def test_what_the_schema_includes_is_served(client: Client, rows: pl.DataFrame, column: str, value: object) -> None:
    body = {"rows": [{**json_rows(rows[:1])[0], column: value}]}
    checker(client, "Rows").validate(body)
    assert client.post(json=body).status_code == 200


def test_health_names_the_model_and_counts(client: Client, rows: pl.DataFrame) -> None:
    before = client.get("/health").json()
    client.ask(json_rows(rows[:4]))
    client.ask([])
    after = client.get("/health").json()
    assert (after["status"], after["model"]) == ("ok", "fruit")
    assert after["uptime_seconds"] >= before["uptime_seconds"]
    added = {name: after[name] - before[name] for name in ("requests", "rows", "refused", "batches")}
    assert added == {"requests": 2, "rows": 4, "refused": 1, "batches": 1}
