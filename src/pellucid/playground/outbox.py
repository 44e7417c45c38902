"""An outbox holds the frames that a page is still to get: answers in their order, of others the latest of each kind."""

from __future__ import annotations

from typing import Any


class Outbox:
    """A page that reads slowly gets fewer frames, never older ones, and the whole curve."""

    def __init__(self) -> None:
        self._answers: list[dict[str, Any]] = []
        self._latest: dict[str, dict[str, Any]] = {}

    def put(self, frame: dict[str, Any]) -> None:
        """Take a frame; an older one of its kind, which was not sent yet, gives way."""
        kind = frame["frame"]
        older = self._latest.pop(kind, None) if kind == "progress" or "id" not in frame else None
        if older is not None and kind == "progress":
            frame = {**frame, "curve": _joined(older["curve"], frame["curve"])}
        if "id" in frame:
            self._answers.append(frame)
        else:
            self._latest[kind] = frame

    def take(self) -> dict[str, Any] | None:
        """Return the frame to send next; None where there is none."""
        if self._answers:
            return self._answers.pop(0)
        return self._latest.pop(next(iter(self._latest))) if self._latest else None

    @property
    def waiting(self) -> int:
        """How many answers are not sent yet."""
        return len(self._answers)


def _joined(older: dict[str, Any], newer: dict[str, Any]) -> dict[str, Any]:
    """Return the rows of two pieces of the curve, where the page has seen neither."""
    if newer["from"] < older["from"]:
        return newer
    kept = older["rows"][: newer["from"] - older["from"]]
    return {"from": older["from"], "rows": [*kept, *newer["rows"]]}
