"""A model file comes back exactly, or is refused: any damage, any other kind of file, any trick."""

from __future__ import annotations

import builtins
import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from pellucid.errors import ModelFileError, OptionError, OutputError
from pellucid.model import check_writable, file_digest, read_model, write_model
from pellucid.model import file as model_file

DOCUMENT: dict[str, Any] = {
    "layers": [{"type": "Dense", "n": 3}],
    "rate": 0.1,
    "text": "tränen ☂ \ud800",
    '"sha256":"': f'"sha256":"{"0" * 64}"',  # looks like the digest's place, and is not
}
TENSORS: dict[str, np.ndarray] = {
    "W": np.array([[1.5, -0.0], [np.nan, np.inf]], dtype=np.float32),
    "b": np.array([0.1, 5e-324], dtype=np.float64),
    "counts": np.array(-(2**63), dtype=np.int64),
    "none": np.zeros((0, 3)),
}


def sealed(metadata: str, entries: str = "", body: bytes = b"", digits: str = "0" * 64) -> bytes:
    """A file with any content and the right digest, as one who wants to deceive would make it."""
    header = f'{{"__metadata__":{{{metadata}}}{entries}}}'.replace("DIGITS", digits).encode("utf-8", "surrogatepass")
    content = len(header).to_bytes(8, "little") + header + body
    return content if digits != "0" * 64 else sealed(metadata, entries, body, hashlib.sha256(content).hexdigest())


def begun(document: str = "{}", version: str = "1") -> str:
    return f'"format":"pellucid","version":"{version}","sha256":"DIGITS","document":{json.dumps(document)}'


def refused(path: Path, content: bytes | bytearray, match: str = "model file") -> None:
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=match) as raised:
        read_model(path)
    assert repr(str(path)) in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tiny.pellucid"


# -- What is written comes back ----------------------------------------------------------------------------------------


def test_round_trip_is_exact(path: Path) -> None:
    digest = write_model(path, DOCUMENT, TENSORS)
    document, tensors, read_digest = read_model(path)
    assert document == DOCUMENT
    assert list(tensors) == sorted(TENSORS)
    for name, array in tensors.items():
        assert (array.dtype, array.shape) == (TENSORS[name].dtype, TENSORS[name].shape)
        assert array.tobytes() == TENSORS[name].tobytes()
        assert array.flags.writeable
    assert re.fullmatch("[0-9a-f]{64}", digest)
    assert digest == read_digest == file_digest(path)


def test_an_empty_model_comes_back(path: Path) -> None:
    write_model(path, {}, {})
    assert read_model(path)[:2] == ({}, {})


@pytest.mark.parametrize("view", [lambda x: x.T, lambda x: x[:, ::2], lambda x: x[::-1], np.asfortranarray])
def test_arrays_in_any_memory_order_come_back(path: Path, view: Callable[[np.ndarray], np.ndarray]) -> None:
    array = view(np.arange(12.0).reshape(3, 4))
    write_model(path, {}, {"x": array})
    np.testing.assert_array_equal(read_model(path)[1]["x"], array, strict=True)


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    written = set()
    for number in range(8):  # the safetensors package alone shuffles its metadata
        turned = dict(reversed(DOCUMENT.items())), dict(reversed(TENSORS.items()))
        write_model(tmp_path / str(number), *(turned if number % 2 else (DOCUMENT, TENSORS)))
        written.add((tmp_path / str(number)).read_bytes())
    assert len(written) == 1


def test_digest_is_sha256_with_its_own_digits_as_zeros(path: Path) -> None:
    digest = write_model(path, DOCUMENT, TENSORS)
    content = path.read_bytes()
    assert content.count(digest.encode()) == 1
    assert hashlib.sha256(content.replace(digest.encode(), b"0" * 64)).hexdigest() == digest


def test_arrays_that_spell_a_digest_are_left_alone(path: Path) -> None:
    spelled = np.frombuffer(b'000000"sha256":"' + b"0" * 64, dtype=np.int64)
    write_model(path, {}, {'"sha256":"': spelled})
    np.testing.assert_array_equal(read_model(path)[1]['"sha256":"'], spelled, strict=True)


def test_the_safetensors_package_alone_opens_the_file(path: Path) -> None:
    digest = write_model(path, DOCUMENT, TENSORS)
    for name, array in load_file(path).items():
        np.testing.assert_array_equal(array, TENSORS[name], strict=True)
    with safe_open(path, "numpy") as opened:
        metadata = opened.metadata()
    assert json.loads(metadata.pop("document")) == DOCUMENT
    assert metadata == {"format": "pellucid", "version": "1", "sha256": digest}


def test_numbers_begin_at_a_multiple_of_eight_bytes(path: Path) -> None:
    for n in range(9):
        write_model(path, {"x": "x" * n}, TENSORS, overwrite=True)
        assert int.from_bytes(path.read_bytes()[:8], "little") % 8 == 0


# -- Damage is refused -------------------------------------------------------------------------------------------------


def small_file(path: Path) -> bytes:
    write_model(path, {"a": [1, 2.5, "é"]}, {"W": np.array([1.5, -2.0], dtype=np.float32), "n": np.array(7)})
    return path.read_bytes()


def test_every_flipped_bit_is_refused(path: Path) -> None:
    content = small_file(path)
    for position in range(len(content)):
        for bit in range(8):
            damaged = bytearray(content)
            damaged[position] ^= 1 << bit
            refused(path, damaged)


def test_every_truncation_is_refused(path: Path) -> None:
    content = small_file(path)
    for length in range(len(content)):
        refused(path, content[:length])


@pytest.mark.parametrize("extra", [b"\0", b" ", b"\n", bytes(8), b"0" * 64])
def test_appended_bytes_are_refused(path: Path, extra: bytes) -> None:
    refused(path, small_file(path) + extra, match="its header describes")


def test_random_damage_is_refused(path: Path) -> None:
    content, rng = small_file(path), np.random.default_rng(0)
    for _ in range(500):
        damaged = bytearray(content)
        start = int(rng.integers(len(content)))
        damaged[start : start + int(rng.integers(1, 40))] = rng.bytes(int(rng.integers(0, 40)))
        if damaged != content:
            refused(path, damaged)


def test_digest_of_another_file_is_refused(path: Path) -> None:
    digest = write_model(path, {"a": 1}, {})
    other = write_model(path, {"a": 2}, {}, overwrite=True)
    refused(path, path.read_bytes().replace(other.encode(), digest.encode()), match=f"{other}, and it says {digest}")


# -- Other files are refused -------------------------------------------------------------------------------------------


def test_a_sealed_file_is_read(path: Path) -> None:
    """The tricks below fail for their own reason: without a trick, such a file is read."""
    entries = ',"W":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}'
    path.write_bytes(sealed(begun('{"a":1}'), entries, np.array([2.0]).tobytes()))
    document, tensors, _ = read_model(path)
    assert (document, tensors) == ({"a": 1}, {"W": np.array([2.0])})


def entry(dtype: str = "F64", shape: str = "[1]", offsets: str = "[0,8]", name: str = "W") -> str:
    return f',"{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}'


@pytest.mark.parametrize(
    ("metadata", "entries", "match"),
    [
        (begun(version="2"), "", "version '2'; this release reads version '1'. Install"),
        (begun(version=""), "", "safetensors file of format"),
        (begun().replace("pellucid", "pt"), "", "safetensors file of format 'pellucid'"),
        (begun(), ',"__metadata__":{}', "a key occurs twice"),
        (begun() + ',"document":"{}"', "", "a key occurs twice"),
        (begun(), entry() + entry(), "a key occurs twice"),
        (begun('{"a":1,"a":2}'), "", "document is no valid JSON: a key occurs twice"),
        (begun('{"a":NaN}'), "", "NaN is not a finite number"),
        (begun('{"a":-Infinity}'), "", "-Infinity is not a finite number"),
        (begun('{"a":1e999}'), "", "1e999 is not a finite number"),
        (begun('{"a":' + "9" * 5000 + "}"), "", "document is no valid JSON"),
        (begun("[" * 100_000), "", "document is no valid JSON"),
        (begun("[1]"), "", "document is a list"),
        (begun(""), "", "document is no valid JSON"),
        (begun(), ',"x":' + "[" * 100_000, "header is no valid JSON"),
        (begun(), ',"W":3', "its tensor 'W' is 3"),
        (begun(), ',"W":{}', "its tensor 'W'"),
        (begun(), entry("BF16", "[4]"), "BF16.*expects dtype F32, F64, I64"),
        (begun(), entry("U8", "[8]"), "expects dtype"),
        (begun(), entry().replace('"F64"', '["F64"]'), "expects dtype"),
        (begun(), entry(offsets='["0","8"]'), "its tensor 'W'"),
        (begun(), entry(offsets="[0,8.0]"), "its tensor 'W'"),
        (begun(), entry(offsets="[0,1e99]"), "its tensor 'W'"),
        (begun(), entry(offsets=f"[0,{2**64}]"), "its header describes"),
        (begun(), entry(offsets="[4,8]"), "tensors cannot be read"),
        (begun(), entry(offsets="[-8,8]"), "tensors cannot be read"),
        (begun(), entry(shape="[2]"), "tensors cannot be read"),
        (begun(), entry(shape="[-1]"), "tensors cannot be read"),
        (begun(), entry(shape=f"[{2**63},2]"), "tensors cannot be read"),
        (begun(), entry() + entry(name="V"), "tensors cannot be read"),
        (begun(), entry() + ',"code":"os.system"', "its tensor 'code'"),
    ],
)
def test_files_made_to_deceive_are_refused(path: Path, metadata: str, entries: str, match: str) -> None:
    refused(path, sealed(metadata, entries, bytes(8) if '"W"' in entries else b""), match=match)


def test_a_safetensors_file_of_other_origin_is_refused(path: Path) -> None:
    save_file({"weight": np.zeros((2, 2))}, path, metadata={"format": "pt"})
    refused(path, path.read_bytes(), match="expects what Pellucid saves")


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"\x80\x04\x95pickle..", b"PK\x03\x04" + bytes(40), b"\xff" * 100, bytes(100), b"a,b\n1,2\n" * 9],
)
def test_other_kinds_of_file_are_refused(path: Path, content: bytes) -> None:
    refused(path, content, match=f"has {len(content)} bytes and begins with")


def test_a_length_beyond_the_file_takes_no_memory(path: Path) -> None:
    content = small_file(path)
    refused(path, (2**62).to_bytes(8, "little") + content[8:], match="begins with")
    with open(path, "wb") as file:  # a sparse file: 1 TB that is not there
        file.write(content)
        file.truncate(2**40)
    with pytest.raises(ModelFileError, match="its header describes"):
        read_model(path)


def test_a_missing_file_offers_the_near_miss(tmp_path: Path) -> None:
    write_model(tmp_path / "income.pellucid", {}, {})
    with pytest.raises(ModelFileError, match=r"does not exist; did you mean 'income.pellucid'\? Give"):
        read_model(tmp_path / "incom.pellucid")
    with pytest.raises(ModelFileError, match=r"does not exist\. Give"):
        read_model(tmp_path / "zzz")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_folders_and_pipes_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(ModelFileError, match="is a folder or a device"):
            read_model(path)


def test_a_file_that_may_not_be_read_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_model(path, {}, {})
    monkeypatch.setattr(builtins, "open", failing(errno.EACCES))
    with pytest.raises(ModelFileError, match=r"cannot be read: Permission denied\. Check"):
        read_model(path)


# -- What cannot be written --------------------------------------------------------------------------------------------


def failing(number: int) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize(
    "document",
    [
        {"a": float("nan")},
        {"a": [float("-inf")]},
        {"a": np.zeros(2)},
        {"a": {1, 2}},
        {"a": (1, 2)},
        {1: "a"},
        {"a": {1: 2, "b": 3}},
        [1, 2],
    ],
)
def test_documents_that_would_not_come_back_are_refused(path: Path, document: Any) -> None:
    with pytest.raises(OptionError, match="document"):
        write_model(path, document, {})
    assert not path.exists()


@pytest.mark.parametrize(
    ("name", "array", "match"),
    [
        ("x", np.zeros(2, dtype=np.float16), "got dtype float16"),
        ("x", np.array(["a", None], dtype=object), "got dtype object"),
        ("x", np.zeros(2, dtype=">f8"), "got dtype >f8"),
        ("x", [1.0, 2.0], "got list"),
        ("__metadata__", np.zeros(2), "got the name '__metadata__'"),
        ("\ud800", np.zeros(2), "got the name"),
        (3, np.zeros(2), "got the name 3"),
    ],
)
def test_other_tensors_are_refused(path: Path, name: Any, array: Any, match: str) -> None:
    with pytest.raises(OptionError, match=match):
        write_model(path, {}, {name: array})
    assert not path.exists()


def test_a_document_beyond_the_container_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_file, "MAX_HEADER_BYTES", 1000)
    with pytest.raises(OptionError, match="at most 1,000"):
        write_model(path, {"a": "x" * 1000}, {})


def test_a_file_that_exists_is_kept_unless_told(path: Path) -> None:
    path.write_text("precious")
    for refuse in (lambda: write_model(path, {}, {}), lambda: check_writable(path)):
        with pytest.raises(OutputError, match=r"the file exists.*overwrite=True"):
            refuse()
    assert path.read_text() == "precious"
    check_writable(path, overwrite=True)
    assert path.read_text() == "precious"
    write_model(path, {"a": 1}, {}, overwrite=True)
    assert read_model(path)[0] == {"a": 1}
    assert os.listdir(path.parent) == [path.name]


def test_a_file_that_appears_while_writing_is_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: path.write_text("precious"))
    with pytest.raises(OutputError, match="the file exists"):
        write_model(path, {}, {})
    assert path.read_text() == "precious"
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("write", [lambda path: write_model(path, {}, {}), check_writable])
def test_folders_that_are_not_there(tmp_path: Path, write: Callable[[Path], Any]) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "table.csv").touch()
    with pytest.raises(OutputError, match=r"there is no folder '.*model'; did you mean 'models'\? Create"):
        write(tmp_path / "model" / "x.pellucid")
    with pytest.raises(OutputError, match=r"there is no folder '.*table.csv'\. Create"):
        write(tmp_path / "table.csv" / "x.pellucid")
    with pytest.raises(OutputError, match="it is a folder"):
        write(tmp_path / "models")
    with pytest.raises(OutputError, match="File name too long"):
        write(tmp_path / ("x" * 300))
    assert sorted(os.listdir(tmp_path)) == ["models", "table.csv"]


def test_check_leaves_nothing_behind(path: Path) -> None:
    check_writable(path)
    assert os.listdir(path.parent) == []


@pytest.mark.parametrize("write", [lambda path: write_model(path, {}, {}), check_writable])
def test_a_folder_without_permission(path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path], Any]) -> None:
    monkeypatch.setattr(builtins, "open", failing(errno.EACCES))
    with pytest.raises(OutputError, match=r"Permission denied\. Give a path where you may create files"):
        write(path)


def test_too_little_space_is_found_before_training(path: Path) -> None:
    free = shutil.disk_usage(path.parent).free
    with pytest.raises(OutputError, match=f"needs {2 * free + 10**9:,} bytes, and the disk has .* free"):
        check_writable(path, needed_bytes=2 * free + 10**9)


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_full_disk_leaves_things_as_they_were(
    path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int, overwrite: bool
) -> None:
    size = len(small_file(path))
    before = path.read_bytes()
    if not overwrite:
        path.unlink()
    monkeypatch.setattr(os, call, failing(number))
    document, tensors = {"a": [1, 2.5, "é"]}, {"W": np.array([1.5, -2.0], dtype=np.float32), "n": np.array(7)}
    with pytest.raises(OutputError, match=f"which needs {size:,} bytes: .*Free some space") as raised:
        write_model(path, document, tensors, overwrite=overwrite)
    assert repr(str(path)) in str(raised.value)
    assert os.listdir(path.parent) == ([path.name] if overwrite else [])
    if overwrite:
        assert path.read_bytes() == before


def test_an_interrupt_leaves_nothing_behind(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    for call in ("fsync", "replace"):
        monkeypatch.setattr(os, call, interrupt)
        with pytest.raises(KeyboardInterrupt):
            write_model(path, {}, {})
        assert os.listdir(path.parent) == []
