"""The forecast of memory: near what training takes, beside what systems and containers say is free."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import pellucid
from pellucid.errors import NotEnoughMemoryError
from pellucid.population.memory import (
    FreeMemory,
    forecast_memory,
    free_memory,
    require_memory,
    shown_bytes,
)

GB = 10**9
SIZES = {"n_columns": 10, "n_inputs": 10, "n_outputs": 1, "n_parameters": 1000, "n_neurons": 64, "batch_size": 32}

MEASURED = """
import sys
import numpy, polars, pellucid
def resident(name):  # not getrusage's peak, which counts what the parent process held before it became this one
    (line,) = (line for line in open("/proc/self/status") if line.startswith(name))
    return int(line.split()[1]) * 1024
n_rows, n_columns = int(sys.argv[1]), int(sys.argv[2])
def fit(n_rows, n_columns):
    values = numpy.random.default_rng(0).normal(size=(n_columns, n_rows))
    table = polars.DataFrame({f"c{index}": column for index, column in enumerate(values)})
    target = numpy.arange(n_rows) % 7.0
    before = resident("VmRSS")
    options = {"epochs": 1, "batch_size": 256, "hidden_layer_sizes": (16,), "members": 1, "random_state": 0}
    model = pellucid.TabularRegressor(**options)
    return before, model.fit(table, target)
fit(20, n_columns)
before, model = fit(n_rows, n_columns)
print(resident("VmHWM") - before, model.network_.parameters.size)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads what Linux says of a process")
@pytest.mark.slow
def test_the_forecast_is_near_what_a_training_takes() -> None:
    """Within a quarter, and 40 MB for what the interpreter and the engine take that does not grow."""
    n_rows, n_columns = 150_000, 40
    environment = {**os.environ, "PYTHONPATH": str(Path(pellucid.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(n_rows), str(n_columns)],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    taken, n_parameters = map(int, done.stdout.split())
    forecast = forecast_memory(
        n_rows=n_rows,
        n_columns=n_columns,
        n_inputs=n_columns,
        n_outputs=1,
        n_parameters=n_parameters,
        n_neurons=17,
        batch_size=256,
    )
    assert 0.75 * forecast.total < taken < 1.25 * forecast.total + 40 * 10**6


def test_the_forecast_grows_with_what_it_holds() -> None:
    small = forecast_memory(n_rows=1000, **SIZES)
    assert sum(forecast_memory(n_rows=2000, **SIZES).for_rows.values()) == 2 * sum(small.for_rows.values())
    many = forecast_memory(n_rows=1000, n_members=3, **SIZES)
    assert many.for_networks["weights of 3 networks"] == 3 * small.for_networks["weights of 1 network"]
    chosen = forecast_memory(n_rows=1000, n_candidates=50, n_judged=200, **SIZES)
    assert chosen.total == small.total + 50 * (200 * 16 + 4 * 1000)
    assert many.total == sum(many.for_rows.values()) + sum(many.for_networks.values())


def test_what_would_not_fit_is_refused_with_the_estimate_and_a_way_out() -> None:
    forecast = forecast_memory(n_rows=100_000_000, **SIZES)
    with pytest.raises(NotEnoughMemoryError) as refusal:
        require_memory(forecast, FreeMemory(4 * GB, "/proc/meminfo"))
    message = str(refusal.value)
    assert "16 GB (8.0 GB rows of the table, 8.0 GB encoded rows," in message
    assert "4.0 GB are free, says /proc/meminfo: train on about 24," in message
    assert isinstance(refusal.value, MemoryError)
    with pytest.raises(NotEnoughMemoryError, match="train fewer networks, or smaller ones"):
        require_memory(forecast_memory(n_rows=10, n_members=10**6, **SIZES), FreeMemory(4 * GB, "a test"))


def test_what_fits_passes_and_so_does_what_nobody_can_tell() -> None:
    forecast = forecast_memory(n_rows=1000, **SIZES)
    require_memory(forecast, FreeMemory(forecast.total, "a test"))
    require_memory(forecast, None)
    with pytest.raises(NotEnoughMemoryError):
        require_memory(forecast, FreeMemory(forecast.total - 1, "a test"))


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_linux_says_what_is_available(tmp_path: Path) -> None:
    write(tmp_path / "proc/meminfo", "MemTotal: 900 kB\nMemFree: 100 kB\nMemAvailable:     700 kB\n")
    assert free_memory(tmp_path) == (700 * 1024, "/proc/meminfo")


def test_a_container_of_version_2_leaves_less(tmp_path: Path) -> None:
    write(tmp_path / "proc/meminfo", "MemAvailable: 900000 kB\n")
    write(tmp_path / "proc/self/cgroup", "0::/pod/box\n")
    groups = tmp_path / "sys/fs/cgroup"
    write(groups / "pod/box/memory.max", "max\n")
    write(groups / "pod/box/memory.current", "5000\n")
    write(groups / "pod/memory.max", "100000\n")
    write(groups / "pod/memory.current", "70000\n")
    write(groups / "pod/memory.stat", "anon 40000\ninactive_file 20000\nactive_file 9000\n")
    found = free_memory(tmp_path)
    assert found is not None
    assert found.n_bytes == 100_000 - 70_000 + 20_000
    assert found.source.endswith("pod/memory.max")
    write(groups / "pod/box/memory.max", "6000\n")
    assert free_memory(tmp_path) == (1000, str(groups / "pod/box/memory.max"))
    write(groups / "pod/box/memory.current", "7000\n")
    assert free_memory(tmp_path) == (0, str(groups / "pod/box/memory.max"))


def test_a_container_of_version_1_leaves_less(tmp_path: Path) -> None:
    """Its path is often that of the host, which is not there inside: then the tree's root is the container's."""
    write(tmp_path / "proc/meminfo", "MemAvailable: 900000 kB\n")
    write(tmp_path / "proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/docker/0123\n1:name=systemd:/\n")
    groups = tmp_path / "sys/fs/cgroup/memory"
    write(groups / "memory.limit_in_bytes", "50000\n")
    write(groups / "memory.usage_in_bytes", "20000\n")
    write(groups / "memory.stat", "inactive_file 1\ntotal_inactive_file 5000\n")
    assert free_memory(tmp_path) == (35_000, str(groups / "memory.limit_in_bytes"))
    write(groups / "memory.limit_in_bytes", "9223372036854771712\n")  # no limit
    assert free_memory(tmp_path) == (900_000 * 1024, "/proc/meminfo")


@pytest.mark.skipif(not hasattr(os, "sysconf"), reason="there is no sysconf on Windows")
def test_where_there_are_no_such_files_the_system_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = free_memory(tmp_path)
    assert found is not None
    assert 10**7 < found.n_bytes < os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    monkeypatch.delitem(os.sysconf_names, "SC_AVPHYS_PAGES")  # as on macOS
    whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert free_memory(tmp_path) == (whole, "the system, of all its memory")
    monkeypatch.delitem(os.sysconf_names, "SC_PHYS_PAGES")
    assert free_memory(tmp_path) is None


def test_this_machine_says_something_reasonable() -> None:
    found = free_memory()
    assert found is not None
    assert 10**7 < found.n_bytes < 10**14


def test_sizes_are_written_with_few_digits() -> None:
    assert [shown_bytes(size) for size in (0, 1000, 9_960, 12_345, 2 * 10**12)] == [
        "0 bytes",
        "1.0 kB",
        "10.0 kB",
        "12 kB",
        "2.0 TB",
    ]
