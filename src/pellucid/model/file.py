"""The model file is one safetensors file: arrays, one JSON document, and a SHA-256 over every byte of it.

    8 bytes     n, the length of the header, little-endian
    n bytes     the header, JSON padded with spaces:
                {"__metadata__":{"format":"pellucid","version":"1","sha256":"<64 digits>","document":"<JSON>"},
                 "<name>":{"dtype":"F64","shape":[2,3],"data_offsets":[0,48]}, ...}
    the rest    the numbers of the arrays, little-endian, in the order of the header

The digest counts its own 64 digits as zeros. The header always begins in this way, so the digits stand at one known
place, and the same content gives the same bytes. The digest shows damage, not authorship: whoever edits a file can
compute a new one. So reading trusts nothing. Lengths are checked before memory is taken, and all that can come out is
numbers and text: the format has no means to name code.

The container is described at https://github.com/huggingface/safetensors#format.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from pellucid.errors import ModelFileError, OptionError
from pellucid.model.output import Location, check_writable, near_path, whole_file

VERSION = "1"
DTYPES = {"F32": "float32", "F64": "float64", "I64": "int64"}
MAX_HEADER_BYTES = 100_000_000  # what the safetensors package accepts

_SHA256 = b'"sha256":"'  # in a file that we write, first found in its own place: only format and version stand before
_BEGINNING = re.compile(
    rb'\{"__metadata__":\{"format":"pellucid","version":"([^"]{1,20})",' + _SHA256 + rb'([0-9a-f]{64})","document":"'
)


def write_model(
    path: Location, document: dict[str, Any], tensors: Mapping[str, np.ndarray], *, overwrite: bool = False
) -> str:
    """Write a model file and return its SHA-256 as 64 hexadecimal digits.

    The file appears whole or not at all: it is written under another name in the same folder, then renamed.

    document : JSON data with text keys and lists; the order of keys is not kept
    tensors : arrays of any shape, of dtype float32, float64 or int64
    overwrite : whether a file that exists is replaced

    Raises `OptionError` for content that would not come back equal, `OutputError` where the file cannot be written.
    """
    content, digest = packed(document, tensors)
    check_writable(path, overwrite=overwrite, needed_bytes=len(content))
    with whole_file(path, overwrite=overwrite, needed_bytes=len(content)) as temporary, open(temporary, "xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return digest


def packed(document: dict[str, Any], tensors: Mapping[str, np.ndarray]) -> tuple[bytes, str]:
    """Return the bytes of a model file, and its SHA-256; for parameters and errors see `write_model`."""
    content = _serialized(document, tensors)
    start = content.index(_SHA256) + len(_SHA256)
    digest = _digest(content, start)
    content[start : start + 64] = digest.encode()
    return bytes(content), digest


def read_model(path: Location, file_content: bytes | None = None) -> tuple[dict[str, Any], dict[str, np.ndarray], str]:
    """Return the document, the arrays by name, and the digest of a model file, after verifying all of it.

    file_content : the file's bytes where they are at hand; the path is then only its name, in messages

    Raises `ModelFileError` for every file but an intact one that `write_model` wrote.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    path = Path(path)
    content, header, digest = _verified(path, file_content)
    # The digest is right from here on; what follows stands against a file that was made to deceive.
    document = _parsed(path, header["__metadata__"]["document"], "document")
    try:
        tensors = load(content)
    except (SafetensorError, ValueError, OverflowError) as error:
        raise _damaged(path, f"its tensors cannot be read: {error}") from error
    return document, {name: tensors[name] for name in sorted(tensors)}, digest


def file_digest(path: Location) -> str:
    """Return the digest of a model file as 64 hexadecimal digits; raise `ModelFileError` unless the file is intact."""
    return read_model(path)[2]


# -- Writing -----------------------------------------------------------------------------------------------------------


def _serialized(document: dict[str, Any], tensors: Mapping[str, np.ndarray]) -> bytearray:
    """Return the bytes of the file, with zeros in the place of the digest."""
    from safetensors.numpy import save

    for name, array in tensors.items():
        if not isinstance(name, str) or name == "__metadata__" or not name.isprintable():
            raise OptionError(f"model file: a tensor got the name {name!r}; it expects another printable text.")
        if not isinstance(array, np.ndarray) or str(array.dtype) not in DTYPES.values():
            kind = f"dtype {array.dtype}" if isinstance(array, np.ndarray) else type(array).__name__
            raise OptionError(
                f"model file: tensor {name!r} got {kind}; it expects an array of dtype {', '.join(DTYPES.values())}."
            )
    # The package writes metadata in an order that changes from call to call, so the header is written anew.
    plain = save({name: np.asarray(tensors[name], order="C") for name in sorted(tensors)})
    length = int.from_bytes(plain[:8], "little")
    metadata = {"format": "pellucid", "version": VERSION, "sha256": "0" * 64, "document": _as_json(document)}
    layout = json.loads(plain[8 : 8 + length])
    layout.pop("__metadata__", None)
    header = json.dumps({"__metadata__": metadata, **layout}, separators=(",", ":")).encode("ascii")
    header += b" " * (-len(header) % 8)  # so that the numbers begin at a multiple of 8 bytes
    if len(header) > MAX_HEADER_BYTES:
        raise OptionError(
            f"model file: the document takes {len(header):,} bytes; it expects at most {MAX_HEADER_BYTES:,}. "
            "Keep long lists of numbers as tensors."
        )
    return bytearray(b"".join([len(header).to_bytes(8, "little"), header, memoryview(plain)[8 + length :]]))


def _as_json(document: dict[str, Any]) -> str:
    try:
        text = json.dumps(document, sort_keys=True, allow_nan=False, separators=(",", ":"))
        equal = isinstance(document, dict) and json.loads(text) == document
    except (TypeError, ValueError, RecursionError) as error:
        raise OptionError(
            f"model file: the document cannot be written as JSON ({error}); it expects a dictionary of texts, finite "
            "numbers, True, False, None, lists and dictionaries."
        ) from error
    if not equal:
        raise OptionError(
            "model file: the document would not come back equal from JSON; it expects a dictionary, with texts as keys "
            "and lists in place of tuples."
        )
    return text


# -- Reading -----------------------------------------------------------------------------------------------------------


def _opened(path: Path) -> BinaryIO:
    if not os.path.lexists(path):
        raise ModelFileError(
            f"model file {str(path)!r} does not exist{near_path(path) or '.'} Give the path of a model that was saved."
        )
    if not os.path.isfile(path):
        raise ModelFileError(f"model file {str(path)!r} is a folder or a device; it expects a file. Give its path.")
    return open(path, "rb")


def _verified(path: Path, given: bytes | None) -> tuple[bytes, dict[str, Any], str]:
    """Return the bytes, the header and the digest of a file whose format, version, length and digest are right."""
    try:
        with _opened(path) if given is None else io.BytesIO(given) as file:
            size = os.fstat(file.fileno()).st_size if given is None else len(given)
            first = file.read(8)
            length = int.from_bytes(first, "little")
            if not 2 <= length <= min(size - 8, MAX_HEADER_BYTES):
                raise _foreign(path, f"has {size:,} bytes and begins with {first!r}")
            header = file.read(length)
            beginning = _BEGINNING.match(header)
            if beginning is None:
                raise _foreign(path, f"has the header {header[:60]!r}")
            version, said = (group.decode("ascii", "backslashreplace") for group in beginning.groups())
            if version != VERSION:
                raise ModelFileError(
                    f"model file {str(path)!r} has version {version!r}; this release reads version {VERSION!r}. "
                    "Install the release that wrote the file; if it was this one, the file is damaged."
                )
            layout = _parsed(path, header, "header")
            described = 8 + length + _count_data_bytes(path, layout)
            if size != described:
                raise _damaged(path, f"it has {size:,} bytes, and its header describes {described:,}")
            content = first + header + file.read()
    except OSError as error:
        raise ModelFileError(
            f"model file {str(path)!r} cannot be read: {error.strerror or error}. Check its permissions and the disk."
        ) from error
    digest = _digest(content, 8 + beginning.start(2))
    if digest != said:
        raise _damaged(path, f"its SHA-256 is {digest}, and it says {said}")
    return content, layout, digest


def _count_data_bytes(path: Path, layout: dict[str, Any]) -> int:
    """Return where the last tensor of the header ends."""
    last = 0
    for name, entry in layout.items():
        if name == "__metadata__":
            continue
        match entry:
            case {"dtype": "F32" | "F64" | "I64", "shape": list(), "data_offsets": [int(), int(end)]}:
                last = max(last, end)
            case _:
                raise _damaged(path, f"its tensor {name!r} is {str(entry)[:120]}; it expects dtype {', '.join(DTYPES)}")
    return last


def _parsed(path: Path, text: str | bytes, what: str) -> dict[str, Any]:
    """Return the JSON object in ``text``; keys that occur twice and numbers that are not finite are refused."""
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise _damaged(path, f"its {what} is no valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise _damaged(path, f"its {what} is a {type(value).__name__}, and should be a JSON object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key occurs twice")
    return value


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is not a finite number")
    return value


def _foreign(path: Path, found: str) -> ModelFileError:
    return ModelFileError(
        f"model file {str(path)!r} {found}; it expects what Pellucid saves, a safetensors file of format 'pellucid'. "
        "It is another kind of file or cut short: give the path of a model that was saved, or copy it again."
    )


def _damaged(path: Path, found: str) -> ModelFileError:
    return ModelFileError(
        f"model file {str(path)!r} is damaged or was edited: {found}. "
        "Copy it again from where it was saved, or fit and save the model again."
    )


def _digest(content: bytes | bytearray, start: int) -> str:
    """Return the SHA-256 of the file's bytes, its own 64 digits, which begin at ``start``, counted as zeros."""
    view = memoryview(content)
    digest = hashlib.sha256(view[:start])
    digest.update(b"0" * 64)
    digest.update(view[start + 64 :])
    return digest.hexdigest()
