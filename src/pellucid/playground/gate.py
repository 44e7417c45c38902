"""The gate stands before everything that the playground serves, and decides alone who may pass.

Any page that a browser shows may send requests to this machine. So a request needs a secret that only the link on the
terminal gives (a token, exchanged once for a cookie that scripts cannot read and other sites cannot send), a Host that
is this server (or a foreign name that was made to point here could read the answers), and, where it is a WebSocket or
changes something, an Origin that is this page. Browsers send cookies to every port of a host; so the cookie's name has
the port.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlencode

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Message, Receive, Send], Awaitable[None]]

LARGEST_BODY = 64 * 2**20
REQUESTS_A_SECOND = 100
SAFE = ("GET", "HEAD")
HEADERS = {
    "content-security-policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class RefusedError(Exception):
    """A request may not pass: the status and the line that say why."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Gate:
    """The outermost layer of the application, for a server on this port; ``token`` is what the link carries."""

    def __init__(self, application: Application, port: int) -> None:
        self.token = secrets.token_urlsafe(32)
        self._application = application
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}
        self._cookie, self._secret = f"pellucid_{port}", secrets.token_urlsafe(32)
        self._token_used = False
        self._allowance, self._counted_at = float(REQUESTS_A_SECOND), time.monotonic()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Let a request pass, or refuse it."""
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
            return
        try:
            location = self._check(scope)
        except RefusedError as error:
            await _refuse(scope, send, error)
            return
        if location is not None:
            cookie = f"{self._cookie}={self._secret}; HttpOnly; SameSite=Strict; Path=/"
            headers = [("location", location), ("set-cookie", cookie)]
            await _answer(send, 303, "", headers)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                kept = [
                    (name, value) for name, value in message.get("headers", []) if name.decode().lower() not in HEADERS
                ]
                message = {**message, "headers": [*kept, *own]}
            await send(message)

        await self._application(scope, receive, send_with_headers)

    def _check(self, scope: Message) -> str | None:
        """Return where to redirect after the token was exchanged, or None to let pass; raise `RefusedError`."""
        headers: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
        hosts = headers.get("host", [])
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            raise RefusedError(421, "this server answers to its own address only")
        method = scope.get("method", "GET")
        changes = scope["type"] == "websocket" or method not in SAFE
        origins = headers.get("origin", [])
        if (changes and not origins) or any(origin != f"http://{hosts[0]}" for origin in origins):
            raise RefusedError(403, "the request comes from another page")
        query = parse_qsl(scope.get("query_string", b"").decode("latin-1"))
        tokens = [value for name, value in query if name == "token"]
        known = self._is_known(headers.get("cookie", []))
        if tokens and scope["type"] == "http" and method in SAFE and scope["path"] == "/":
            rest = urlencode([(name, value) for name, value in query if name != "token"])
            fresh = not self._token_used and len(tokens) == 1 and _same(tokens[0], self.token)
            if fresh or known:
                self._token_used = self._token_used or fresh
                return f"/?{rest}" if rest else "/"
        if not known:
            raise RefusedError(401, "open the link that pellucid playground printed; it can be used once")
        self._count()
        if method not in (*SAFE, "POST"):
            raise RefusedError(405, "there is nothing here for this method")
        length = headers.get("content-length", ["0"])[0]
        if not length.isdecimal():
            raise RefusedError(400, "the length of the body is no number")
        if int(length) > LARGEST_BODY:
            raise RefusedError(413, f"a file may have {LARGEST_BODY // 2**20} MB")
        return None

    def _is_known(self, cookies: list[str]) -> bool:
        for cookie in cookies:
            try:
                found = SimpleCookie(cookie).get(self._cookie)
            except CookieError:
                continue
            if found is not None and _same(found.value, self._secret):
                return True
        return False

    def _count(self) -> None:
        """Refuse what comes faster than a page asks."""
        now = time.monotonic()
        earned = (now - self._counted_at) * REQUESTS_A_SECOND
        self._allowance, self._counted_at = min(REQUESTS_A_SECOND, self._allowance + earned), now
        if self._allowance < 1:
            raise RefusedError(429, "too many requests")
        self._allowance -= 1


def _same(given: str, secret: str) -> bool:
    """Compare in a time that does not depend on where they differ."""
    return hmac.compare_digest(given.encode(), secret.encode())


async def _refuse(scope: Message, send: Send, error: RefusedError) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": str(error)})  # before accept: status 403
        return
    await _answer(send, error.status, f"{error}\n", [])


async def _answer(send: Send, status: int, text: str, headers: list[tuple[str, str]]) -> None:
    body = text.encode()
    own = [
        ("content-type", "text/plain; charset=utf-8"),
        ("content-length", str(len(body))),
        *HEADERS.items(),
        *headers,
    ]
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in own]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})
