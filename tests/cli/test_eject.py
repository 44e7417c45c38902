"""Tests of ``pellucid eject``: the program that it writes, and what it refuses."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.insight.plain import run_as_program
from tests.tolerances import EPS, rounding, trajectory

BOUND = rounding(16, np.float32, 16)
WEIGHTS_BOUND = trajectory(4, 64) * float(np.finfo(np.float32).eps) / EPS
"""Two epochs of two steps of at most 60 rows, in float32."""


def columns(text: str) -> dict[str, list[str]]:
    head, *rows = csv.reader(io.StringIO(text))
    return {name: [row[index] for row in rows] for index, name in enumerate(head)}


def test_the_program_prints_what_predict_prints(pellucid: Any, model: Path) -> None:
    assert "wrote out.py" in pellucid("eject", model.name, "out.py").out
    rows = "size,color,more\n3,red,x\n,,y\n1e308,purple,z\n-inf,green,\n"
    (model.parent / "rows.csv").write_text(rows, encoding="utf-8")
    for table in ("fruit.csv", "rows.csv"):
        done = run_as_program(model.parent / "out.py", str(model.parent / table))
        assert done.returncode == 0, done.stderr
        found, expected = columns(done.stdout), columns(pellucid("predict", model.name, table, "--proba").out)
        assert list(found) == list(expected)
        assert found["prediction"] == expected["prediction"]
        for name in list(found)[1:]:
            assert np.allclose(np.array(found[name], float), np.array(expected[name], float), rtol=0, atol=BOUND)


@pytest.mark.parametrize("share", [None, 0.3, 0])
def test_the_program_trains_to_the_same_weights(
    pellucid: Any, fruit: Path, share: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PELLUCID_ENGINE", "numpy")
    words = ("--test-share", share) if share is not None else ()
    quick = ("--members", 1, "--epochs", 2, "--hidden-layer-sizes", 8, "--drop", "kind")
    assert pellucid("train", fruit.name, "--target", "price", *quick, *words).code == 0
    told = words if share else ()  # that no rows were held out is found
    ended = pellucid("eject", "fruit.pellucid", "out.py", "--training", fruit.name, *told)
    assert ended.code == 0, ended.err
    done = run_as_program(fruit.parent / "out.py", "--train", str(fruit))
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.split()[-1]) <= WEIGHTS_BOUND


def test_another_table_or_share_is_refused(pellucid: Any, single: Path) -> None:
    text = (single.parent / "fruit.csv").read_text(encoding="utf-8")
    (single.parent / "other.csv").write_text(text.replace("20,", "31,").replace("22,", "1,"), encoding="utf-8")
    pellucid("eject", single.name, "out.py", "--training", "other.csv").says(
        1, "not the rows that the model learned from, with a --test-share of 0.2 or 0"
    )
    pellucid("eject", single.name, "out.py", "--training", "fruit.csv", "--test-share", 0.5).says(
        1, "--test-share of 0.5."
    )
    pellucid("eject", single.name, "out.py", "--training", "fruit.parquet").says(1, "as fruit.csv", "write_csv")
    assert not (single.parent / "out.py").exists()


def test_the_training_of_a_population_is_refused(pellucid: Any, model: Path) -> None:
    pellucid("eject", model.name, "out.py", "--training", "fruit.csv").says(
        1, "trained a population", "without training", "pellucid train --members 1"
    )
    assert not (model.parent / "out.py").exists()


def test_bad_words_are_refused(pellucid: Any, model: Path) -> None:
    pellucid("eject", model.name, "out.txt").says(2, "'.py'")
    pellucid("eject", model.name, "out.py", "--test-share", 0.1).says(2, "belongs to --training")
    pellucid("eject", model.name, "out.py", "--training", "fruit.csv", "--test-share", 1).says(2, "from 0 to below 1")
    pellucid("eject", "fruit.csv", "out.py").says(1, "fruit.csv")
    pellucid("eject", model.name, "nowhere/out.py").says(1, "no folder")
    (model.parent / "out.py").write_text("mine", encoding="utf-8")
    pellucid("eject", model.name, "out.py").says(1, "the file exists", "--force")
    assert (model.parent / "out.py").read_text(encoding="utf-8") == "mine"
    assert pellucid("eject", model.name, "out.py", "--force").code == 0


def test_the_result_as_json(pellucid: Any, model: Path) -> None:
    document = json.loads(pellucid("eject", model.name, "out.py", "--json").out)
    content = (model.parent / "out.py").read_bytes()
    assert document == {"model": model.name, "output": "out.py", "lines": content.count(b"\n"), "bytes": len(content)}
