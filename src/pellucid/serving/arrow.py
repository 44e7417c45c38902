"""The size of an Arrow IPC stream's buffers once they are decompressed, read from the stream without decompressing it.

A stream is messages: 0xFFFFFFFF (left out by early writers), the size of the metadata, the metadata, and a body. The
metadata are a FlatBuffer, whose tables name by number where each field stands. A compressed buffer in a body begins
with its true size, or with -1 where it is plain. (Apache Arrow, "Columnar format", and its Message.fbs.)
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

SCHEMA, DICTIONARY_BATCH, RECORD_BATCH = 1, 2, 3


def expanded_bytes(stream: bytes) -> int:
    """Return what all buffers take once decompressed; raise `ValueError` for what is no such stream."""
    total, place = 0, 0
    try:
        while place < len(stream):
            (size,) = struct.unpack_from("<I", stream, place)
            place += 4
            if size == 0xFFFFFFFF:
                (size,) = struct.unpack_from("<I", stream, place)
                place += 4
            if size == 0:
                break
            message, place = _root(stream[place : place + size]), place + size
            n_body = message.number(3, "<q")
            if not 0 <= n_body <= len(stream) - place:
                raise ValueError("a message's body has another size than it says")
            total += _of_message(message, stream[place : place + n_body])
            place += n_body
    except struct.error as error:
        raise ValueError("a message is cut short") from error
    return total


@dataclass(frozen=True)
class _Table:
    """A table of a FlatBuffer, at a place."""

    content: bytes
    place: int

    def field(self, index: int) -> int | None:
        """Return the place of a field, or None where it is left out."""
        vtable = self.place - self._at(self.place, "<i")
        start = 4 + 2 * index
        offset = self._at(vtable + start, "<H") if start < self._at(vtable, "<H") else 0
        return self.place + offset if offset else None

    def number(self, index: int, form: str) -> int:
        """Return a field that is a number, 0 where it is left out."""
        place = self.field(index)
        return 0 if place is None else self._at(place, form)

    def table(self, index: int) -> _Table:
        """Return a field that is a table."""
        place = self.field(index)
        if place is None:
            raise ValueError("a message lacks a part")
        return _Table(self.content, place + self._at(place, "<I"))

    def pairs(self, index: int) -> list[tuple[int, int]]:
        """Return a field that is a list of pairs of numbers."""
        place = self.field(index)
        if place is None:
            return []
        start = place + self._at(place, "<I")
        n = self._at(start, "<I")
        if start + 4 + 16 * n > len(self.content):
            raise ValueError("a message is cut short")
        return [struct.unpack_from("<qq", self.content, start + 4 + 16 * k) for k in range(n)]

    def _at(self, place: int, form: str) -> int:
        if place < 0:
            raise ValueError("a message points outside itself")
        return int(struct.unpack_from(form, self.content, place)[0])


def _root(content: bytes) -> _Table:
    return _Table(content, struct.unpack_from("<I", content)[0])


def _of_message(message: _Table, body: bytes) -> int:
    kind = message.number(1, "<B")
    if kind == SCHEMA:
        if body:
            raise ValueError("the schema has a body")
        return 0
    if kind not in (DICTIONARY_BATCH, RECORD_BATCH):
        raise ValueError("a message is neither schema nor rows nor a dictionary")
    batch = message.table(2)
    if kind == DICTIONARY_BATCH:
        batch = batch.table(1)
    compressed, total = batch.field(3) is not None, 0
    for start, length in batch.pairs(2):
        if not 0 <= start <= start + length <= len(body):
            raise ValueError("a buffer lies outside its message")
        size = struct.unpack_from("<q", body, start)[0] if compressed and length else -1
        if size < -1:
            raise ValueError("a buffer has a size below 0")
        total += length if size == -1 else size
    return total
