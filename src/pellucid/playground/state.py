"""The state in a link: configuration, edits and step as compressed text, of which nothing is believed unchecked."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from typing import Any

from pellucid.errors import OptionError
from pellucid.playground.configuration import LARGEST_SEED, Configuration

VERSION = 1
LONGEST = 100_000  # characters
LARGEST = 1_000_000  # bytes when unpacked
MOST_EDITS = 1000
LAST_STEP = 10**7


def encode(configuration: Configuration, edits: list[dict[str, Any]], step: int) -> str:
    """Return the text; `OptionError` where there is too much for a link."""
    content = {"version": VERSION, "configuration": configuration.to_json(), "edits": edits, "step": step}
    packed = zlib.compress(json.dumps(content, separators=(",", ":"), allow_nan=False).encode(), 9)
    text = base64.urlsafe_b64encode(packed).decode("ascii").rstrip("=")
    if len(text) > LONGEST or len(edits) > MOST_EDITS or step > LAST_STEP:
        raise OptionError(
            f"link: the run has {len(configuration.data['points'])} points, {len(edits)} edits and {step:,} steps, too "
            f"much for a link of at most {LONGEST:,} characters, {MOST_EDITS:,} edits and {LAST_STEP:,} steps."
        )
    return text


def decode(text: str) -> tuple[Configuration, list[dict[str, Any]], int]:
    """Return configuration, edits (whose fields the experiment checks) and step; `OptionError` for any other text."""
    if len(text) > LONGEST:
        raise OptionError(f"link has {len(text):,} characters; it expects at most {LONGEST:,}.")
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        unpacker = zlib.decompressobj()
        content = unpacker.decompress(packed, LARGEST)
        if not unpacker.eof:
            raise ValueError("it is cut short, or too large")
        state = read_json(content)
    except (ValueError, binascii.Error, zlib.error, RecursionError) as error:
        raise OptionError(f"link cannot be read: {str(error)[:80]}. Copy it whole.") from None
    if not isinstance(state, dict) or state.get("version") != VERSION:
        raise OptionError(f"link is of another version; this playground reads version {VERSION}.")
    edits, step = state.get("edits", []), state.get("step", 0)
    if type(step) is not int or not 0 <= step <= LAST_STEP:
        raise OptionError(f"link: step got {step!r:.40}; it expects a whole number up to {LAST_STEP:,}.")
    if not isinstance(edits, list) or len(edits) > MOST_EDITS or not all(isinstance(edit, dict) for edit in edits):
        raise OptionError(f"link: edits expects a list of at most {MOST_EDITS:,} objects.")
    return Configuration.from_json(state.get("configuration", {})), edits, step


def read_json(text: str | bytes) -> Any:
    """Return JSON data in which every number is finite and every whole one exact; `ValueError`, `RecursionError`."""
    return json.loads(text, parse_constant=_refuse, parse_int=_whole)


def _whole(text: str) -> int:
    if len(text) > 16 or abs(int(text)) > LARGEST_SEED:
        raise ValueError(f"{text[:20]} is too large a number")
    return int(text)


def _refuse(text: str) -> float:
    raise ValueError(f"{text} is no number")
