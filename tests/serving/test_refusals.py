"""A request that cannot be served is refused with a status, a type, and the column and row of the fault."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import httpx
import polars as pl
import pytest

from pellucid import TabularClassifier, TabularRegressor
from pellucid.serving import endpoints
from tests.serving.conftest import ARROW, QUICK, Client, json_rows, refused, stream

JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("body", "kind", "word"),
    [
        (b"", "empty_body", "empty"),
        (b"{", "bad_json", "line 1 column 2"),
        (b"\xff\xfe\x00", "bad_json", "no JSON"),
        (b"[" * 100_000, "bad_json", "too deep"),
        (b"[]", "bad_rows", '{"rows"'),
        (b'{"rows": {}}', "bad_rows", '{"rows"'),
        (b'{"rows": [], "more": 1}', "bad_rows", "nothing else"),
        (b'{"rows": []}', "no_rows", "at least one"),
        (b'{"rows": [7]}', "bad_rows", "row 0"),
        (b'{"rows": [{"size": 1, "size": 2}]}', "bad_json", "'size' occurs twice"),
        (b'{"rows": [{"size": ' + b"9" * 5000 + b"}]}", "bad_json", "digits"),
    ],
)
def test_a_body_that_is_no_rows(client: Client, body: bytes, kind: str, word: str) -> None:
    refused(client.post(content=body, headers=JSON), 400, kind, word)


@pytest.mark.parametrize(
    ("column", "text", "kind"),
    [
        ("size", '"7"', "wrong_type"),
        ("size", "true", "wrong_type"),
        ("size", "[1]", "wrong_type"),
        ("size", "NaN", "not_finite"),
        ("size", "-Infinity", "not_finite"),
        ("size", "1e999", "not_finite"),
        ("size", "1" + "0" * 400, "not_finite"),
        ("zone", "1e999", "not_finite"),
        ("color", "3", "wrong_type"),
        ("color", "false", "wrong_type"),
        ("color", '"\\ud800"', "bad_value"),
        ("ripe", "1", "wrong_type"),
        ("ripe", '"yes"', "wrong_type"),
        ("picked", "20260101", "wrong_type"),
        ("picked", '"1 May"', "bad_value"),
        ("picked", '"2026-02-30"', "bad_value"),
    ],
)
def test_a_value_that_the_column_cannot_hold(
    client: Client, rows: pl.DataFrame, column: str, text: str, kind: str
) -> None:
    good = json_rows(rows[:1])[0]
    bad = json.dumps({**good, column: "HERE"}).replace('"HERE"', text)
    response = client.post(content=f'{{"rows": [{json.dumps(good)}, {bad}]}}', headers=JSON)
    error = refused(response, 422, kind, repr(column), "row 1")
    assert (error["column"], error["row"]) == (column, 1)


def test_a_column_that_is_missing_or_unknown_is_named_with_its_near_miss(client: Client, rows: pl.DataFrame) -> None:
    good, other = json_rows(rows[:2])
    size = other.pop("size")
    error = refused(client.ask([good, other]), 422, "missing_column", "'size'", "row 1", "null")
    assert (error["column"], error["row"]) == ("size", 1)
    refused(client.ask([{**other, "Sise": size}]), 422, "missing_column", "did you mean 'Sise'?")
    error = refused(client.ask([{**good, "colour": "red"}]), 422, "unknown_column", "did you mean 'color'?")
    assert (error["column"], error["row"]) == ("colour", 0)
    half_a_pair = json.dumps({"rows": [{**good, "\ud800": 1}]})
    refused(client.post(content=half_a_pair, headers=JSON), 422, "unknown_column")


def test_an_arrow_table_that_does_not_fit(client: Client, rows: pl.DataFrame) -> None:
    refused(client.post(content=b"no arrow", headers={"content-type": ARROW}), 400, "bad_arrow")
    refused(client.post(content=stream(rows)[:-200], headers={"content-type": ARROW}), 400, "bad_arrow")
    refused(client.send_table(rows[:0]), 400, "no_rows")
    assert refused(client.send_table(rows.drop("ripe")), 422, "missing_column", "'ripe'")["column"] == "ripe"
    renamed = rows.rename({"color": "colour"})
    refused(client.send_table(renamed), 422, "missing_column", "did you mean 'colour'?")
    refused(client.send_table(rows.with_columns(extra=1)), 422, "unknown_column", "'extra'")
    infinite = rows.with_columns(
        pl.when(pl.int_range(pl.len()) == 5).then(float("inf")).otherwise("size").alias("size")
    )
    error = refused(client.send_table(infinite), 422, "not_finite", "'size'", "row 5")
    assert (error["column"], error["row"]) == ("size", 5)
    words = rows.with_columns(size=pl.lit("large"))
    error = refused(client.send_table(words), 422, "bad_value", "'large' is not a number")
    assert (error["column"], error["row"]) == ("size", 0)
    lists = rows.with_columns(picked=pl.lit([1, 2]))
    refused(client.send_table(lists), 422, "bad_table", "'picked'")


def test_more_rows_or_bytes_than_the_bounds(classifier: TabularClassifier, rows: pl.DataFrame) -> None:
    client, asked = Client(classifier, max_rows=5, max_megabytes=1), json_rows(rows)
    assert client.ask(asked[:5]).status_code == 200
    refused(client.ask(asked[:6]), 413, "too_many_rows", "more than 5 rows")
    refused(client.send_table(rows[:6]), 413, "too_many_rows", "more than 5 rows")
    refused(client.post(content=b" " * 1_000_001, headers=JSON), 413, "too_large", "1,000,000 bytes")

    async def chunks() -> Any:
        for _ in range(11):
            yield b" " * 100_000

    refused(client.post(content=chunks(), headers=JSON), 413, "too_large")  # without Content-Length


def test_methods_paths_and_formats_that_are_not_there(client: Client, rows: pl.DataFrame) -> None:
    body = {"rows": json_rows(rows[:1])}
    wrong_method = client.get("/predict")
    refused(wrong_method, 405, "bad_method", "GET")
    assert wrong_method.headers["allow"] == "POST"
    refused(client.post("/health"), 405, "bad_method")
    refused(client.get("/predictions"), 404, "not_found", "'/predict'")
    refused(
        client.post(content=b"size\n1\n", headers={"content-type": "text/csv"}), 415, "bad_content_type", "text/csv"
    )
    refused(client.post(content=b"{}"), 415, "bad_content_type", "missing")
    refused(client.post(json=body, headers={"content-encoding": "gzip"}), 415, "bad_encoding")
    refused(client.post(json=body, headers={"accept": "text/html"}), 406, "not_acceptable", "text/html")
    refused(client.post(json=body, headers={"accept": "*/*;q=0"}), 406, "not_acceptable")
    refused(client.post("/predict?intervall=0.9", json=body), 400, "bad_option", "intervall")
    refused(client.post("/predict?interval=0.9", json=body), 400, "bad_option", "classes")


@pytest.mark.parametrize("text", ["0", "1", "nan", "1.5", "wide", "0.9999", ""])
def test_an_interval_that_cannot_be_had(regressor: TabularRegressor, rows: pl.DataFrame, text: str) -> None:
    response = Client(regressor).post(f"/predict?interval={text}", json={"rows": json_rows(rows[:1])})
    refused(response, 400, "bad_option", "interval")


def test_a_single_network_has_no_intervals(rows: pl.DataFrame) -> None:
    single = TabularRegressor(members=1, **QUICK).fit({"size": rows["size"]}, list(range(len(rows))))
    response = Client(single).post("/predict?interval=0.9", json={"rows": [{"size": 1}]})
    refused(response, 400, "bad_option", "single network")


def test_a_full_line_is_answered_with_the_time_to_wait(
    classifier: TabularClassifier, rows: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "MAX_WAITING", 3)
    client, begun, go_on = Client(classifier), threading.Event(), threading.Event()
    predict_proba = TabularClassifier.predict_proba

    def slow(self: TabularClassifier, X: Any) -> Any:
        begun.set()
        go_on.wait(30)
        return predict_proba(self, X)

    monkeypatch.setattr(TabularClassifier, "predict_proba", slow)

    async def crowd() -> tuple[list[httpx.Response], httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(client.app), base_url="http://service") as sender:
            body = {"rows": json_rows(rows[:1])}
            served = [asyncio.create_task(sender.post("/predict", json=body))]
            await asyncio.to_thread(begun.wait, 30)
            served += [asyncio.create_task(sender.post("/predict", json=body)) for _ in range(3)]
            while sum(not task.done() for task in served) and len(client_line(client)) < 3:
                await asyncio.sleep(0.01)
            late = await sender.post("/predict", json=body)
            go_on.set()
            return await asyncio.gather(*served), late

    served, late = asyncio.run(crowd())
    assert {response.status_code for response in served} == {200}
    refused(late, 503, "busy", "3 requests are waiting")
    assert late.headers["retry-after"] == "1"
    assert client.get("/health").json()["refused"] == 1


def client_line(client: Client) -> list[Any]:
    return client.app.routes[0].endpoint.__self__._batcher._line


def test_a_body_or_a_prediction_that_takes_too_long(
    classifier: TabularClassifier, rows: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, go_on = Client(classifier), threading.Event()
    monkeypatch.setattr(endpoints, "SECONDS_TO_READ", 0.05)
    monkeypatch.setattr(endpoints, "SECONDS_TO_PREDICT", 0.05)

    async def trickle() -> None:
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            await asyncio.sleep(30)
            raise AssertionError("the body is not waited for")

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/predict", "query_string": b"", "http_version": "1.1"}
        headers = [(b"content-type", b"application/json")]
        await client.app({**scope, "headers": headers, "root_path": ""}, receive, send)
        assert sent[0]["status"] == 408

    asyncio.run(trickle())
    monkeypatch.setattr(TabularClassifier, "predict_proba", lambda self, X: go_on.wait(30))
    try:
        refused(client.ask(json_rows(rows[:1])), 503, "busy", "0.05 seconds")
    finally:
        go_on.set()


def test_an_internal_error_is_told_in_one_line_and_the_service_goes_on(
    classifier: TabularClassifier, rows: pl.DataFrame, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = Client(classifier)
    with monkeypatch.context() as broken:
        broken.setattr(TabularClassifier, "predict_proba", lambda self, X: 1 / 0)
        refused(client.ask(json_rows(rows[:1])), 500, "internal")
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [
        "internal error while answering /predict: ZeroDivisionError: division by zero"
    ]
    assert client.ask(json_rows(rows[:1])).status_code == 200
