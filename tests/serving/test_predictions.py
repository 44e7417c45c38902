"""What is served has the bits that the estimator's own methods return, whichever requests came with it."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import polars as pl
import pytest

from pellucid import TabularClassifier, TabularRegressor
from tests.serving.conftest import ARROW, KINDS, QUICK, Client, json_rows


def probabilities(response: Any, classes: Any) -> list[list[float]]:
    return [[row["probabilities"][str(name)] for name in classes] for row in response.json()["predictions"]]


def test_json_rows_are_predicted_as_the_estimator_does(
    client: Client, classifier: TabularClassifier, rows: pl.DataFrame
) -> None:
    response = client.ask(json_rows(rows))
    assert response.status_code == 200
    assert probabilities(response, classifier.classes_) == classifier.predict_proba(rows.to_dict()).tolist()
    found = [row["prediction"] for row in response.json()["predictions"]]
    assert found == classifier.predict(rows.to_dict()).tolist()


def test_an_arrow_table_is_predicted_as_the_estimator_does(
    client: Client, classifier: TabularClassifier, rows: pl.DataFrame
) -> None:
    response = client.send_table(rows)
    assert response.headers["content-type"] == ARROW
    found = pl.read_ipc_stream(io.BytesIO(response.content))
    assert found["prediction"].to_list() == classifier.predict(rows.to_dict()).tolist()
    columns = [f"probability of {name}" for name in classifier.classes_]
    assert found.columns == ["prediction", *columns]
    assert found.select(columns).rows() == [tuple(row) for row in classifier.predict_proba(rows.to_dict()).tolist()]


def test_either_format_is_answered_in_either(client: Client, rows: pl.DataFrame) -> None:
    as_json = client.send_table(rows, accept="application/json").json()
    assert as_json == client.ask(json_rows(rows)).json()
    response = client.post(json={"rows": json_rows(rows)}, headers={"accept": f"text/html, {ARROW};q=0.5"})
    assert pl.read_ipc_stream(io.BytesIO(response.content)).height == len(rows)


def test_requests_that_arrive_together_are_predicted_in_few_calls_with_the_same_bits(
    classifier: TabularClassifier, rows: pl.DataFrame
) -> None:
    client, asked = Client(classifier), json_rows(rows)
    alone = [classifier.predict_proba(rows[index : index + 1].to_dict())[0].tolist() for index in range(len(rows))]
    responses = client.together(*({"method": "POST", "url": "/predict", "json": {"rows": [row]}} for row in asked))
    assert [probabilities(response, classifier.classes_)[0] for response in responses] == alone
    health = client.get("/health").json()
    assert health["requests"] == health["rows"] == len(rows)
    assert health["batches"] < len(rows) / 4


def test_a_value_that_cannot_be_read_harms_no_other_request_of_its_batch(client: Client, rows: pl.DataFrame) -> None:
    good = json_rows(rows[:1])
    bad = [{**good[0]}, {**good[0], "picked": "2026-13-45"}]
    bodies = [good, good, bad, good]
    requests = [{"method": "POST", "url": "/predict", "json": {"rows": body}} for body in bodies]
    responses = client.together(*requests)
    assert [response.status_code for response in responses] == [200, 200, 422, 200]
    error = responses[2].json()["error"]
    assert (error["column"], error["row"]) == ("picked", 1)
    assert responses[3].json() == client.ask(good).json()


@pytest.mark.parametrize("zone", [3, 3.0, "3"])
def test_a_category_of_numbers_takes_numbers_beside_text_of_other_requests(
    client: Client, classifier: TabularClassifier, rows: pl.DataFrame, zone: object
) -> None:
    first = json_rows(rows[:1])[0]
    expected = classifier.predict_proba({**rows[:1].to_dict(), "zone": ["3"]})[0].tolist()
    bodies = [{"rows": [{**first, "zone": value}]} for value in (zone, "unheard of", zone)]
    responses = client.together(*({"method": "POST", "url": "/predict", "json": body} for body in bodies))
    assert probabilities(responses[0], classifier.classes_) == [expected]
    assert probabilities(responses[2], classifier.classes_) == [expected]


@pytest.mark.parametrize("absent", [None, "", "n/a"])
def test_null_and_the_texts_for_missing_are_missing_in_every_column(
    client: Client, classifier: TabularClassifier, rows: pl.DataFrame, absent: object
) -> None:
    names = [name for name in rows.columns if name != "serial"]
    expected = classifier.predict_proba({name: [None] for name in names})
    response = client.ask([dict.fromkeys(names, absent)])
    assert probabilities(response, classifier.classes_) == expected.tolist()


def test_columns_that_training_left_out_make_no_difference(client: Client, rows: pl.DataFrame) -> None:
    with_serial = json_rows(rows[:2])
    without = [{name: value for name, value in row.items() if name != "serial"} for row in with_serial]
    assert client.ask(with_serial).json() == client.ask(without).json()


def test_numbers_come_with_an_interval_on_request(regressor: TabularRegressor, rows: pl.DataFrame) -> None:
    client, asked = Client(regressor), json_rows(rows)
    plain = client.ask(asked).json()["predictions"]
    assert plain == [{"prediction": value} for value in regressor.predict(rows.to_dict()).tolist()]
    found = client.post("/predict?interval=0.8", json={"rows": asked}).json()["predictions"]
    assert [[row["low"], row["high"]] for row in found] == regressor.predict_interval(rows.to_dict(), 0.8).tolist()
    in_table = pl.read_ipc_stream(io.BytesIO(client.send_table(rows, "/predict?interval=0.8").content))
    assert in_table.columns == ["prediction", "low", "high"]
    assert in_table["high"].to_list() == [row["high"] for row in found]


def test_requests_for_different_intervals_are_not_mixed_up(regressor: TabularRegressor, rows: pl.DataFrame) -> None:
    client, row = Client(regressor), json_rows(rows[:1])
    paths = ["/predict?interval=0.5", "/predict", "/predict?interval=0.9", "/predict?interval=0.5"] * 3
    responses = client.together(*({"method": "POST", "url": path, "json": {"rows": row}} for path in paths))
    assert [response.json() for response in responses] == [
        client.post(path, json={"rows": row}).json() for path in paths
    ]


def test_several_targets_and_labels_are_called_by_their_names_or_numbers(rows: pl.DataFrame) -> None:
    columns, asked = rows.to_dict(), json_rows(rows[:3])
    numbers = np.stack([np.arange(120.0), np.arange(120.0) % 7], axis=1)
    several = TabularRegressor(members=1, kinds=KINDS, **QUICK).fit(columns, numbers)
    found = Client(several).ask(asked).json()["predictions"]
    assert [[row["prediction"]["0"], row["prediction"]["1"]] for row in found] == several.predict(
        rows[:3].to_dict()
    ).tolist()
    several.target_.name = "targets 'width', 'height'"
    assert list(Client(several).ask(asked).json()["predictions"][0]["prediction"]) == ["width", "height"]
    labels = np.stack([np.arange(120) % 2, np.arange(120) % 3 == 0], axis=1).astype(int)
    labeled = TabularClassifier(members=1, kinds=KINDS, **QUICK).fit(columns, labels)
    first = Client(labeled).ask(asked).json()["predictions"][0]
    assert list(first["probabilities"].values()) == labeled.predict_proba(rows[:1].to_dict())[0].tolist()
    assert list(first["prediction"].values()) == labeled.predict(rows[:1].to_dict())[0].tolist()


def test_where_the_engine_is_numpys_each_request_is_predicted_by_itself(
    classifier: TabularClassifier, rows: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TabularClassifier, "engine_", "numpy: for this test")
    client, calls = Client(classifier), []

    def predict_proba(self: TabularClassifier, X: Any) -> Any:
        calls.append(len(X["size"]))
        return np.full((len(X["size"]), 3), 1 / 3)

    monkeypatch.setattr(TabularClassifier, "predict_proba", predict_proba)
    requests = [{"method": "POST", "url": "/predict", "json": {"rows": json_rows(rows[:2])}}] * 8
    assert {response.status_code for response in client.together(*requests)} == {200}
    assert calls == [2] * 8
