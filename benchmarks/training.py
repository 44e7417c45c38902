"""A benchmark: training steps and predictions of Pellucid beside its peers, in one run on one machine.

    python benchmarks/training.py                          # every work, five alternating repeats (minutes)
    python benchmarks/training.py --works small --repeats 3

Everyone trains the same architecture on the same float32 rows with the same batch size and optimizer, shuffled anew in
each epoch. The figures are medians; compiling (JAX) and a warm-up call are apart. A peer that cannot be imported is
named as missing. The README beside this file says how to read the columns; `peers.py` holds who does what, `floor.py`
the limit of the machine.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator, Sequence

import numpy as np
from floor import floor
from peers import WORKS, Entry, Run, Work, many_networks, prediction, training

CHOICES = [*WORKS, "networks", "predict", "memory"]
MEMORY = """
import sys, tracemalloc
sys.path.insert(0, {folder!r})
from peers import Adam, CrossEntropy, Work, network_of, train
work = Work((20, 64, 64, 2), 2_000, 200, {epochs})
X, y = work.data()
network = network_of(work)
options = {{"loss": CrossEntropy(), "optimizer": Adam(), "batch_size": work.batch, "engine": "native"}}
train(network, X[:400], y[:400], epochs=1, **options)
tracemalloc.start()
train(network, X, y, epochs=work.epochs, **options)
print(tracemalloc.get_traced_memory()[1] // 1024)
"""


def alternating(entries: list[Entry], repeats: int) -> Iterator[tuple[Entry, float | str]]:
    """Yield each entry with the median seconds of its run, or with what is missing.

    A short run is repeated for about 50 ms, so that what is measured is work, not a processor that wakes up.
    """
    ready: list[tuple[Entry, Run]] = []
    for entry in entries:
        try:
            run = entry.make()
            start = time.perf_counter()
            run()
            if entry.name == "JAX":
                print(f"  JAX's first call, with compiling: {time.perf_counter() - start:.2f} s", file=sys.stderr)
            ready.append((entry, run))
        except ImportError as error:
            yield entry, f"missing: {error.name}"
    times: dict[Entry, list[float]] = {entry: [] for entry, _ in ready}
    for _ in range(repeats):
        for entry, run in ready:
            time.sleep(0.1)  # until threads of the one before, which wait for more work by spinning, sleep
            start, count = time.perf_counter(), 0
            while count == 0 or time.perf_counter() - start < 0.05:
                run()
                count += 1
            times[entry].append((time.perf_counter() - start) / count)
    yield from ((entry, statistics.median(found)) for entry, found in times.items())


def show(title: str, entries: list[Entry], count: int, repeats: int, work: Work | None = None) -> None:
    """Print a table; with a work, which is trained, the share of the floor in each time."""
    found = dict(alternating(entries, repeats))
    first = found[entries[0]]
    print(f"\n| {title} | µs | ratio to the first |{' share of the floor |' if work else ''}")
    print(f"|---|---:|---:|{'---:|' if work else ''}")
    for entry in entries:
        seconds = found[entry]
        if isinstance(seconds, str):
            print(f"| {entry.name} | {seconds} | |{' |' if work else ''}")
            continue
        share = f" {100 * floor(work, entry.cores) * count / seconds:.0f} % |" if work else ""
        print(f"| {entry.name} | {seconds / count * 1e6:.2f} | {seconds / float(first):.2f} |{share}")
    sys.stdout.flush()


def show_memory() -> None:
    """Print the most memory that a training has requested at once, in Python, NumPy and for the native engine."""
    print("\n| 20-64-64-2, batch 200, 2,000 rows: peak memory of a training | KiB |\n|---|---:|")
    for epochs in (100, 10_000):
        script = MEMORY.format(folder=os.path.dirname(os.path.abspath(__file__)), epochs=epochs)
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        print(f"| {epochs:,} epochs, {10 * epochs:,} steps | {done.stdout.strip()} |", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--works", nargs="+", choices=CHOICES, default=CHOICES, help="some of the works")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")  # scikit-learn warns that training could go on
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start")
    repeats = options.repeats
    for key, w in WORKS.items():
        if key in options.works:
            title = f"{'-'.join(map(str, w.sizes))}, batch {w.batch}: a step"
            show(title, training(w), w.steps, repeats, None if w.xor else w)
    w = WORKS["small"]
    if "networks" in options.works:
        show("16 networks 20-64-64-2, batch 200: a step of each", many_networks(w), w.steps, repeats)
    if "predict" in options.works:
        rows = np.random.default_rng(2).standard_normal((100_000, w.sizes[0])).astype(np.float32)
        show("20-64-64-2, predicting one row: a call", prediction(w, rows[:1], 2_000), 2_000, repeats)
        show("20-64-64-2, predicting 100,000 rows: a call", prediction(w, rows, 1), 1, repeats)
    if "memory" in options.works:
        show_memory()
    print(f"\nload {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
