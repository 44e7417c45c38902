"""A forecast of memory: what training will ask for, beside what there is, said before a table fills the machine.

What is free is the least of what the system says and what the control groups above this process (containers, batch
systems) leave it; memory that only caches files counts as free, since it is given back.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pellucid.errors import NotEnoughMemoryError

VECTORS = 8  # of a member: weights, slopes, two factors, two averages of the optimizer, average and best weights


@dataclass(frozen=True)
class MemoryForecast:
    """What training will ask for at its peak, besides what is in memory already.

    n_rows : rows of the table
    for_rows : bytes by what they hold, of what grows with the rows
    for_networks : the same, of what grows with the networks
    """

    n_rows: int
    for_rows: dict[str, int]
    for_networks: dict[str, int]

    @property
    def total(self) -> int:
        """All of it, in bytes."""
        return sum(self.for_rows.values()) + sum(self.for_networks.values())

    def __str__(self) -> str:
        parts = sorted({**self.for_rows, **self.for_networks}.items(), key=lambda part: -part[1])
        return f"{shown_bytes(self.total)} ({', '.join(f'{shown_bytes(size)} {name}' for name, size in parts if size)})"


class FreeMemory(NamedTuple):
    """Bytes that are free, and who says so."""

    n_bytes: int
    source: str


def forecast_memory(
    *,
    n_rows: int,
    n_columns: int,
    n_inputs: int,
    n_outputs: int,
    n_parameters: int,
    n_neurons: int,
    batch_size: int,
    n_members: int = 1,
    n_at_once: int = 1,
    n_candidates: int = 0,
    n_judged: int = 0,
) -> MemoryForecast:
    """Return what a training will ask for, from sizes that are known once the encoder is fitted.

    The rows are taken from the table (8 bytes a number) and encoded as float32, column by column and then row by row:
    twice at the peak. Each member has its vectors, each that trains at once a batch with the values and slopes of all
    neurons; and each candidate of the ensemble keeps its weights and its predictions, float64, with one number a row
    more while it is selected from.

    Parameters
    ----------
    n_rows, n_columns : of the table
    n_inputs : columns of the encoded matrix, `Encoder.n_columns`
    n_outputs, n_parameters, n_neurons : of a network, of the largest where they differ; neurons of all layers
    batch_size : rows of a step
    n_members, n_at_once : networks, and how many of them train at the same time
    n_candidates : members at the epochs from which the ensemble is selected
    n_judged : rows that are predicted out of sample

    >>> sizes = dict(n_outputs=1, n_parameters=200_000, n_neurons=512, batch_size=256, n_members=16)
    >>> print(forecast_memory(n_rows=1_000_000, n_columns=100, n_inputs=100, **sizes))
    1.7 GB (800 MB rows of the table, 800 MB encoded rows, 102 MB weights of 16 networks, 1.2 MB batches)
    """
    return MemoryForecast(
        n_rows,
        {
            "rows of the table": 8 * n_rows * n_columns,
            "encoded rows": 2 * 4 * n_rows * n_inputs,
            "predictions": n_candidates * n_judged * 8 * (n_outputs + 1),
        },
        {
            f"weights of {n_members} network{'' if n_members == 1 else 's'}": 4 * VECTORS * n_members * n_parameters,
            "weights of candidates": 4 * n_candidates * n_parameters,
            "batches": 4 * n_at_once * batch_size * (n_inputs + 2 * n_neurons),
        },
    )


def require_memory(forecast: MemoryForecast, free: FreeMemory | None) -> None:
    """Raise `NotEnoughMemoryError` if the forecast is more than what is free; None, if nobody can tell, passes."""
    if free is None or forecast.total <= free.n_bytes:
        return
    left = free.n_bytes - sum(forecast.for_networks.values())
    rows = forecast.n_rows * left // max(sum(forecast.for_rows.values()), 1)
    fix = f"train on about {rows:,} of the {forecast.n_rows:,} rows, or leave out columns"
    if rows < 1:
        fix = "train fewer networks, or smaller ones"
    raise NotEnoughMemoryError(
        f"training would take about {forecast}; {shown_bytes(free.n_bytes)} are free, says {free.source}: {fix}."
    )


def free_memory(root: Path = Path("/")) -> FreeMemory | None:
    """Return how much memory this process may still take, or None where the system does not say.

    root : where the system's files are looked for

    On systems that say only how much memory there is (macOS), that is what is returned.
    """
    found = [*_of_linux(root), *_of_control_groups(root)]
    if not found and sys.platform == "win32":
        found = [*_of_windows()]
    if not found:
        found = [*_of_posix()]
    return min(found, default=None)


def shown_bytes(size: int) -> str:
    """Return a number of bytes in the unit that leaves one to three digits before the point.

    >>> shown_bytes(999), shown_bytes(1_500_000), shown_bytes(31_000_000_000)
    ('999 bytes', '1.5 MB', '31 GB')
    """
    for exponent, unit in ((12, "TB"), (9, "GB"), (6, "MB"), (3, "kB")):
        if size >= 10**exponent:
            value = size / 10**exponent
            return f"{value:.1f} {unit}" if value < 10 else f"{value:,.0f} {unit}"
    return f"{size} bytes"


def _of_linux(root: Path) -> Iterator[FreeMemory]:
    for line in _read(root / "proc/meminfo").splitlines():
        name, _, value = line.partition(":")
        if name == "MemAvailable":
            yield FreeMemory(int(value.split()[0]) * 1024, "/proc/meminfo")


def _of_control_groups(root: Path) -> Iterator[FreeMemory]:
    """Yield what the group of this process and each group above it leave: version 2's one tree, or version 1's own."""
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers not in ("", "memory"):
            continue
        base = root / "sys/fs/cgroup" / controllers
        limit, usage, cached = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        if not controllers:
            limit, usage, cached = ("memory.max", "memory.current", "inactive_file")
        group = Path(path.lstrip("/"))
        for folder in (base / group, *(base / parent for parent in group.parents)):
            most, used = _read(folder / limit).strip(), _read(folder / usage).strip()
            if most.isdigit() and used.isdigit():  # "max" is no limit
                said = dict(line.split()[:2] for line in _read(folder / "memory.stat").splitlines() if " " in line)
                left = int(most) - int(used) + int(said.get(cached, "0"))
                yield FreeMemory(max(left, 0), f"{folder / limit}")


def _of_posix() -> Iterator[FreeMemory]:
    names = getattr(os, "sysconf_names", {})
    for name, source in (("SC_AVPHYS_PAGES", "the system"), ("SC_PHYS_PAGES", "the system, of all its memory")):
        if name in names and os.sysconf(name) > 0:
            yield FreeMemory(os.sysconf(name) * os.sysconf("SC_PAGE_SIZE"), source)
            return


def _of_windows() -> Iterator[FreeMemory]:
    import ctypes

    class MemoryStatus(ctypes.Structure):  # MEMORYSTATUSEX of sysinfoapi.h
        _fields_ = (
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *((name, ctypes.c_ulonglong) for name in ("total", "available", "total_page", "available_page")),
            *((name, ctypes.c_ulonglong) for name in ("total_virtual", "available_virtual", "extended")),
        )

    status: Any = MemoryStatus(length=ctypes.sizeof(MemoryStatus))
    if ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):  # type: ignore[attr-defined]
        yield FreeMemory(int(status.available), "Windows")


def _read(path: Path) -> str:
    """Return a file's text, or nothing where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
