"""While the service runs, what was loaded before is left out of the garbage collector's rounds."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from pellucid import TabularClassifier
from pellucid.serving import application, serve
from tests.serving.conftest import QUICK

pytest.importorskip("uvicorn", reason="the package uvicorn is not installed")


class Ready(Exception):
    """Ends the service as soon as it listens."""


def test_what_is_loaded_is_not_gone_through_again_until_the_service_has_ended() -> None:
    table = {"size": list(range(20))}
    options: dict[str, Any] = {**QUICK, "members": 1}
    app = application(TabularClassifier(**options).fit(table, ["small"] * 10 + ["large"] * 10))
    frozen: list[int] = []

    def ready(address: str) -> None:
        frozen.append(gc.get_freeze_count())
        raise Ready

    before = gc.get_freeze_count()
    with pytest.raises(Ready):
        serve(app, host="127.0.0.1", port=0, ready=ready)
    assert frozen[0] > 10_000  # the libraries alone are more
    assert gc.get_freeze_count() <= before
