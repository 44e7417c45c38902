"""A small Arrow body that becomes a large table is refused before it does: compressed, or of texts that rows share."""

from __future__ import annotations

import io
import struct
from typing import Any

import polars as pl
import pytest

from pellucid import TabularClassifier
from pellucid.serving.arrow import expanded_bytes
from tests.serving.conftest import ARROW, Client, refused

KINDS: dict[str, pl.DataFrame] = {
    "numbers": pl.DataFrame({"a": [0.0] * 5000, "b": range(5000)}),
    "texts": pl.DataFrame({"a": [f"text {k}" for k in range(5000)], "b": [None, "a longer text than any view"] * 2500}),
    "categories": pl.DataFrame({"a": pl.Series(["red", "green"] * 2500, dtype=pl.Categorical)}),
    "no rows": pl.DataFrame({"a": [1.0]})[:0],
    "booleans": pl.DataFrame({"a": [True, None] * 2500}),
}


def stream(table: pl.DataFrame, **options: Any) -> bytes:
    content = io.BytesIO()
    table.write_ipc_stream(content, **options)
    return content.getvalue()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("compression", ["lz4", "zstd"])
@pytest.mark.parametrize("level", [pl.CompatLevel.oldest(), pl.CompatLevel.newest()], ids=["oldest", "newest"])
def test_the_size_is_that_of_the_plain_stream(kind: str, compression: str, level: Any) -> None:
    plain = stream(KINDS[kind], compat_level=level)
    own = expanded_bytes(plain)
    assert expanded_bytes(stream(KINDS[kind], compat_level=level, compression=compression)) == own
    buffers = len(plain) - own  # what else is in the stream: metadata, and bytes that align the buffers
    assert 0 < buffers < 4000


def test_a_stream_that_is_damaged_has_no_size(rows: pl.DataFrame) -> None:
    whole = stream(rows, compression="zstd")
    for length in range(1, len(whole) - 8, 8):  # messages end at multiples of 8, where a stream may end as well
        with pytest.raises(ValueError, match=r"message|size|part|body"):
            expanded_bytes(whole[:length])
    for place in range(len(whole)):  # whatever it says, it ends, and says so by ValueError alone
        for byte in (0, 1, 0x7F, 0xFF):
            try:
                expanded_bytes(whole[:place] + bytes([byte]) + whole[place + 1 :])
            except ValueError:
                continue


def test_a_body_that_expands_beyond_the_bound_is_refused(classifier: TabularClassifier, rows: pl.DataFrame) -> None:
    client = Client(classifier, max_rows=100, max_megabytes=1)
    large = rows.clear(100).with_columns(color=pl.lit("red" * 10_000)).with_row_index("row")
    texts = large.with_columns(color=pl.format("{} {}", "color", "row")).drop("row")  # each its own text
    shared = rows.clear(100).with_columns(color=pl.repeat("red" * 10_000, 100, eager=True))
    bodies = {
        "compressed": stream(texts, compression="zstd"),
        "shared": stream(shared),
        "categories": stream(shared.with_columns(pl.col("color").cast(pl.Categorical))),
    }
    for body in bodies.values():
        assert len(body) < 200_000
        refused(client.post(content=body, headers={"content-type": ARROW}), 413, "too_large", "more than 1,000,000")


def test_a_buffer_that_lies_about_its_size_is_refused(classifier: TabularClassifier, rows: pl.DataFrame) -> None:
    client, body = Client(classifier, max_megabytes=1), stream(rows, compression="zstd")
    frame = body.index(bytes.fromhex("28b52ffd"))  # where the first Zstandard frame begins, behind its size
    for size, status, kind in ((2**62, 413, "too_large"), (-5, 400, "bad_arrow"), (7, 400, "bad_arrow")):
        lying = body[: frame - 8] + struct.pack("<q", size) + body[frame:]
        refused(client.post(content=lying, headers={"content-type": ARROW}), status, kind)


@pytest.mark.parametrize("compression", ["uncompressed", "lz4", "zstd"])
def test_a_compressed_table_within_the_bounds_is_predicted(
    compression: str, classifier: TabularClassifier, rows: pl.DataFrame
) -> None:
    body = stream(rows.with_columns(pl.col("color").cast(pl.Categorical)), compression=compression)
    answer = Client(classifier).post(content=body, headers={"content-type": ARROW})
    assert answer.status_code == 200
    assert [row["prediction"] for row in answer.json()["predictions"]] == classifier.predict(rows).tolist()
