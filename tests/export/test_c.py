"""Programs in C predict what their models predict, build without a warning, and refuse what they cannot read."""

from __future__ import annotations

import csv
import dataclasses
import datetime
import io
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid import Dense, Network
from pellucid.errors import OptionError, ProofError
from pellucid.examples import single_layer, xor
from pellucid.export import export, lower
from pellucid.export.evaluation import evaluate
from pellucid.export.graph import Above, Affine, Code, Column, Complement, Graph, Largest, Lookup, Operation, Output
from pellucid.export.target import template
from pellucid.export.targets.c import C, operations
from pellucid.export.targets.c.constants import number
from pellucid.export.targets.c.storage import Storage
from pellucid.export.vectors import Vectors
from tests.export import models

COMPILER = next((name for name in ("cc", "gcc", "clang") if shutil.which(name)), None)
pytestmark = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler here")
WARNINGS = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Werror"]


@pytest.fixture(autouse=True)
def warnings_are_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every proof one of a build without a warning."""
    monkeypatch.setenv("CC", " ".join([str(COMPILER), *WARNINGS]))


def compiled(path: Path, *options: str, command: tuple[str, ...] = (str(COMPILER),)) -> Path:
    """Return the program that a source file and its main make."""
    program = path.with_suffix("")
    macro = f"-D{path.stem.upper()}_MAIN"
    subprocess.run(
        [*command, *WARNINGS, *options, macro, str(path), "-o", str(program), "-lm"], check=True, timeout=300
    )
    return program


def run(program: Path, text: str | bytes, *words: str) -> subprocess.CompletedProcess[str]:
    """Return what a program made of standard input."""
    given = text.encode() if isinstance(text, str) else text
    done = subprocess.run([str(program), *words], input=given, capture_output=True, timeout=60)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def csv_text(columns: dict[str, list[Any]]) -> str:
    """Return columns as CSV text, None as an empty field."""
    file = io.StringIO()
    csv.writer(file).writerows([list(columns), *zip(*columns.values(), strict=True)])
    return file.getvalue()


@pytest.mark.parametrize("precision", ["float", "double"])
@pytest.mark.parametrize("members", models.MEMBERS)
@pytest.mark.parametrize("kind", models.TARGETS)
def test_a_program_predicts_what_its_estimator_predicts(
    kind: str, members: str, precision: str, tmp_path: Path
) -> None:
    made = export(models.fitted(kind, members), tmp_path / "model.c", precision=precision)
    assert made.proof is not None and made.proof.n_ties == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.c", "model.h"]
    assert "of constants" in made.notes[0]


def test_a_program_gives_the_ends_of_intervals(tmp_path: Path) -> None:
    made = export(models.fitted("numbers", "population"), tmp_path / "model.c", coverage=0.8)
    assert made.proof is not None and set(made.proof.differences) == {"prediction", "low", "high"}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", models.NETWORKS)
def test_a_program_computes_what_a_bare_network_computes(name: str, dtype: str, tmp_path: Path) -> None:
    precision = {"float32": "float", "float64": "double"}[dtype]
    made = export(models.network(name, dtype), tmp_path / "network.c", precision=precision)
    assert made.proof is not None


def test_hostile_names_stay_what_they_are(tmp_path: Path) -> None:
    model = models.hostile()
    assert export(model, tmp_path / "1 model-é.c").proof is not None
    (path,) = tmp_path.glob("*.c")
    command = [str(COMPILER), *WARNINGS, "-DMODEL_1_MODEL_E_MAIN", str(path), "-o", "own", "-lm"]
    subprocess.run(command, cwd=tmp_path, check=True)
    names = model.feature_names_in_.tolist()
    levels = [models.HOSTILE[index % len(models.HOSTILE)] for index in range(20)]
    columns = {name: list(np.random.default_rng(1).normal(size=20)) for name in names[:-1]} | {names[-1]: levels}
    said = list(csv.reader(io.StringIO(run(tmp_path / "own", csv_text(columns)).stdout, newline="")))
    assert said[0] == [*(f"probability of {name}" for name in model.classes_), "label"]
    assert [row[-1] for row in said[1:]] == model.predict(columns).tolist()


def transposed(o: Affine) -> Affine:
    return dataclasses.replace(o, weight=o.weight.T.copy()) if o.weight.shape[0] == o.weight.shape[1] else o


def one_off(o: Code) -> Code:
    return dataclasses.replace(o, levels=(*o.levels[1:], o.levels[0]))


PLANTED: dict[str, tuple[type[Operation], Callable[[Any], Any]]] = {
    "a transposed weight": (Affine, transposed),
    "an encoder off by one": (Code, one_off),
}


@pytest.mark.parametrize("mistake", PLANTED)
def test_the_proof_finds_a_planted_mistake_and_leaves_nothing(
    mistake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, change = PLANTED[mistake]
    own = operations.WRITERS[kind]
    monkeypatch.setitem(operations.WRITERS, kind, lambda w, o: own(w, change(o)))
    with pytest.raises(ProofError, match="ended with exit code 1, said: largest difference"):
        export(models.fitted("binary"), tmp_path / "model.c")
    assert list(tmp_path.iterdir()) == []


def test_the_proof_finds_swapped_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def swapped(w: Any, o: Complement) -> list[str]:
        return [f"{o.output}[0] = {w.number(o.x)};", f"{o.output}[1] = 1 - {w.number(o.x)};"]

    monkeypatch.setitem(operations.WRITERS, Complement, swapped)
    with pytest.raises(ProofError, match="largest difference"):
        export(models.fitted("binary"), tmp_path / "model.c")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("kind", "operation"), [("classes", Largest), ("labels", Above)])
def test_the_self_test_finds_another_label_though_the_probabilities_are_right(
    kind: str, operation: type[Operation], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(operations.WRITERS, operation, lambda w, o: [f"{o.output}[{i}] = 0;" for i in range(o.size)])
    with pytest.raises(ProofError, match=r"largest difference on \d+ rows: inf"):
        export(models.fitted(kind), tmp_path / "model.c")
    monkeypatch.setattr("pellucid.export.vectors.tied", lambda output, values, tolerance: np.full(len(values), True))
    with pytest.raises(ProofError, match="the label is another than the model's"):  # only of rows that are not tied
        export(models.fitted(kind), tmp_path / "model.c")
    assert list(tmp_path.iterdir()) == []


def test_the_proof_finds_a_wrong_result_of_rows_that_are_not_in_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = C.run

    def wrong_in_the_last_row(target: C, path: Path, graph: Graph, columns: Any) -> Any:
        found = own(target, path, graph, columns)
        found["probabilities"][-1] += 2e-5
        return found

    monkeypatch.setattr(C, "run", wrong_in_the_last_row)
    with pytest.raises(ProofError, match="probabilities differs from the model's"):
        export(models.fitted("classes"), tmp_path / "model.c")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program of a classifier with columns of every kind, which checks its memory and its arithmetic."""
    path = tmp_path_factory.mktemp("program") / "model.c"
    export(models.fitted("classes", "population"), path)
    try:
        return compiled(path, "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    except subprocess.CalledProcessError:
        return compiled(path)  # a compiler without sanitizers


def test_sanitizers_find_nothing(program: Path) -> None:
    assert run(program, "", "--self-test").returncode == 0
    assert run(program, csv_text(models.table())).returncode == 0


def test_clang_has_no_warning(program: Path, tmp_path: Path) -> None:
    pytest.importorskip("ziglang", reason="there is no clang here: ziglang brings one")
    for file in program.parent.glob("model.[ch]"):
        shutil.copy(file, tmp_path)
    clang = compiled(tmp_path / "model.c", "-O2", command=(sys.executable, "-m", "ziglang", "cc"))
    assert run(clang, "", "--self-test").returncode == 0


def test_the_header_is_also_one_of_cplusplus(program: Path) -> None:
    if shutil.which("c++") is None:
        pytest.skip("there is no C++ compiler here")
    source = '#include "model.h"\nint main() { model_row row = model_row(); return row.size > 0; }\n'
    command = ["c++", "-x", "c++", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I", str(program.parent), "-"]
    subprocess.run(command, input=source.encode(), check=True)


def test_a_table_of_csv_text_gives_the_models_labels(program: Path) -> None:
    said = run(program, csv_text(models.table()))
    rows = list(csv.DictReader(io.StringIO(said.stdout)))
    model = models.fitted("classes", "population")
    assert list(rows[0]) == [*(f"probability of {name}" for name in model.classes_), "label"]
    assert [row["label"] for row in rows] == model.predict(models.table()).tolist()
    found = np.array([[float(row[f"probability of {name}"]) for name in model.classes_] for row in rows])
    assert np.abs(found - model.predict_proba(models.table())).max() <= 1e-5  # what an export in float allows


HEADER = "size,city,color,sex,old,day,time\n"
ROW = "1.5,city 3,red,male,true,2024-02-29,2024-02-29T12:30:00\n"


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + HEADER + ROW,
        (HEADER + ROW).replace("\n", "\r\n"),
        (HEADER + ROW).replace("\n", "\r"),
        (HEADER + ROW).rstrip("\n"),
        HEADER + "\n" + ROW + "\n\n",
        '"size","city","color","sex","old","day","time"\n"1.5","city 3","red","male","TRUE","2024-02-29",'
        '"2024-02-29T12:30:00Z"\n',
        "more," + HEADER + '"a ""quote"", and\na line",' + ROW,
        "color,city,size,sex,old,day,time\nred,city 3,0x1.8p0,male,1,2024-02-29,2024-02-29 13:30:00.000+01:00\n",
    ],
)
def test_the_same_row_may_be_written_in_many_ways(text: str, program: Path) -> None:
    expected = run(program, HEADER + ROW)
    assert expected.returncode == 0 and len(expected.stdout.splitlines()) == 2
    assert run(program, text).stdout == expected.stdout


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEADER.replace("color,", ""), "line 1: there is no column color"),
        ("size," + HEADER, "line 1: there are two columns size"),
        (HEADER + ROW + ROW.replace("1.5", "1,5"), "line 3: the row has more fields than the first"),
        (HEADER + ROW + "1\n", "line 3: the row has fewer fields than the first"),
        (HEADER + ROW.replace("1.5", "1.5 m"), "line 2: this is no number, in column size"),
        (HEADER + ROW.replace("true", "2"), "line 2: this is neither true nor false nor 1 nor 0, in column old"),
        (HEADER + ROW.replace("2024-02-29,", "2023-02-29,"), "line 2: this is no date, "),
        (HEADER + ROW.replace("12:30:00", "24:30:00"), "line 2: this is no date, "),
        (HEADER + ROW.replace("T12:30:00", "T12:30:00x"), "line 2: this is no date, "),
        (HEADER + '"1.5\n', "line 2: a quote is not closed"),
        (HEADER + '"1.5"2' + ROW, "line 2: text follows a closing quote"),
        (HEADER + ROW.replace("red", "r\0d"), "line 2: there is a zero byte"),
        (HEADER + ROW.replace("red", "r" * 2**20), "line 2: the row is longer than 1 MiB"),
        ("", "line 1: there is no column size"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(text: str, said: str, program: Path) -> None:
    done = run(program, text)
    assert done.returncode == 1
    assert f"model: {said}" in done.stderr


def test_wrong_words_print_the_usage(program: Path) -> None:
    assert run(program, "", "--help").returncode == 2
    assert "usage: model [ROWS.csv]" in run(program, "", "a", "b").stderr
    assert "cannot read nothing.csv" in run(program, "", "nothing.csv").stderr


def test_dates_are_those_of_the_calendar(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    epoch, first = datetime.datetime(1970, 1, 1), datetime.datetime(1, 1, 1)
    given = [
        first + datetime.timedelta(microseconds=int(each)) for each in rng.integers(0, 315_537_897_600 * 10**6, 500)
    ]
    given += [datetime.datetime(year, month, day) for year in (1, 1900, 2000, 2024) for month, day in ((2, 28), (3, 1))]
    given += [datetime.datetime(2024, 2, 29), datetime.datetime(9999, 12, 31, 23, 59, 59, 999_999)]
    calls = [
        f"d_date({t.year}, {t.month}, {t.day}, {t.hour}, {t.minute}, {t.second}.{t.microsecond:06d})" for t in given
    ]
    none = ["d_date(2023, 2, 29, 0, 0, 0)", "d_date(1900, 2, 29, 0, 0, 0)", "d_date(2024, 13, 1, 0, 0, 0)"]
    lines = "\n".join(f'    printf("%.17g\\n", {call});' for call in calls + none)
    source = f"#include <math.h>\n#include <stdio.h>\n{template('c_dates.c')}int main(void)\n{{\n{lines}\n}}\n"
    (tmp_path / "d.c").write_text(source.replace("NAME", "d"))
    subprocess.run([str(COMPILER), "-std=c99", "d.c", "-o", "d", "-lm"], cwd=tmp_path, check=True)
    found = [float(line) for line in run(tmp_path / "d", "").stdout.split()]
    assert found[: len(given)] == [(t - epoch) / datetime.timedelta(microseconds=1) for t in given]
    assert np.isnan(found[len(given) :]).all()


def graphs() -> list[Graph]:
    found = [lower(models.fitted(kind, members)) for kind in models.TARGETS for members in models.MEMBERS]
    return [*found, *(lower(models.network(name, "float32")) for name in models.NETWORKS)]


def test_values_that_are_still_needed_share_no_place() -> None:
    for graph in graphs():
        storage = Storage(graph)
        made = {operation.output: operation for operation in graph.operations}
        last: dict[str, int] = {}
        for step, operation in enumerate(graph.operations):
            for name in (operation.output, *operation.inputs):
                last[storage.whole(name)[0]] = step
        last |= {storage.whole(output.value)[0]: len(made) for output in graph.outputs}
        owner: dict[tuple[str, int], str] = {}
        for step, operation in enumerate(graph.operations):
            for name in operation.inputs:
                whole, _ = storage.whole(name)
                if whole in made:
                    cells = [(made[whole].dtype, storage.places[whole] + i) for i in range(made[whole].size)]
                    assert {owner[cell] for cell in cells} == {whole}
            if operation.output in storage.places:
                for i in range(operation.size):
                    cell = operation.dtype, storage.places[operation.output] + i
                    previous = owner.get(cell)
                    assert previous is None or last[previous] <= step
                    owner[cell] = operation.output
        for output in graph.outputs:
            whole, _ = storage.whole(output.value)
            if whole in made:
                place = storage.places[whole]
                assert {owner[made[whole].dtype, place + i] for i in range(made[whole].size)} == {whole}


def test_the_values_of_a_population_take_hardly_more_room_than_those_of_one_network() -> None:
    one, two = (Storage(lower(models.fitted("classes", members))).n_bytes for members in models.MEMBERS)
    assert two < 1.5 * one


def test_constants_give_each_number_back() -> None:
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=1000) * 10.0 ** rng.integers(-300, 300, 1000)
    assert [float(number(value, "double")) for value in numbers] == numbers.tolist()
    narrow = (rng.normal(size=1000) * 10.0 ** rng.integers(-37, 37, 1000)).astype(np.float32)
    assert [np.float32(number(value, "float").rstrip("f")) for value in narrow] == narrow.tolist()


def test_a_text_with_a_zero_byte_is_refused(tmp_path: Path) -> None:
    column, output = Column("a\0b", "number"), Output("outputs", "a\0b", "numbers", ("output",))
    with pytest.raises(OptionError, match=r"the column 'a\\x00b' has a zero byte"):
        C().check(Graph("a title", (column,), (), (output,)))


def test_without_a_compiler_a_program_is_written_but_not_proven(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    network = Network([Dense(1)], n_inputs=2, rng=0)
    network.initialize()
    with pytest.raises(ProofError, match="a C compiler: cc, gcc or clang"):
        export(network, tmp_path / "network.c", require_proof=True)
    assert list(tmp_path.iterdir()) == []
    assert export(network, tmp_path / "network.c").proof is None


def test_a_code_that_no_table_has_gives_nan_and_no_access_beyond_the_table(tmp_path: Path) -> None:
    column, output = Column("x", "vector", 1), Output("found", "v1", "numbers", ("output",))
    lookup = Lookup("v1", 1, "float64", "x", np.array([[1.0], [2.0]]))
    graph = Graph("a table", (column,), (lookup,), (output,))
    given = {"x": np.array([[0.0], [1.0]])}
    vectors = Vectors(given, evaluate(graph, given), 1e-9, {"found": np.ones(1)})
    for name, text in C().write(graph, vectors, "table").files.items():
        (tmp_path / name).write_text(str(text))
    said = run(compiled(tmp_path / "table.c"), "x[0]\n0\n1\n2\n-1\n0.5\n1e300\nnan\n").stdout.split()
    assert said == ["found", "1", "2", "nan", "nan", "nan", "nan", "nan"]


@pytest.mark.parametrize("target", [None, "c"])
def test_any_file_name_will_do(target: str | None, tmp_path: Path) -> None:
    path = tmp_path / ("int.C" if target is None else 'a "b" $c.txt')
    assert export(models.network("scale", "float32"), path, target=target).proof is not None


@pytest.mark.parametrize(("example", "most"), [(single_layer, 300), (xor, 800)])
def test_the_tutorial_networks_fit_a_microcontroller(example: Any, most: int, tmp_path: Path) -> None:
    if shutil.which("size") is None:
        pytest.skip("there is no program `size` here")
    export(example.build(), tmp_path / "network.c")
    subprocess.run([str(COMPILER), "-std=c99", "-Os", "-c", "network.c"], cwd=tmp_path, check=True)
    said = subprocess.run(["size", "network.o"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert sum(map(int, said.splitlines()[1].split()[:3])) < most  # bytes of code, constants and memory
