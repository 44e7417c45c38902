"""A refusal is the answer to a request that cannot be served: a status, and what is wrong, as data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pellucid.errors import DataError, MissingColumnError, PellucidError
from pellucid.tabular.faults import CellError


class Refusal(Exception):
    """A request that is not served.

    ``status`` is HTTP's; ``kind`` is one word for programs, ``message`` a sentence for people; ``column`` and ``row``
    (counted from 0) say where in the request's rows the fault is, as far as it is in one place.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        column: str | None = None,
        row: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.kind, self.message, self.headers = status, kind, message, headers
        self.column, self.row = column, row

    @classmethod
    def of(cls, error: PellucidError) -> Refusal:
        """Return the library's own error about a table as a refusal."""
        if isinstance(error, CellError):
            return cls(422, "bad_value", str(error), column=error.column, row=error.row)
        if isinstance(error, MissingColumnError):
            return cls(422, "missing_column", str(error))
        return cls(422, "bad_table" if isinstance(error, DataError) else "cannot_predict", str(error))

    def document(self) -> dict[str, Any]:
        """Return the body of the answer, as JSON data."""
        return {"error": {"type": self.kind, "message": self.message, "column": self.column, "row": self.row}}
