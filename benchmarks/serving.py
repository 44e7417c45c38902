"""Requests a second and their 99th percentile on the loopback address, beside scikit-learn behind FastAPI.

``python benchmarks/serving.py`` trains on ``examples/penguins.csv``, runs one server after another in a process of its
own (each with one worker), asks each the same rows from the same client, and prints a table. The client is this
program: a few connections that stay open, each of which asks again as soon as it has its answer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

TABLE = Path(__file__).parents[1] / "examples" / "penguins.csv"
NUMBERS = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g", "year"]
WORDS = ["island", "sex"]
SERVERS = {
    "pellucid": "Pellucid, a population, `pellucid serve`",
    "pellucid-single": "Pellucid, one network, `pellucid serve`",
    "sk-mlp": "scikit-learn, one network, FastAPI",
}
LOADS = ((1, 1), (1, 16), (1, 64), (100, 4))  # rows a request, connections


def table() -> pl.DataFrame:
    return pl.read_csv(TABLE, null_values=["NA"])


def run_pellucid(port: int, model: Path) -> None:
    from pellucid.cli import main

    raise SystemExit(main(["serve", str(model), "--port", str(port)]))


def run_sklearn(port: int) -> None:
    """Serve scikit-learn's MLP as its users would: a pipeline, and a pydantic model of the row."""
    import pandas as pd
    import uvicorn
    from fastapi import FastAPI
    from pydantic import create_model
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    frame = pd.read_csv(TABLE)
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), NUMBERS), (OneHotEncoder(handle_unknown="ignore"), WORDS)
    )
    model = make_pipeline(columns, MLPClassifier(max_iter=1000, random_state=0)).fit(
        frame[NUMBERS + WORDS], frame.species
    )
    classes = model.classes_.tolist()
    types: Any = {**{name: (float | None, ...) for name in NUMBERS}, **{name: (str | None, ...) for name in WORDS}}
    row = create_model("Row", **types)
    body = create_model("Body", rows=(list[row], ...))
    app = FastAPI()

    def predict(asked: Any) -> Any:
        probabilities = model.predict_proba(pd.DataFrame([row.model_dump() for row in asked.rows]))
        found = [
            {"prediction": classes[code], "probabilities": dict(zip(classes, shares, strict=True))}
            for code, shares in zip(probabilities.argmax(axis=1).tolist(), probabilities.tolist(), strict=True)
        ]
        return {"predictions": found}

    predict.__annotations__ = {"asked": body, "return": dict[str, Any]}
    app.post("/predict")(predict)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False)


async def asked(port: int, bodies: Sequence[bytes], connections: int, seconds: float) -> list[float]:
    """Return the seconds that each answered request took."""
    took: list[float] = []
    requests = [
        b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        + f"Content-Length: {len(body)}\r\n\r\n".encode()
        + body
        for body in bodies
    ]
    end = time.perf_counter() + seconds

    async def connection(first: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        index = first
        while (began := time.perf_counter()) < end:
            writer.write(requests[index % len(requests)])
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
            await reader.readexactly(length)
            took.append(time.perf_counter() - began)
            index += connections
        writer.close()

    await asyncio.gather(*(connection(first) for first in range(connections)))
    return took


def started(name: str, port: int, models: Path) -> subprocess.Popen[bytes]:
    """Start a server and return it once it answers."""
    words = [sys.executable, __file__, "--server", name, str(port), "--models", str(models)]
    process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
    for _ in range(600):
        time.sleep(0.1)
        try:
            asyncio.run(_connected(port))
            return process
        except OSError:
            if process.poll() is not None:
                break
    process.kill()
    raise SystemExit(f"{name} does not answer: run `{' '.join(words)}` to see why")


async def _connected(port: int) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()


def train(models: Path) -> None:
    from pellucid import TabularClassifier

    rows = table()
    columns, species = rows.drop("species").to_dict(), rows["species"].to_list()
    for name, options in (("pellucid", {}), ("pellucid-single", {"members": 1})):
        model = TabularClassifier(random_state=0, **options).fit(columns, species)
        model.save(models / name)
        print(
            f"{SERVERS[name]}: networks in use: {len(model.ensemble_.networks)}, parameters: {model.ensemble_.size:,}"
        )


def measure(names: Sequence[str], seconds: float, rounds: int, models: Path) -> None:
    rows = table().drop("species").to_dicts()
    figures: dict[tuple[str, tuple[int, int]], list[tuple[float, float, float]]] = {}
    for _ in range(rounds):  # one server after another in each round: a busy moment is spread over all
        for place, name in enumerate(names):
            process = started(name, port := 18_765 + place, models)
            try:
                for load in LOADS:
                    n_rows, connections = load
                    bodies = [
                        json.dumps({"rows": [rows[(start + index) % len(rows)] for index in range(n_rows)]}).encode()
                        for start in range(0, len(rows), 7)
                    ]
                    asyncio.run(asked(port, bodies, connections, seconds / 4))  # to warm up
                    took = np.array(asyncio.run(asked(port, bodies, connections, seconds)))
                    found = (len(took) / seconds, *(np.quantile(took, [0.5, 0.99]) * 1e3))
                    figures.setdefault((name, load), []).append(found)
            finally:
                process.terminate()
                process.wait()
    for n_rows, connections in LOADS:
        noun = "connection" if connections == 1 else "connections"
        print(f"\n| {n_rows} {'row' if n_rows == 1 else 'rows'} a request, {connections} {noun} ", end="")
        print("| requests/s | median, ms | 99th percentile, ms |\n|---|---:|---:|---:|")
        for name in names:
            best = max(figures[name, (n_rows, connections)])  # the round that was disturbed least
            print(f"| {SERVERS[name]} | {best[0]:,.0f} | {best[1]:.1f} | {best[2]:.1f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="of which the best counts")
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=list(SERVERS))
    parser.add_argument("--server", nargs=2, metavar=("NAME", "PORT"), help=argparse.SUPPRESS)
    parser.add_argument("--models", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.server is not None:
        name, port = given.server
        if name == "sk-mlp":
            run_sklearn(int(port))
        run_pellucid(int(port), given.models / name)
    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder)
        print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start\n")
        train(models)
        measure(given.servers, given.seconds, given.rounds, models)


if __name__ == "__main__":
    main()
