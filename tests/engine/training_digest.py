"""A program that trains one network and prints the SHA-256 of its weights: what a process of its own is asked for.

Without arguments it prints one line; after ``repeats 20`` a line for each of 20 trainings in this process; after
``children`` a line for itself, for a forked and for a spawned process.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import sys
from typing import Any

import numpy as np

from pellucid.layers import BatchNorm, Columns, Dense, Dropout, Embedding, LayerNorm, Scale
from pellucid.losses import CrossEntropy
from pellucid.network import Network
from pellucid.optimizers import Adam
from pellucid.random import Random
from pellucid.training import train

N_ROWS = 331


def digest(_: Any = None) -> dict[str, str]:
    """Return the hashes after 6 epochs of shuffled batches; every number that goes in is exact."""
    X = Random(1).normal((N_ROWS, 6))
    X[:, 5] = np.arange(N_ROWS) % 5
    network = Network(
        [
            Columns({"numbers": (0, 5, Scale()), "code": (5, 6, Embedding(5, 3))}),
            Dense(70),
            LayerNorm(),
            "gelu",
            Dropout(0.2),
            Dense(33),
            BatchNorm(),
            "tanh",
            Dense(3),
        ],
        n_inputs=6,
        rng=3,
        dtype="float32",
    )
    first = network.parameters.copy()
    history = train(
        network, X, np.arange(N_ROWS) * 7 % 3, loss=CrossEntropy(), optimizer=Adam(), epochs=6, batch_size=40, rng=5,
        sample_weight=np.arange(N_ROWS) % 4 + 0.5, engine="native",
    )  # fmt: skip
    found = {
        "first": first,
        "trained": network.parameters,
        "statistics": network.buffers,
        "losses": np.array([history["loss"], history["gradient_norm"]]),
    }
    return {name: hashlib.sha256(array.tobytes()).hexdigest() for name, array in found.items()}


def digests(how: str = "repeats", count: str = "1") -> list[dict[str, str]]:
    """Return those of ``count`` trainings here, or of one in each kind of child process."""
    if how == "repeats":
        return [digest() for _ in range(int(count))]
    found = [digest()]  # so that the children start from a process that has trained
    for kind in ("fork", "spawn"):
        with multiprocessing.get_context(kind).Pool(1) as pool:
            found += pool.map(digest, [None])
    return found


if __name__ == "__main__":
    for line in digests(*sys.argv[1:]):
        print(json.dumps(line))
