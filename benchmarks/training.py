"""A benchmark: training steps and predictions of Pellucid beside its peers, in one run on one machine.

    python benchmarks/training.py                          # every work, five alternating repeats (minutes)
    python benchmarks/training.py --works small --repeats 3

Everyone trains the same architecture on the same float32 rows with the same batch size and optimizer, shuffled anew in
each epoch. The figures are medians; compiling (JAX) and a warm-up call are apart. A peer that cannot be imported is
named as missing. The README beside this file says how to read the columns.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid import SGD, Adam, CrossEntropy, Dense, Network, Sigmoid, SquaredError, train
from pellucid.engine import Predictor
from pellucid.engine.native import limited_threads

Run = Callable[[], Any]


@dataclass(frozen=True)
class Work:
    """What is trained: layer sizes, rows of the table, rows of a batch, and epochs of one measured call."""

    sizes: tuple[int, ...]
    rows: int
    batch: int
    epochs: int

    @property
    def steps(self) -> int:
        return self.epochs * -(-self.rows // self.batch)

    @property
    def xor(self) -> bool:
        return self.rows == 4

    def data(self) -> tuple[Any, Any]:
        if self.xor:
            return np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32), np.array([[0], [1], [1], [0]], np.float32)
        rng = np.random.default_rng(0)
        X = rng.standard_normal((self.rows, self.sizes[0])).astype(np.float32)
        return X, np.argmax(X @ rng.standard_normal((self.sizes[0], self.sizes[-1])).astype(np.float32), axis=1)

    def weights(self) -> list[Any]:
        rng = np.random.default_rng(1)
        pairs = zip(self.sizes, self.sizes[1:], strict=False)
        return [(rng.standard_normal((m, n)).astype(np.float32) / m**0.5, np.zeros(n, np.float32)) for m, n in pairs]


WORKS = {
    "xor": Work((2, 3, 1), 4, 4, 10_000),
    "small": Work((20, 64, 64, 2), 10_000, 200, 10),
    "digits": Work((784, 256, 128, 10), 5_120, 128, 3),
    "wide": Work((100, 512, 512, 512, 10), 5_120, 256, 2),
}

CHOICES = [*WORKS, "networks", "predict"]


def network_of(work: Work) -> Network:
    hidden = [layer for size in work.sizes[1:-1] for layer in (Dense(size), Sigmoid() if work.xor else "relu")]
    last = [Dense(work.sizes[-1]), *([Sigmoid()] if work.xor else [])]
    return Network([*hidden, *last], n_inputs=work.sizes[0], dtype="float32")


def pellucid(work: Work, engine: str, threads: int) -> Run:
    X, y = work.data()
    network = network_of(work)
    loss, optimizer = (SquaredError(), SGD(learning_rate=0.5)) if work.xor else (CrossEntropy(), Adam())
    batch = None if work.xor else work.batch

    def run() -> None:
        with limited_threads(threads):
            train(network, X, y, loss=loss, optimizer=optimizer, epochs=work.epochs, batch_size=batch, engine=engine)

    return run


def tutorial(work: Work) -> Run:
    """The loop of a tutorial: two layers of sigmoids and their slopes written out in NumPy."""
    X, y = work.data()
    (w1, b1), (w2, b2) = work.weights()

    def run() -> None:
        nonlocal w1, b1, w2, b2
        for _ in range(work.epochs):
            hidden = 1 / (1 + np.exp(-(X @ w1 + b1)))
            out = 1 / (1 + np.exp(-(hidden @ w2 + b2)))
            d_out = (out - y) * out * (1 - out)
            d_hidden = d_out @ w2.T * hidden * (1 - hidden)
            w2 -= 0.5 * hidden.T @ d_out
            b2 -= 0.5 * d_out.sum(axis=0)
            w1 -= 0.5 * X.T @ d_hidden
            b1 -= 0.5 * d_hidden.sum(axis=0)

    return run


def limited(run: Run, threads: int) -> Run:
    limits = importlib.import_module("threadpoolctl").ThreadpoolController()

    def within() -> None:
        with limits.limit(limits=threads, user_api="blas"):
            run()

    return within


def sklearn_network(work: Work, epochs: int) -> Any:
    module = importlib.import_module("sklearn.neural_network")
    options = {"solver": "sgd", "momentum": 0.0, "activation": "logistic", "learning_rate_init": 0.5}
    options = {**(options if work.xor else {}), "batch_size": work.batch, "max_iter": epochs, "alpha": 0.0}
    return module.MLPClassifier(work.sizes[1:-1], tol=0.0, n_iter_no_change=10**9, random_state=0, **options)


def sklearn(work: Work) -> Run:
    X, y = work.data()
    return lambda: sklearn_network(work, work.epochs).fit(X, y.ravel())


def torch(work: Work, threads: int, fused: bool) -> Run:
    torch = importlib.import_module("torch")
    nn = torch.nn
    X, y = map(torch.from_numpy, work.data())
    layers = []
    for m, n in zip(work.sizes, work.sizes[1:], strict=False):
        layers += [nn.Linear(m, n), nn.Sigmoid() if work.xor else nn.ReLU()]
    model = nn.Sequential(*(layers if work.xor else layers[:-1]))
    loss = nn.MSELoss() if work.xor else nn.CrossEntropyLoss()
    method = torch.optim.SGD if work.xor else torch.optim.Adam
    optimizer = method(model.parameters(), lr=0.5 if work.xor else 1e-3, fused=fused)

    def run() -> None:
        torch.set_num_threads(threads)
        for _ in range(work.epochs):
            order = None if work.xor else torch.randperm(len(X))
            for start in range(0, len(X), work.batch):
                x, target = (X, y) if order is None else (X[(i := order[start : start + work.batch])], y[i])
                optimizer.zero_grad()
                loss(model(x), target).backward()
                optimizer.step()

    return run


def jax(work: Work) -> Run:
    """All steps in one compiled scan; the shuffled row numbers are drawn by NumPy and handed over."""
    jax = importlib.import_module("jax")
    jnp = jax.numpy
    X, y = map(jnp.asarray, work.data())
    tree = jax.tree_util.tree_map

    def objective(weights: Any, x: Any, target: Any) -> Any:
        for index, (w, b) in enumerate(weights):
            x = x @ w + b
            if work.xor:
                x = jax.nn.sigmoid(x)
            elif index < len(weights) - 1:
                x = jax.nn.relu(x)
        if work.xor:
            return jnp.mean((x - target) ** 2)
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(x), target[:, None], 1))

    def step(state: Any, rows: Any) -> Any:
        weights, mean, square, count = state
        x, target = (X, y) if work.xor else (X[rows], y[rows])
        slope = jax.grad(objective)(weights, x, target)
        if work.xor:
            return (tree(lambda w, g: w - 0.5 * g, weights, slope), mean, square, count), None
        count += 1
        mean = tree(lambda m, g: 0.9 * m + 0.1 * g, mean, slope)
        square = tree(lambda v, g: 0.999 * v + 0.001 * g * g, square, slope)
        c1, c2 = 1 - 0.9**count, 1 - 0.999**count
        update = lambda w, m, v: w - 1e-3 * (m / c1) / (jnp.sqrt(v / c2) + 1e-8)  # noqa: E731
        return (tree(update, weights, mean, square), mean, square, count), None

    scan = jax.jit(lambda state, rows: jax.lax.scan(step, state, rows)[0])
    weights = tree(jnp.asarray, work.weights())
    state = (weights, tree(jnp.zeros_like, weights), tree(jnp.zeros_like, weights), jnp.float32(0))
    rng = np.random.default_rng(0)

    def run() -> None:
        rows = np.concatenate([rng.permutation(work.rows) for _ in range(work.epochs)]).reshape(work.steps, -1)
        jax.block_until_ready(scan(state, rows.astype(np.int32)))

    return run


def alternating(runs: dict[str, Callable[[], Run]], repeats: int) -> Iterator[tuple[str, float | str]]:
    """Yield each name with the median seconds of its run, or with what is missing."""
    ready: dict[str, Run] = {}
    for name, make in runs.items():
        try:
            ready[name] = make()
            start = time.perf_counter()
            ready[name]()
            if name == "JAX":
                print(f"  JAX's first call, with compiling: {time.perf_counter() - start:.2f} s", file=sys.stderr)
        except ImportError as error:
            yield name, f"missing: {error.name}"
    times: dict[str, list[float]] = {name: [] for name in ready}
    for _ in range(repeats):
        for name, run in ready.items():
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
    yield from ((name, statistics.median(found)) for name, found in times.items())


def onnxruntime(work: Work, threads: int) -> Callable[[Any], Any]:
    runtime, onnx = importlib.import_module("onnxruntime"), importlib.import_module("onnx")
    helper, nodes, kept, name = onnx.helper, [], [], "x"
    for i, (w, b) in enumerate(work.weights()):
        kept += [onnx.numpy_helper.from_array(w, f"w{i}"), onnx.numpy_helper.from_array(b, f"b{i}")]
        nodes += [helper.make_node("Gemm", [name, f"w{i}", f"b{i}"], [f"z{i}"])]
        nodes += [helper.make_node("Relu", [f"z{i}"], [name := f"a{i}"])]
    ends = [helper.make_tensor_value_info(n, 1, ["rows", s]) for n, s in (("x", work.sizes[0]), (f"z{i}", 2))]
    graph = helper.make_graph(nodes[:-1], "network", ends[:1], ends[1:], kept)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    session = runtime.InferenceSession(model.SerializeToString(), options)
    return lambda x: session.run(None, {"x": x})


def predict(work: Work, x: Any, calls: int) -> dict[str, Callable[[], Run]]:
    def repeated(f: Callable[[Any], Any]) -> Run:
        return lambda: [f(x) for _ in range(calls)]

    return {
        "Pellucid Predictor": lambda: repeated(Predictor(network_of(work)).predict),
        "scikit-learn": lambda: repeated(sklearn_network(work, 1).fit(*work.data()).predict_proba),
        "onnxruntime, 1 thread": lambda: repeated(onnxruntime(work, 1)),
        "onnxruntime, 2 threads": lambda: repeated(onnxruntime(work, 2)),
    }


def training(work: Work) -> dict[str, Callable[[], Run]]:
    """Everyone who trains; threadpoolctl limits the products of NumPy to the threads named."""
    runs: dict[str, Callable[[], Run]] = {
        "Pellucid native, 2 threads": lambda: pellucid(work, "native", 2),
        "Pellucid native, 1 thread": lambda: pellucid(work, "native", 1),
        "Pellucid NumPy": lambda: limited(pellucid(work, "numpy", 1), 1),
        **({"tutorial's NumPy loop": lambda: tutorial(work)} if work.xor else {}),
    }
    for t in (1, 2):
        runs[f"scikit-learn, threads: {t}"] = lambda t=t: limited(sklearn(work), t)  # type: ignore[misc]
        runs[f"PyTorch eager, threads: {t}"] = lambda t=t: torch(work, t, False)  # type: ignore[misc]
        runs[f"PyTorch fused, threads: {t}"] = lambda t=t: torch(work, t, True)  # type: ignore[misc]
    return {**runs, "JAX": lambda: jax(work)}


def many_networks(work: Work, threads: int) -> Run:
    runs = [pellucid(work, "native", 1) for _ in range(16)]
    pool = ThreadPoolExecutor(threads)
    return lambda: list(pool.map(lambda run: run(), runs))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--works", nargs="+", choices=CHOICES, default=CHOICES, help="some of the works")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")  # scikit-learn warns that training could go on
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start")

    def show(title: str, runs: dict[str, Callable[[], Run]], count: int) -> None:
        found = dict(alternating(runs, options.repeats))
        first = found[next(iter(runs))]
        print(f"\n| {title} | µs | ratio to the first |\n|---|---:|---:|")
        for name in runs:
            s = found[name]
            print(f"| {name} |", f"{s} | |" if isinstance(s, str) else f"{s / count * 1e6:.2f} | {s / first:.2f} |")
        sys.stdout.flush()

    for w in (WORKS[key] for key in WORKS if key in options.works):
        show(f"{'-'.join(map(str, w.sizes))}, batch {w.batch}: a step", training(w), w.steps)
    w = WORKS["small"]
    if "networks" in options.works:
        ways = {"2 threads": lambda: many_networks(w, 2), "one after another": lambda: many_networks(w, 1)}
        show("16 networks 20-64-64-2, batch 200: a step of each", ways, w.steps)
    if "predict" in options.works:
        for rows, calls in ((1, 2_000), (100_000, 1)):
            x = np.random.default_rng(2).standard_normal((rows, w.sizes[0])).astype(np.float32)
            show(f"20-64-64-2, predicting {rows:,} rows: a call", predict(w, x, calls), calls)
    print(f"\nload {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
