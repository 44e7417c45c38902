"""How many cores a process may use: affinity, quotas of control groups, workers of joblib, and the variable."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import joblib
import pytest
from joblib.externals.loky import get_reusable_executor
from sklearn.utils.parallel import Parallel as SklearnParallel
from sklearn.utils.parallel import delayed as sklearn_delayed

from pellucid.engine import cores
from pellucid.engine.cores import available_cores, in_joblib_worker, quota
from pellucid.engine.native import limited_threads, threads_for
from pellucid.engine.plan import Plan
from pellucid.errors import OptionError

V2 = "0::{}\n"
V1 = "9:name=systemd:/init\n4:cpuset:{0}\n3:cpu,cpuacct:{0}\n0::/unified\n"


def quota_of(groups: str, files: dict[str, str], folder: Path) -> float:
    """Return the quota where /proc/self/cgroup reads ``groups`` and these files lie below /sys/fs/cgroup."""
    root, listed = folder / "sys", folder / "cgroup"
    root.mkdir()
    listed.write_text(groups)
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text + "\n")
    return quota(listed, root)


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        (V2.format("/"), {}, math.inf),
        (V2.format("/"), {"cpu.max": "max 100000"}, math.inf),
        (V2.format("/"), {"cpu.max": "150000 100000"}, 1.5),
        (V2.format("/a/b"), {"a/b/cpu.max": "max 100000", "a/cpu.max": "300000 100000"}, 3),
        (V2.format("/a/b"), {"a/b/cpu.max": "100000 100000", "a/cpu.max": "300000 100000"}, 1),
        (V2.format("/a/b"), {"a/c/cpu.max": "100000 100000", "cpu.max": "400000 200000"}, 2),
        (V2.format("/host/docker/3f"), {"cpu.max": "50000 100000"}, 0.5),
        (V1.format("/"), {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, math.inf),
        (V1.format("/"), {"cpu/cpu.cfs_quota_us": "250000", "cpu/cpu.cfs_period_us": "100000"}, 2.5),
        (
            V1.format("/a/b"),
            {
                "cpu/a/b/cpu.cfs_quota_us": "-1",
                "cpu/a/b/cpu.cfs_period_us": "100000",
                "cpu/a/cpu.cfs_quota_us": "60000",
                "cpu/a/cpu.cfs_period_us": "30000",
            },
            2,
        ),
        (V1.format("/host/3f"), {"cpu/cpu.cfs_quota_us": "100000", "cpu/cpu.cfs_period_us": "100000"}, 1),
        (V1.format("/"), {"cpuset/cpu.cfs_quota_us": "100000", "cpuset/cpu.cfs_period_us": "100000"}, math.inf),
    ],
)
def test_the_least_quota_up_to_the_root_holds(
    groups: str, files: dict[str, str], expected: float, tmp_path: Path
) -> None:
    assert quota_of(groups, files, tmp_path) == expected


def test_without_control_groups_nothing_is_limited(tmp_path: Path) -> None:
    assert quota(tmp_path / "missing", tmp_path) == math.inf


@pytest.mark.parametrize(("granted", "expected"), [(math.inf, 8), (9, 8), (3, 3), (2.1, 3), (0.2, 1)])
def test_a_part_of_a_core_counts_as_one(granted: float, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(cores, "quota", lambda: granted)
    assert available_cores() == expected


def test_where_there_is_no_affinity_all_cores_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    monkeypatch.setattr(cores, "quota", lambda: math.inf)
    assert available_cores() == 5


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity")
def test_affinity_holds() -> None:
    one = min(os.sched_getaffinity(0))
    code = f"import os; os.sched_setaffinity(0, [{one}]); from pellucid.engine.cores import *; print(available_cores())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"


def seen(_: object = None) -> tuple[bool, int]:
    """Return what a worker sees."""
    return in_joblib_worker(), available_cores()


def nested(_: object = None) -> tuple[bool, int]:
    """Return what a worker's worker of one sees: it runs in the outer worker itself."""
    return joblib.Parallel(n_jobs=1)(joblib.delayed(seen)() for _ in range(2))[0]


@pytest.mark.parametrize("work", [seen, nested])
@pytest.mark.parametrize("backend", ["loky", "multiprocessing", "threading"])
def test_one_core_in_a_joblib_worker(backend: str, work: object) -> None:
    assert joblib.Parallel(n_jobs=2, backend=backend)(joblib.delayed(work)() for _ in range(4)) == [(True, 1)] * 4


def test_one_core_in_workers_of_scikit_learn_and_of_loky_itself() -> None:
    assert SklearnParallel(n_jobs=2)(sklearn_delayed(seen)() for _ in range(4)) == [(True, 1)] * 4
    get_reusable_executor(kill_workers=True).shutdown()
    with get_reusable_executor(max_workers=1) as executor:
        assert executor.submit(seen).result() == (True, 1)


def test_joblib_without_workers_leaves_all_cores() -> None:
    assert not in_joblib_worker()
    assert not joblib.Parallel(n_jobs=1)(joblib.delayed(in_joblib_worker)() for _ in range(1))[0]
    with joblib.parallel_config(backend="threading", n_jobs=2):
        assert not in_joblib_worker()


def test_the_variable_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Plan.__new__(Plan)  # not looked at
    monkeypatch.setenv("PELLUCID_THREADS", "3")
    with limited_threads(2):
        assert threads_for(plan) == 3
    for wrong in ("0", "65", "two", "-1", ""):
        monkeypatch.setenv("PELLUCID_THREADS", wrong)
        with pytest.raises(OptionError, match=f"PELLUCID_THREADS got '{wrong}'"):
            threads_for(plan)
