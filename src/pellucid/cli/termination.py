"""SIGTERM, by which a system ends a program, unwinds a command as Ctrl-C does, so that no half-written file is left."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Terminated(BaseException):
    """SIGTERM came; like KeyboardInterrupt it is no error that could be handled on the way."""


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM raise `Terminated` in this context, once: a second one does not cut short the tidying up.

    A handler of someone else's, or a parent that has the signal ignored, is left alone.
    """
    own = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if own:
        signal.signal(signal.SIGTERM, _end)
    try:
        yield
    finally:
        if own:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def stopped(ended: KeyboardInterrupt | Terminated, consequence: str = "") -> int:
    """Say that Ctrl-C or SIGTERM ended the command, and return its exit code."""
    word, code = ("interrupted", 130) if isinstance(ended, KeyboardInterrupt) else ("terminated", 143)
    print(f"pellucid: {word}{consequence}", file=sys.stderr)
    return code


def _end(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)
    raise Terminated
