"""Modules of JavaScript predict what their models predict, in node and in a browser, whatever names they meet."""

from __future__ import annotations

import functools
import http.server
import json
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from pellucid import Dense, Network, TabularClassifier
from pellucid.errors import OutputError, ProofError
from pellucid.export import export
from pellucid.export.graph import Affine
from pellucid.export.target import template
from pellucid.export.targets import javascript
from tests.export import models

NODE = shutil.which("node")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(NODE is None, reason="there is no node here")
HOSTILE = ["__proto__", "constructor", "</script>", "`${1}`", "a\u2028b", "a", "A", "raw", "v1"]


def node(*words: str) -> subprocess.CompletedProcess[str]:
    """Return what node made of its arguments."""
    return subprocess.run([str(NODE), *words], capture_output=True, timeout=60, encoding="utf-8")


def value_of(module: Path, expression: str) -> Any:
    """Return an expression's value, as JSON data, where ``m`` is a module."""
    code = f"import * as m from {json.dumps(module.as_uri())}; console.log(JSON.stringify({expression}));"
    done = node("--input-type=module", "--eval", code)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("members", models.MEMBERS)
@pytest.mark.parametrize("kind", models.TARGETS)
def test_a_module_predicts_what_its_estimator_predicts(kind: str, members: str, tmp_path: Path) -> None:
    made = export(models.fitted(kind, members), tmp_path / "model.js")
    assert made.proof is not None and made.proof.tolerance == 1e-9 and made.proof.n_ties == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.d.ts", "model.js"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", models.NETWORKS)
def test_a_module_predicts_what_its_network_predicts(name: str, dtype: str, tmp_path: Path) -> None:
    made = export(models.network(name, dtype), tmp_path / "model.mjs")
    assert made.proof is not None and made.proof.largest <= 1e-12
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.d.mts", "model.mjs"]


def test_a_module_gives_the_ends_of_intervals(tmp_path: Path) -> None:
    made = export(models.fitted("numbers", "population"), tmp_path / "model.js", coverage=0.8)
    assert made.proof is not None and list(made.proof.differences) == ["prediction", "low", "high"]


@functools.cache
def hostile() -> TabularClassifier:
    """Return a classifier of names that mean something to JavaScript."""
    rng = np.random.default_rng(0)
    columns: dict[str, list[Any]] = {name: rng.normal(size=60).tolist() for name in HOSTILE}
    columns["text"] = [HOSTILE[index] for index in rng.integers(0, len(HOSTILE), 60)]
    options: dict[str, Any] = {"epochs": 2, "hidden_layer_sizes": (4,), "members": 1, "random_state": 0}
    return TabularClassifier(**options).fit(columns, [HOSTILE[index % 5] for index in range(60)])


@pytest.mark.parametrize("model", [models.hostile, hostile])
def test_names_may_be_any_text(model: Callable[[], Any], tmp_path: Path) -> None:
    path = tmp_path / 'it\'s a "model".js'
    made = export(model(), path)
    assert made.proof is not None and "</script>" not in path.read_text()
    names = [column["name"] for column in value_of(path, "m.COLUMNS")]
    assert names == [encoding.name for encoding in model().encoder_.encodings]
    assert value_of(path, "m.LABELS") == model().classes_.tolist()


def test_rows_may_be_written_in_several_ways(tmp_path: Path) -> None:
    path = tmp_path / "model.mjs"
    model = models.fitted("classes")
    export(model, path)
    row = {"size": 0.5, "city": "city 3", "color": "red", "sex": None, "old": True}
    row |= {"day": "2024-02-29", "time": "2024-02-29T10:30:15.25+02:00"}
    others = [
        row,
        {**row, "size": " 5e-1 ", "sex": "", "old": "TRUE", "day": 1709164800000000, "time": "2024-02-29 08:30:15,250"},
        {**row, "old": 1, "sex": None, "time": 1709195415250000},
    ]
    expected = model.predict_proba(pl.DataFrame([row]).with_columns(pl.col("sex").cast(pl.String)))[0]
    for found in value_of(path, f"m.predictRows({json.dumps(others)})"):
        assert found["label"] == model.classes_[expected.argmax()]
        assert np.abs(found["probabilities"] - expected).max() <= 1e-5
    dates = "{day: new Date('2024-02-29'), time: new Date('2024-02-29T08:30:15.250Z'), sex: undefined, size: 0.5}"
    assert value_of(path, f"m.predict({{...{json.dumps(row)}, ...{dates}}})") == found


def test_categories_that_are_numbers_are_texts_as_in_training(tmp_path: Path) -> None:
    values = [3.0, 0.5, 1e-05, 1e22, -7.25e-10, 12345678901.5]
    rows: dict[str, list[Any]] = {"c": [repr(value) for value in values[1:]] * 12, "x": [0.0, 1.0] * 30}
    rows["c"][::9] = ["3"] * len(rows["c"][::9])
    options: dict[str, Any] = {"epochs": 3, "hidden_layer_sizes": (4,), "members": 1, "random_state": 0}
    model = TabularClassifier(kinds={"c": "category"}, **options).fit(rows, [f"is {text}" for text in rows["c"]])
    path = tmp_path / "model.mjs"
    export(model, path)
    found = value_of(path, f"m.predictRows({json.dumps([{'c': value, 'x': 0} for value in values])})")
    texts = ["3", *map(repr, values[1:])]
    expected = model.predict_proba({"c": texts, "x": [0.0] * len(texts)})
    assert np.abs([row["probabilities"] for row in found] - expected).max() <= 1e-5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("{size: 'big'}", 'column "size": got "big"; it expects a number'),
        ("{size: '0x10'}", 'column "size": got "0x10"'),
        ("{old: 2}", 'column "old": got 2; it expects true or false'),
        ("{day: '2023-02-29'}", 'column "day": got "2023-02-29"; it expects a Date'),
        ("{day: new Date(NaN)}", 'column "day": got Invalid Date'),
    ],
)
def test_values_that_are_none_are_refused(change: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "model.mjs"
    export(models.fitted("number"), path)
    empty = "Object.fromEntries(m.COLUMNS.map((column) => [column.name, null]))"
    said = f"(() => {{ try {{ m.predict({{...{empty}, ...{change}}}) }} catch (error) {{ return error.message }} }})()"
    assert message in value_of(path, said)


def test_a_row_that_lacks_a_column_is_refused(tmp_path: Path) -> None:
    export(models.fitted("number"), tmp_path / "model.mjs")
    said = "(() => { try { m.predict({size: 0, town: ''}) } catch (error) { return error.message } })()"
    message = 'the row has no column "city"; its columns are "size", "town".'
    assert value_of(tmp_path / "model.mjs", said) == message


def test_as_a_program_it_reads_csv_and_tests_itself(tmp_path: Path) -> None:
    model = models.fitted("binary")
    path, rows = tmp_path / "model.js", tmp_path / "rows.csv"
    export(model, path)
    path.rename(path := tmp_path / "model.mjs")
    table = pl.DataFrame(models.table())
    table.with_columns(pl.lit('quoted "text",\nin lines').alias("note")).write_csv(rows)
    done = node(str(path), str(rows))
    found = pl.read_csv(done.stdout.encode())
    assert found.columns == ["probability of no", "probability of yes", "label"]
    assert np.abs(found.select(pl.exclude("label")).to_numpy() - model.predict_proba(table)).max() <= 1e-5
    assert found["label"].to_list() == model.predict(table).tolist()
    tested = node(str(path), "--self-test")
    assert tested.returncode == 0 and tested.stdout.startswith("largest difference on ")
    for words in ([], ["a", "b"], [str(tmp_path / "none.csv")]):
        refused = node(str(path), *words)
        assert refused.returncode == 1 and "\n    at " not in refused.stderr and refused.stderr


def test_a_networks_program_finds_its_columns_by_their_places(tmp_path: Path) -> None:
    network = Network([Dense(1, weight_initializer=[[2.0], [3.0]])], n_inputs=2)
    network.initialize()
    export(network, tmp_path / "model.mjs")
    (tmp_path / "rows.csv").write_text("x[1],note,x[0]\n10,a,1\n")
    assert node(str(tmp_path / "model.mjs"), str(tmp_path / "rows.csv")).stdout == "outputs\n32\n"
    (tmp_path / "rows.csv").write_text("x[0],b\n1,10\n")
    said = node(str(tmp_path / "model.mjs"), str(tmp_path / "rows.csv")).stderr
    assert said == 'the row has no column "x[1]"; its columns are "x[0]", "b".\n'


@pytest.mark.parametrize(("kind", "right"), [("classes", "x[j] > x[best]"), ("labels", "x[j] > threshold")])
def test_the_self_test_finds_another_label_though_the_probabilities_are_right(
    kind: str, right: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(javascript, "template", lambda name: template(name).replace(right, right.replace(">", "<")))
    with pytest.raises(ProofError, match=r"self-test: row \d+, labels?: got"):
        export(models.fitted(kind), tmp_path / "model.mjs")
    monkeypatch.setattr("pellucid.export.vectors.tied", lambda output, values, tolerance: np.full(len(values), True))
    with pytest.raises(ProofError, match="the label is another than the model's"):  # only of rows that are not tied
        export(models.fitted(kind), tmp_path / "model.mjs")
    assert list(tmp_path.iterdir()) == []


def test_a_number_that_is_no_code_gives_nan(tmp_path: Path) -> None:
    export(models.network("embedding", "float64"), tmp_path / "model.mjs")
    told = "[4, 5, -1, 0.5, Infinity, NaN].map((code) => Number.isNaN(m.predict({x: [code]}).outputs[0]))"
    assert value_of(tmp_path / "model.mjs", told) == [False, *[True] * 5]


@pytest.mark.parametrize("mistake", ["transposed", "off by one", "swapped"])
def test_a_mistake_fails_the_proof_and_leaves_nothing(
    mistake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if mistake == "transposed":
        wrong = ("affine", lambda o, c: (c(np.ascontiguousarray(o.weight.T)), c(o.bias)))
        monkeypatch.setitem(javascript.FUNCTIONS, Affine, wrong)
    elif mistake == "off by one":
        monkeypatch.setattr(javascript, "template", lambda name: template(name).replace("index + 2", "index + 1"))
    else:
        right = javascript._labels
        monkeypatch.setattr(javascript, "_labels", lambda graph: json.dumps(json.loads(right(graph))[::-1]))
    with pytest.raises(ProofError, match=r"model\.js: "):
        export(models.fitted("binary"), tmp_path / "model.js")
    assert list(tmp_path.iterdir()) == []


def test_types_that_are_there_are_not_replaced_unasked(tmp_path: Path) -> None:
    (tmp_path / "model.d.ts").write_text("mine")
    with pytest.raises(OutputError, match=r"model\.d\.ts"):
        export(models.fitted("binary"), tmp_path / "model.js")
    assert (tmp_path / "model.d.ts").read_text() == "mine" and not (tmp_path / "model.js").exists()


def test_without_node_it_is_not_proven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert export(models.fitted("binary"), tmp_path / "model.js").proof is None
    with pytest.raises(ProofError, match="node"):
        export(models.fitted("binary"), tmp_path / "other.js", require_proof=True)


def test_the_types_are_those_of_the_columns_and_labels(tmp_path: Path) -> None:
    export(models.fitted("classes"), tmp_path / "model.js")
    types = (tmp_path / "model.d.ts").read_text()
    assert '  "size": number | bigint | string | null | undefined;\n' in types
    assert '  "label": "blue" | "green" | "red";\n' in types and '  "probabilities": number[];\n' in types


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here")
def test_a_module_tests_itself_in_a_browser(tmp_path: Path) -> None:
    export(models.fitted("classes", "population"), tmp_path / "model.js")
    (tmp_path / "page.html").write_text(
        '<body>waiting</body><script type="module">import { selfTest } from "./model.js";'
        "document.body.textContent = `difference ${selfTest()}`;</script>"
    )
    handler = functools.partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        words = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000", "--dump-dom"]
        address = f"http://127.0.0.1:{server.server_port}/page.html"
        command = [str(CHROMIUM), *words, f"--user-data-dir={tmp_path / 'profile'}", address]
        page = subprocess.run(command, capture_output=True, timeout=120, text=True).stdout
        server.shutdown()
    assert float(page.partition("difference ")[2].partition("<")[0]) <= 1e-9


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A server of files that says nothing."""

    def log_message(self, *words: object) -> None:
        """Say nothing."""
