"""What `training.py` measures: the works, and Pellucid and each of its peers doing them."""

from __future__ import annotations

import importlib
from collections.abc import Callable
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
    def layers(self) -> list[tuple[int, int]]:
        return list(zip(self.sizes, self.sizes[1:], strict=False))

    @property
    def xor(self) -> bool:
        return self.rows == 4

    def data(self) -> tuple[Any, Any]:
        if self.xor:
            return np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32), np.array([[0], [1], [1], [0]], np.float32)
        rng = np.random.default_rng(0)
        X = rng.standard_normal((self.rows, self.sizes[0])).astype(np.float32)
        scores = X @ rng.standard_normal((self.sizes[0], self.sizes[-1])).astype(np.float32)
        # noise, because gradients of classes learned perfectly fade to subnormal numbers, which slow processors down
        return X, np.argmax(scores + 2 * scores.std() * rng.standard_normal(scores.shape), axis=1)

    def weights(self) -> list[Any]:
        rng = np.random.default_rng(1)
        draw = rng.standard_normal
        return [(draw((m, n)).astype(np.float32) / m**0.5, np.zeros(n, np.float32)) for m, n in self.layers]


WORKS = {
    "xor": Work((2, 3, 1), 4, 4, 10_000),
    "small": Work((20, 64, 64, 2), 10_000, 200, 10),
    "digits": Work((784, 256, 128, 10), 5_120, 128, 3),
    "wide": Work((100, 512, 512, 512, 10), 5_120, 256, 2),
}


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
    for m, n in work.layers:
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


@dataclass(frozen=True)
class Entry:
    """A row of a table: who, on how many cores at most, and what makes the call that is measured."""

    name: str
    cores: int
    make: Callable[[], Run]


def prediction(work: Work, rows: Any, calls: int) -> list[Entry]:
    """Everyone who predicts; one row takes one thread."""

    def repeated(f: Callable[[Any], Any], x: Any = rows, threads: int = 1) -> Run:
        def run() -> None:
            with limited_threads(threads):
                for _ in range(calls):
                    f(x)

        return run

    ours = Predictor(network_of(work))
    entries = [Entry("Pellucid predict", 1, lambda: repeated(ours.predict))]
    if len(rows) == 1:
        entries.append(Entry("Pellucid predict_one", 1, lambda: repeated(ours.predict_one, rows[0])))
    else:
        entries.append(Entry("Pellucid predict, 2 threads", 2, lambda: repeated(ours.predict, threads=2)))
    sklearn_ready = lambda: repeated(sklearn_network(work, 1).fit(*work.data()).predict_proba)  # noqa: E731
    entries.append(Entry("scikit-learn", 1, sklearn_ready))
    for t in (1, 2):
        entries.append(Entry(f"onnxruntime, threads: {t}", t, lambda t=t: repeated(onnxruntime(work, t))))  # type: ignore[misc]
    return entries


def training(work: Work) -> list[Entry]:
    """Everyone who trains; threadpoolctl limits the products of NumPy to the threads named."""
    entries = [
        Entry("Pellucid native, 2 threads", 2, lambda: pellucid(work, "native", 2)),
        Entry("Pellucid native, 1 thread", 1, lambda: pellucid(work, "native", 1)),
        Entry("Pellucid NumPy", 1, lambda: limited(pellucid(work, "numpy", 1), 1)),
    ]
    if work.xor:
        entries.append(Entry("tutorial's NumPy loop", 1, lambda: tutorial(work)))
    for t in (1, 2):
        entries += [
            Entry(f"scikit-learn, threads: {t}", t, lambda t=t: limited(sklearn(work), t)),  # type: ignore[misc]
            Entry(f"PyTorch eager, threads: {t}", t, lambda t=t: torch(work, t, False)),  # type: ignore[misc]
            Entry(f"PyTorch fused, threads: {t}", t, lambda t=t: torch(work, t, True)),  # type: ignore[misc]
        ]
    return [*entries, Entry("JAX", 2, lambda: jax(work))]


def many_networks(work: Work) -> list[Entry]:
    def run_in(threads: int) -> Run:
        runs = [pellucid(work, "native", 1) for _ in range(16)]
        pool = ThreadPoolExecutor(threads)
        return lambda: list(pool.map(lambda run: run(), runs))

    return [
        Entry("16 at once, 2 threads", 2, lambda: run_in(2)),
        Entry("one after another", 1, lambda: run_in(1)),
    ]
