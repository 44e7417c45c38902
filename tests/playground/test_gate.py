"""The gate: every address and method is refused without the cookie, for a foreign Host, and for a foreign Origin."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from pellucid.playground import Experiment
from pellucid.playground.gate import HEADERS, LARGEST_BODY, REQUESTS_A_SECOND, Gate
from pellucid.playground.server import Server

PORT = 8123
OWN = f"127.0.0.1:{PORT}"
PATHS = [
    "/",
    "/static/page.js",
    "/static/../gate.py",
    "/table",
    "/model",
    "/experiment",
    "/nothing",
    "//",
    "/%2e%2e",
]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY"]
FOREIGN = [
    "evil.example",
    f"evil.example:{PORT}",
    "127.0.0.1",
    f"127.0.0.1:{PORT + 1}",
    f"127.0.0.1.evil.example:{PORT}",
    "",
]
ORIGINS = ["http://evil.example", "null", f"https://{OWN}", f"http://localhost:{PORT}", f"http://{OWN}/", ""]


class Reached(Exception):
    """The request passed the gate."""


async def reached(scope: Any, receive: Any, send: Any) -> None:
    raise Reached


@pytest.fixture
def gate() -> Gate:
    return Gate(reached, PORT)


Answer = tuple[int, dict[str, str]]


def ask(
    gate: Any, method: str = "GET", path: str = "/", query: str = "", kind: str = "http", **headers: str | None
) -> Answer:
    """Return status and headers; of a WebSocket that is refused 403, and of what passes 200."""
    given = {"host": OWN, **headers}
    scope: dict[str, Any] = {
        "type": kind, "path": path, "query_string": query.encode(), "http_version": "1.1", "scheme": "http",
        "headers": [(k.encode(), v.encode()) for k, v in given.items() if v is not None],
    }  # fmt: skip
    if kind == "http":
        scope["method"] = method
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    try:
        asyncio.run(gate(scope, receive, send))
    except Reached:
        return 200, {}
    if kind == "websocket":
        assert [message["type"] for message in sent] == ["websocket.close"]
        return 403, {}
    assert len(sent) == 2
    return sent[0]["status"], {k.decode(): v.decode() for k, v in sent[0]["headers"]}


def enter(gate: Gate) -> str:
    status, headers = ask(gate, query=f"token={gate.token}&lang=ru")
    assert status == 303 and headers["location"] == "/?lang=ru"
    cookie = headers["set-cookie"]
    assert cookie.startswith(f"pellucid_{PORT}=")
    assert "; HttpOnly" in cookie and "; SameSite=Strict" in cookie
    assert gate.token not in cookie
    return cookie.partition(";")[0]


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_nothing_is_answered_without_the_cookie(gate: Gate, kind: str) -> None:
    own = f"http://{OWN}"
    for path, method in itertools.product(PATHS, METHODS):
        for cookie in (
            None,
            "",
            f"pellucid_{PORT}=",
            f"pellucid_{PORT}=guess",
            f"pellucid_{PORT}={gate.token}",
            "=;;\x7f",
        ):
            status, _ = ask(gate, method, path, kind=kind, cookie=cookie, origin=own)
            assert status in (401, 403), (path, method, cookie)


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_a_foreign_host_or_origin_is_refused_with_the_cookie(gate: Gate, kind: str) -> None:
    cookie = enter(gate)
    for path, method in itertools.product(PATHS, METHODS):
        for host in FOREIGN:
            status, _ = ask(gate, method, path, kind=kind, cookie=cookie, host=host, origin=f"http://{host}")
            assert status == (421 if kind == "http" else 403), (path, method, host)
        for origin in ORIGINS:
            assert ask(gate, method, path, kind=kind, cookie=cookie, origin=origin)[0] == 403, (path, method, origin)
        if method not in ("GET", "HEAD") or kind == "websocket":
            assert ask(gate, method, path, kind=kind, cookie=cookie)[0] == 403, (path, method)


def test_the_own_page_passes(gate: Gate) -> None:
    cookie, own = enter(gate), f"http://{OWN}"
    assert ask(gate, cookie=cookie)[0] == 200
    assert ask(gate, cookie=f"a=b; {cookie}; c=d", origin=own)[0] == 200
    assert ask(gate, "POST", "/table", cookie=cookie, origin=own)[0] == 200
    assert ask(gate, kind="websocket", path="/experiment", cookie=cookie, origin=own)[0] == 200
    for name in ("localhost", "[::1]"):
        assert ask(gate, cookie=cookie, host=f"{name}:{PORT}", origin=f"http://{name}:{PORT}")[0] == 200
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
        assert ask(gate, method, cookie=cookie, origin=own)[0] == 405


def test_the_token_is_good_for_one_exchange(gate: Gate) -> None:
    assert ask(gate, query="token=guess")[0] == 401
    assert ask(gate, query=f"token={gate.token}&token={gate.token}")[0] == 401
    assert ask(gate, path="/experiment", query=f"token={gate.token}")[0] == 401
    cookie = enter(gate)
    assert ask(gate, query=f"token={gate.token}")[0] == 401
    assert ask(gate, query=f"token={gate.token}", cookie=cookie)[0] == 303


def test_a_redirect_stays_on_this_server(gate: Gate) -> None:
    status, headers = ask(gate, query=f"token={gate.token}&next=http://evil.example&a=%0d%0aSet-Cookie:%20x")
    assert status == 303
    assert headers["location"] == "/?next=http%3A%2F%2Fevil.example&a=%0D%0ASet-Cookie%3A+x"


def test_two_hosts_two_origins_and_odd_bytes_are_refused(gate: Gate) -> None:
    cookie = enter(gate)
    for extra, status in (((b"host", b"evil.example"), 421), ((b"origin", b"http://evil.example"), 403)):
        sent: list[Any] = []
        headers = [(b"host", OWN.encode()), (b"origin", f"http://{OWN}".encode()), (b"cookie", cookie.encode()), extra]

        async def send(message: Any, sent: list[Any] = sent) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": headers}
        asyncio.run(gate(scope, None, send))  # type: ignore[arg-type]
        assert sent[0]["status"] == status
    assert ask(gate, cookie="\xff\xfe", query="token=\xff")[0] == 401


def test_large_bodies_and_floods_are_refused(gate: Gate) -> None:
    cookie, own = enter(gate), f"http://{OWN}"
    many = {"content-length": str(LARGEST_BODY + 1)}
    assert ask(gate, "POST", "/table", cookie=cookie, origin=own, **many)[0] == 413
    assert ask(gate, "POST", "/table", cookie=cookie, origin=own, **{"content-length": "-1"})[0] == 400
    gate._allowance = float(REQUESTS_A_SECOND)
    found = [ask(gate, cookie=cookie)[0] for _ in range(3 * REQUESTS_A_SECOND)]
    assert found[0] == 200 and 429 in found


def test_every_answer_has_the_headers_of_the_gate_and_none_of_cors() -> None:
    gate = Server(Experiment, PORT).gate
    cookie = enter(gate)
    for headers in (ask(gate)[1], ask(gate, cookie=cookie, path="/nothing")[1]):
        assert HEADERS.items() <= headers.items()
        assert not [name for name in headers if name.startswith("access-control")]
        assert headers["content-security-policy"].startswith("default-src 'self'")
