"""The endpoints are what a request meets: it is read within bounds, predicted in a batch, and answered or refused."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from pellucid.errors import PellucidError, listed
from pellucid.serving.answers import Answer, Words, answer
from pellucid.serving.batching import Batcher
from pellucid.serving.fields import fields_of
from pellucid.serving.questions import Question, Reader
from pellucid.serving.refusals import Refusal
from pellucid.serving.schema import ARROW, JSON, openapi
from pellucid.tabular import ClassTarget

MAX_WAITING = 512  # requests in line for a prediction
BODIES_HELD = 8  # of the largest size, in memory at a time
SECONDS_TO_READ = 30.0
SECONDS_TO_PREDICT = 60.0
QUICK_BYTES = 65_536  # a body up to this is read at once; a larger one beside the loop that answers others

_log = logging.getLogger("pellucid.serving")


class Endpoints:
    """The service's answers for one fitted estimator.

    name : what the model is called
    max_rows, max_bytes : of a request
    """

    def __init__(self, estimator: Any, *, name: str, max_rows: int, max_bytes: int) -> None:
        encoder = estimator.encoder_
        others = [column.name for column in encoder.columns if not column.is_used]
        self._estimator = estimator
        self._name, self._max_bytes = name, max_bytes
        self._fields = fields_of(encoder, estimator.missing)
        self._reader = Reader(self._fields, others, estimator.missing, max_rows=max_rows, max_bytes=max_bytes)
        self._words = Words.of(estimator)
        self._document = openapi(estimator, self._fields, others, self._words, name=name, max_rows=max_rows)
        self._joins = estimator.engine_ == "native"  # on NumPy, a row's bits depend on how many rows there are
        self._batcher = Batcher(self._predict, max_rows=max_rows, max_waiting=MAX_WAITING)
        self._counts: Counter[str] = Counter(requests=0, rows=0, refused=0, batches=0)
        self._bytes_held = 0
        self._began = time.monotonic()

    async def predict(self, request: Request) -> Response:
        """Answer POST /predict."""
        self._counts["requests"] += 1
        try:
            return await self._predicted(request)
        except Exception as error:
            self._counts["refused"] += 1
            return await self.refuse(request, error)

    async def _predicted(self, request: Request) -> Response:
        wanted = _accepted(request.headers.get("accept", "*/*"))
        coverage = self._coverage(request)
        read = {JSON: self._reader.json, ARROW: self._reader.arrow}[_sent(request)]
        held = 0
        try:
            body = bytearray()
            async with _within(SECONDS_TO_READ, 408, "late_body", "the body did not arrive"):
                self._check_size(int(request.headers.get("content-length", "0")))
                async for chunk in request.stream():
                    self._check_size(len(body) + len(chunk))
                    self._bytes_held += len(chunk)
                    held += len(chunk)
                    if self._bytes_held > BODIES_HELD * self._max_bytes:
                        message = "the requests of the moment take too much memory; try again in a second."
                        raise Refusal(503, "busy", message, headers={"Retry-After": "1"})
                    body += chunk
            if not body:
                raise Refusal(400, "empty_body", "the body is empty; send rows.")
            quick = len(body) <= QUICK_BYTES
            question = read(bytes(body), coverage) if quick else await run_in_threadpool(read, bytes(body), coverage)
            async with _within(SECONDS_TO_PREDICT, 503, "busy", "the prediction was not made"):
                found = await self._batcher.ask(question)
        finally:
            self._bytes_held -= held
        self._counts["rows"] += question.n_rows
        if quick:
            return self._response(found, wanted)
        return await run_in_threadpool(self._response, found, wanted)

    async def schema(self, request: Request) -> Response:
        """Answer GET /schema."""
        return JSONResponse(self._document)

    async def health(self, request: Request) -> Response:
        """Answer GET /health."""
        digest = getattr(self._estimator, "receipt_", {}).get("sha256")
        uptime = round(time.monotonic() - self._began, 3)
        return JSONResponse(
            {"status": "ok", "model": self._name, "sha256": digest, "uptime_seconds": uptime, **self._counts}
        )

    async def refuse(self, request: Request, error: Exception) -> Response:
        """Answer a request that cannot be served."""
        refusal = _as_refusal(request, error)
        content = json.dumps(refusal.document())  # in ASCII: what is told of may be no text
        return Response(content, refusal.status, headers=refusal.headers, media_type=JSON)

    def _check_size(self, n_bytes: int) -> None:
        if n_bytes > self._max_bytes:
            message = f"the body has more than {self._max_bytes:,} bytes, which is the most; send the rows in parts."
            raise Refusal(413, "too_large", message)

    def _coverage(self, request: Request) -> float | None:
        """Return the query's ``interval``, or None."""
        unknown = sorted(set(request.query_params) - {"interval"})
        if unknown:
            raise Refusal(400, "bad_option", f"there is no option {unknown[0]!r}; there is 'interval'.")
        text = request.query_params.get("interval")
        if text is None:
            return None
        if isinstance(self._estimator.target_, ClassTarget):
            raise Refusal(400, "bad_option", "interval: the model predicts classes; intervals are for numbers.")
        if self._estimator.conformal_ is None:
            message = "interval: the model is a single network, which has no out-of-sample errors to measure it by."
            raise Refusal(400, "bad_option", message)
        try:
            coverage = float(text)
            self._estimator.conformal_.half_width(coverage)
        except PellucidError as error:
            raise Refusal(400, "bad_option", f"interval: {error}") from error
        except ValueError as error:
            raise Refusal(400, "bad_option", f"interval got {text!r}; it expects a number such as 0.9.") from error
        return coverage

    def _predict(self, questions: Sequence[Question]) -> Sequence[Answer | Exception]:
        """Return an answer or an error for each question, all by one call where they join."""
        self._counts["batches"] += 1
        if len(questions) > 1:
            try:
                return self._together(questions) if self._joins else [self._alone(question) for question in questions]
            except PellucidError:  # of one of them: each for itself, it harms no other
                pass
        found: list[Answer | Exception] = []
        for question in questions:
            try:
                found.append(self._alone(question))
            except PellucidError as error:
                found.append(error)
        return found

    def _alone(self, question: Question) -> Answer:
        columns = question.columns
        if question.joins:
            columns = {field.name: field.series(columns[field.name]) for field in self._fields}
        return answer(self._estimator, columns, question.coverage)

    def _together(self, questions: Sequence[Question]) -> list[Answer]:
        columns = {
            field.name: [value for question in questions for value in question.columns[field.name]]
            for field in self._fields
        }
        n_rows = sum(question.n_rows for question in questions)
        found = self._alone(Question(columns, n_rows, questions[0].coverage))
        parts, start = [], 0
        for question in questions:
            parts.append(found.part(start, start + question.n_rows))
            start += question.n_rows
        return parts

    def _response(self, found: Answer, wanted: str) -> Response:
        if wanted == ARROW:
            content = io.BytesIO()
            self._words.table(found).write_ipc_stream(content)
            return Response(content.getvalue(), media_type=ARROW)
        document = {"predictions": self._words.rows(found)}
        return Response(json.dumps(document, allow_nan=False, separators=(",", ":")), media_type=JSON)


def _within(seconds: float, status: int, kind: str, problem: str) -> _Deadline:
    return _Deadline(seconds, Refusal(status, kind, f"{problem} within {seconds:g} seconds."))


class _Deadline:
    """An `asyncio.timeout` whose end is a refusal."""

    def __init__(self, seconds: float, refusal: Refusal) -> None:
        self._timeout, self._refusal = asyncio.timeout(seconds), refusal

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()

    async def __aexit__(self, *raised: Any) -> None:
        try:
            await self._timeout.__aexit__(*raised)
        except TimeoutError:
            raise self._refusal from None


def _sent(request: Request) -> str:
    """Return the format of the body, or refuse it."""
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Refusal(415, "bad_encoding", "the body is compressed; send it plain.")
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent not in (JSON, ARROW):
        got = f"is {sent!r}" if sent else "is missing"
        raise Refusal(415, "bad_content_type", f"Content-Type {got}; it expects one of {listed((JSON, ARROW))}.")
    return sent


def _accepted(accept: str) -> str:
    """Return the format that the header Accept likes best, JSON among equals, or refuse it."""
    liked: dict[str, float] = {}
    for part in accept.lower().split(","):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        share = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
        try:
            liked[kind] = float(share)
        except ValueError:
            liked[kind] = 0.0
    shares = {}
    for offered in (JSON, ARROW):
        ranges = (offered, "application/*", "*/*")
        shares[offered] = next((liked[kind] for kind in ranges if kind in liked), 0.0)
    best = max(shares, key=shares.__getitem__)
    if not shares[best] > 0:
        raise Refusal(406, "not_acceptable", f"Accept is {accept[:100]!r}; there are {listed((JSON, ARROW))}.")
    return best


def _as_refusal(request: Request, error: Exception) -> Refusal:
    if isinstance(error, Refusal):
        return error
    if isinstance(error, PellucidError):
        return Refusal.of(error)
    if isinstance(error, ClientDisconnect):
        return Refusal(400, "disconnected", "the client left before the body had arrived.")
    if isinstance(error, HTTPException):
        path = request.url.path
        kind, message = {
            404: ("not_found", f"there is no {path!r}; there are '/predict', '/schema' and '/health'."),
            405: ("bad_method", f"{path!r} is not for {request.method}; 'Allow' says which methods it has."),
        }.get(error.status_code, ("refused", str(error.detail)))
        return Refusal(error.status_code, kind, message, headers=error.headers)
    _log.error("internal error while answering %s: %s: %s", request.url.path, type(error).__name__, error)
    _log.debug("where it comes from:", exc_info=error)
    return Refusal(500, "internal", "an internal error, which the service's log tells more of.")
