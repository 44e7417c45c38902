"""What the tests of serving share: small fitted models, and a client that calls an application without a socket."""

from __future__ import annotations

import asyncio
import datetime
import io
from collections.abc import Sequence
from typing import Any

import httpx
import polars as pl
import pytest

from pellucid import TabularClassifier, TabularRegressor
from pellucid.serving import application

ARROW = "application/vnd.apache.arrow.stream"
QUICK = {"epochs": 2, "hidden_layer_sizes": (8,), "random_state": 0}


class Client:
    """Sends requests to an application, one after another or together."""

    def __init__(self, estimator: Any, **limits: Any) -> None:
        self.app = application(estimator, **limits)

    def together(self, *requests: dict[str, Any]) -> list[httpx.Response]:
        """Send requests at the same time; each is the keywords of httpx's ``request``."""

        async def send() -> list[httpx.Response]:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://service", timeout=60) as client:
                return await asyncio.gather(*(client.request(**request) for request in requests))

        return asyncio.run(send())

    def get(self, path: str) -> httpx.Response:
        return self.together({"method": "GET", "url": path})[0]

    def post(self, path: str = "/predict", **request: Any) -> httpx.Response:
        return self.together({"method": "POST", "url": path, **request})[0]

    def ask(self, rows: Sequence[Any]) -> httpx.Response:
        return self.post(json={"rows": rows})

    def send_table(self, table: pl.DataFrame, path: str = "/predict", accept: str = ARROW) -> httpx.Response:
        return self.post(path, content=stream(table), headers={"content-type": ARROW, "accept": accept})


def stream(table: pl.DataFrame) -> bytes:
    content = io.BytesIO()
    table.write_ipc_stream(content)
    return content.getvalue()


def refused(response: httpx.Response, status: int, kind: str, *words: str) -> dict[str, Any]:
    """Check a refusal's status, type and words, and return it."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    error = response.json()["error"]
    assert error["type"] == kind, error
    for word in words:
        assert word in error["message"]
    return error


def table(n_rows: int = 120) -> pl.DataFrame:
    """A number and a category with holes, a category of numbers, a truth value, a date, and a column of serials."""
    days = [datetime.date(2026, 1, 1) + datetime.timedelta(days=3 * index) for index in range(n_rows)]
    return pl.DataFrame(
        {
            "size": [None if index % 11 == 0 else index % 17 + 0.25 for index in range(n_rows)],
            "color": [None if index % 13 == 0 else ("red", "green", "blue")[index % 3] for index in range(n_rows)],
            "zone": pl.Series([str(index % 4) for index in range(n_rows)]),
            "ripe": [index % 5 < 2 for index in range(n_rows)],
            "picked": days,
            "serial": [f"no-{index:04d}" for index in range(n_rows)],
        }
    )


KINDS = {"zone": "category"}


def json_rows(rows: pl.DataFrame) -> list[dict[str, Any]]:
    return [
        {name: value.isoformat() if isinstance(value, datetime.date) else value for name, value in row.items()}
        for row in rows.to_dicts()
    ]


@pytest.fixture(scope="session")
def rows() -> pl.DataFrame:
    return table()


@pytest.fixture(scope="session")
def classifier(rows: pl.DataFrame) -> TabularClassifier:
    """A population for three classes."""
    kinds = ["plum" if index % 3 else "melon" if index % 2 else "fig" for index in range(len(rows))]
    return TabularClassifier(members=2, folds=2, kinds=KINDS, missing=("n/a",), **QUICK).fit(rows.to_dict(), kinds)


@pytest.fixture(scope="session")
def regressor(rows: pl.DataFrame) -> TabularRegressor:
    """A population for one number, with intervals."""
    prices = [index % 11 + (3.5 if index % 3 else 0.5) for index in range(len(rows))]
    return TabularRegressor(members=2, folds=2, kinds=KINDS, **QUICK).fit(rows.to_dict(), prices)


@pytest.fixture(scope="session")
def client(classifier: TabularClassifier) -> Client:
    return Client(classifier, name="fruit")
