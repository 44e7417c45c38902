"""What the tests of insight share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.insight.plain import Plain


@pytest.fixture(scope="session")
def plain() -> Iterator[Plain]:
    """An interpreter with NumPy alone."""
    interpreter = Plain()
    yield interpreter
    interpreter.close()
