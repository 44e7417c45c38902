"""Programs in NumPy and in plain Python predict what their models predict, alone, and keep to IEEE 754 at the edges."""

from __future__ import annotations

import ast
import csv
import dataclasses
import io
import math
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid import Dense, Network
from pellucid.errors import OptionError, ProofError
from pellucid.export import export
from pellucid.export.evaluation import compute
from pellucid.export.graph import (
    Above,
    Activate,
    Affine,
    Circle,
    Clip,
    Code,
    Complement,
    Curves,
    Graph,
    Largest,
    Normalize,
    Operation,
    Scale,
    Squeeze,
    Waves,
)
from pellucid.export.layers import ACTIVATIONS
from pellucid.export.target import template
from pellucid.export.targets.python import Python
from pellucid.export.targets.python_program import PythonProgram
from tests.export import models

TARGETS = {"numpy": "double", "python": "double", "numpy in float": "float"}


def exported(model: Any, path: Path, target: str, **options: Any) -> Any:
    return export(model, path, target=target.split()[0], precision=TARGETS[target], **options)


def run(path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a program with none of what is installed here but NumPy, and that only if it asks."""
    return subprocess.run(
        [sys.executable, "-I", "-W", "error", str(path), *words], capture_output=True, text=True, timeout=100
    )


def written(columns: dict[str, list[Any]], path: Path) -> str:
    """Write columns as a CSV file, None as an empty field; return its path."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([list(columns), *zip(*columns.values(), strict=True)])
    return str(path)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("members", models.MEMBERS)
@pytest.mark.parametrize("kind", models.TARGETS)
def test_a_program_predicts_what_its_estimator_predicts(kind: str, members: str, target: str, tmp_path: Path) -> None:
    made = exported(models.fitted(kind, members), tmp_path / "model.py", target)
    assert made.proof is not None and made.proof.n_ties == 0
    assert [path.name for path in tmp_path.iterdir()] == ["model.py"]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", models.NETWORKS)
def test_a_program_computes_what_a_bare_network_computes(name: str, target: str, tmp_path: Path) -> None:
    dtype = {"float": "float32", "double": "float64"}[TARGETS[target]]
    assert exported(models.network(name, dtype), tmp_path / "network.py", target).proof is not None


@pytest.mark.parametrize("target", TARGETS)
def test_a_table_of_csv_text_gives_the_models_predictions(target: str, tmp_path: Path) -> None:
    model = models.fitted("classes", "population")
    exported(model, tmp_path / "model.py", target)
    said = run(tmp_path / "model.py", written(models.table(), tmp_path / "rows.csv"))
    assert said.returncode == 0, said.stderr
    rows = list(csv.DictReader(io.StringIO(said.stdout)))
    assert list(rows[0]) == [*(f"probability of {name}" for name in model.classes_), "label"]
    assert [row["label"] for row in rows] == model.predict(models.table()).tolist()
    found = np.array([[float(row[f"probability of {name}"]) for name in model.classes_] for row in rows])
    assert (
        np.abs(found - model.predict_proba(models.table())).max() <= 1e-5
    )  # of which the model's own rounding is part


@pytest.mark.parametrize("target", TARGETS)
def test_a_program_gives_the_ends_of_intervals(target: str, tmp_path: Path) -> None:
    exported(models.fitted("numbers", "population"), tmp_path / "model.py", target, coverage=0.8)
    header = run(tmp_path / "model.py", written(models.table(), tmp_path / "rows.csv")).stdout.partition("\n")[0]
    assert [name.partition(" of ")[0] for name in header.split(",")] == [
        name for name in ("prediction", "low", "high") for _ in range(2)
    ]


@pytest.mark.parametrize("target", TARGETS)
def test_hostile_names_stay_what_they_are(target: str, tmp_path: Path) -> None:
    model = models.hostile()
    assert exported(model, tmp_path / "1 model-é.py", target).proof is not None
    names = model.feature_names_in_.tolist()
    levels = [models.HOSTILE[index % len(models.HOSTILE)] for index in range(20)]
    columns = {name: np.random.default_rng(1).normal(size=20).tolist() for name in names[:-1]} | {names[-1]: levels}
    program: dict[str, Any] = {"__name__": "a program"}
    exec((tmp_path / "1 model-é.py").read_text(encoding="utf-8"), program)
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    assert [row["label"] for row in program["predict"](rows)] == model.predict(columns).tolist()


def test_a_program_in_plain_python_imports_only_what_comes_with_it(tmp_path: Path) -> None:
    exported(models.fitted("classes"), tmp_path / "model.py", "python")
    nodes = ast.walk(ast.parse((tmp_path / "model.py").read_text(encoding="utf-8")))
    imported = {each.name for node in nodes if isinstance(node, ast.Import) for each in node.names}
    assert imported and imported <= set(sys.stdlib_module_names)


def test_plain_python_has_no_float32(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="precision got 'float'; it expects 'double'"):
        export(models.network("scale", "float32"), tmp_path / "network.py", target="python", precision="float")


def test_a_suffix_alone_is_that_of_numpy(tmp_path: Path) -> None:
    assert export(models.network("scale", "float32"), tmp_path / "network.py").target == "numpy"


def transposed(o: Operation) -> list[Operation]:
    if not isinstance(o, Affine) or o.weight.shape[0] != o.weight.shape[1]:
        return [o]
    return [dataclasses.replace(o, weight=o.weight.T.copy())]


def one_off(o: Operation) -> list[Operation]:
    return [dataclasses.replace(o, levels=(*o.levels[1:], o.levels[0])) if isinstance(o, Code) else o]


def swapped(o: Operation) -> list[Operation]:
    if not isinstance(o, Complement):
        return [o]
    return [
        Scale("other", 1, "float64", o.x, np.array([-1.0]), np.array([1.0])),
        dataclasses.replace(o, x="other"),
    ]


def nothing(o: Operation) -> list[Operation]:
    """The probabilities become NaN."""
    return [
        *(
            [Scale("none", 1, "float64", o.x, np.array([math.nan]), np.array([0.0]))]
            if isinstance(o, Complement)
            else ()
        ),
        dataclasses.replace(o, x="none") if isinstance(o, Complement) else o,
    ]


@pytest.mark.parametrize("plant", [transposed, one_off, swapped, nothing])
@pytest.mark.parametrize("target", TARGETS)
def test_the_proof_finds_a_planted_mistake_and_leaves_nothing(
    plant: Callable[[Operation], list[Operation]], target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = PythonProgram.write

    def write(program: PythonProgram, graph: Graph, *rest: Any) -> Any:
        operations = tuple(new for old in graph.operations for new in plant(old))
        return own(program, dataclasses.replace(graph, operations=operations), *rest)

    monkeypatch.setattr(PythonProgram, "write", write)
    with pytest.raises(ProofError, match=r"exit code 1 and said: largest difference on \d+ rows"):
        exported(models.fitted("binary"), tmp_path / "model.py", target)
    assert list(tmp_path.iterdir()) == []


def mislabeled(o: Operation) -> list[Operation]:
    if not isinstance(o, Largest | Above):
        return [o]
    n = o.size if isinstance(o, Above) else 3
    return [Scale("negative", n, "float64", o.x, -np.ones(n), np.zeros(n)), dataclasses.replace(o, x="negative")]


@pytest.mark.parametrize("kind", ["classes", "labels"])
@pytest.mark.parametrize("target", ["numpy", "python"])
def test_the_self_test_finds_another_label_though_the_probabilities_are_right(
    target: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = PythonProgram.write

    def write(program: PythonProgram, graph: Graph, *rest: Any) -> Any:
        operations = tuple(new for old in graph.operations for new in mislabeled(old))
        return own(program, dataclasses.replace(graph, operations=operations), *rest)

    monkeypatch.setattr(PythonProgram, "write", write)
    with pytest.raises(ProofError, match=r"exit code 1 and said: largest difference on \d+ rows: inf"):
        exported(models.fitted(kind), tmp_path / "model.py", target)
    monkeypatch.setattr("pellucid.export.vectors.tied", lambda output, values, tolerance: np.full(len(values), True))
    with pytest.raises(ProofError, match="the label is another than the model's"):  # only of rows that are not tied
        exported(models.fitted(kind), tmp_path / "model.py", target)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("target", ["numpy", "python"])
def test_a_networks_program_finds_its_columns_by_their_places(target: str, tmp_path: Path) -> None:
    network = Network([Dense(1, weight_initializer=[[2.0], [3.0]])], n_inputs=2)
    network.initialize()
    exported(network, tmp_path / "model.py", target)
    rows = written({"x[1]": [10], "note": ["a"], "x[0]": [1]}, tmp_path / "rows.csv")
    assert run(tmp_path / "model.py", rows).stdout == "outputs\n32.0\n"
    rows = written({"x[0]": [1], "b": [10]}, tmp_path / "rows.csv")
    said = run(tmp_path / "model.py", rows)
    assert said.returncode == 1 and said.stderr == f"{rows}: there is no column 'x[1]'; there are 'x[0]', 'b'.\n"


@pytest.mark.parametrize("target", TARGETS)
def test_a_number_that_is_no_code_gives_nan(target: str, tmp_path: Path) -> None:
    exported(models.network("embedding", "float64"), tmp_path / "network.py", target)
    program = runpy.run_path(str(tmp_path / "network.py"))
    found = program["predict"]([{"x": [code]} for code in (4, 5, -1, 0.5, math.inf, math.nan)])
    assert [math.isnan(row["outputs of output 0"]) for row in found] == [False, *[True] * 5]


def test_a_program_that_does_not_end_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.py").write_text("while True: pass")
    monkeypatch.setattr("pellucid.export.targets.python_program.SECONDS", 0.5)
    with pytest.raises(ProofError, match=r"model\.py: it was stopped after 0\.5 seconds"):
        Python().run(tmp_path / "model.py", Graph("nothing", (), (), ()), {})


FUNCTIONS: dict[str, Any] = {}
exec(template("python_functions.py"), FUNCTIONS)
EDGES = [
    math.nan,
    math.inf,
    -math.inf,
    1.7e308,
    -1.7e308,
    750.0,
    -750.0,
    5e-324,
    1e-9,
    -1e-9,
    -0.0,
    0.0,
    0.5,
    1.0,
    -3.25,
]
PARAMETERS = {"leaky_relu": 0.01, "elu": 1.5}


@pytest.mark.parametrize("name", [*(each for each in ACTIVATIONS if each != "softmax"), "exp"])
def test_an_activation_in_plain_python_is_numpys_at_every_edge(name: str) -> None:
    parameter = PARAMETERS.get(name, 0.0)
    found = FUNCTIONS[name](EDGES, *([parameter] if parameter else []))
    check(found, Activate("v", len(EDGES), "float64", "x", name, parameter), EDGES)


@pytest.mark.parametrize("name", ["log", "log_odds"])
def test_a_logarithm_in_plain_python_is_numpys_at_every_edge(name: str) -> None:
    probabilities = [math.nan, 0.0, 5e-324, 1e-300, 0.3, 1 - 1e-16, 1.0]
    check(FUNCTIONS[name](probabilities), Activate("v", len(probabilities), "float64", "x", name), probabilities)


@pytest.mark.parametrize(
    "row",
    [
        [0.0, 0.0],
        [1e308, -1e308],
        [math.inf, 0.0],
        [math.inf, math.inf],
        [-math.inf] * 2,
        [math.nan, 1.0],
        [1.0, math.nan],
    ],
)
def test_softmax_in_plain_python_is_numpys_at_every_edge(row: list[float]) -> None:
    check(FUNCTIONS["softmax"](row), Activate("v", 2, "float64", "x", "softmax"), row)


@pytest.mark.parametrize("scale", [0.0, 5e-324, 1e-300, 1.0, 1e308])
@pytest.mark.parametrize("x", EDGES)
def test_a_number_is_squeezed_in_plain_python_as_in_numpy(x: float, scale: float) -> None:
    for center in (0.0, -1.7e308, 5e-324):
        check(FUNCTIONS["squeeze"]([x], center, scale), Squeeze("v", 1, "float64", "x", center, scale), [x])


@pytest.mark.parametrize("period", ["year", "week", "day"])
@pytest.mark.parametrize("x", [math.nan, math.inf, 0.0, -1.0, -62_135_596_800_000_000.0, 253_402_300_799_999_999.0])
def test_a_date_has_its_place_in_plain_python_as_in_numpy(x: float, period: str) -> None:
    check(FUNCTIONS["circle"]([x], period), Circle("v", 2, "float64", "x", period), [x])


@pytest.mark.parametrize("x", [*EDGES, 2.0])
def test_layers_in_plain_python_are_numpys_at_every_edge(x: float) -> None:
    edges, low, high = np.array([[-1.0, 0.0, 0.5, np.inf]]), np.array([-2.0]), np.array([np.inf])
    knots, slopes = np.arange(8.0).reshape(1, 4, 2), np.arange(8.0).reshape(1, 4, 2) - 3
    frequency, phase = np.array([[0.5, 3.0]]), np.array([[0.25, 0.0]])
    bent, waving, kept = (
        Curves("v", 2, "float64", "x", edges, knots, slopes),
        Waves("v", 2, "float64", "x", frequency, phase),
        Clip("v", 1, "float64", "x", low, high),
    )
    check(FUNCTIONS["curves"]([x], edges.tolist(), knots.tolist(), slopes.tolist()), bent, [x])
    check(FUNCTIONS["waves"]([x], frequency.tolist(), phase.tolist()), waving, [x])
    check(FUNCTIONS["clip"]([x], low.tolist(), high.tolist()), kept, [x])
    check(FUNCTIONS["normalize"]([x, 1.0], 1e-5), Normalize("v", 2, "float64", "x", 1e-5), [x, 1.0])


def check(found: list[float], operation: Operation, row: list[float]) -> None:
    """Hold a function in plain Python to what the operation means, within a few roundings."""
    with np.errstate(all="ignore"):
        expected = np.asarray(compute(operation, np.array([row])), dtype=np.float64)[0]
    assert np.isnan(found).tolist() == np.isnan(expected).tolist(), (found, expected)
    np.testing.assert_allclose(found, expected, rtol=8 * np.finfo(float).eps, atol=8 * np.finfo(float).eps)
