"""The rest of a NumPy program: reading rows, printing predictions, and the self-test. It is copied into each.

Names that are not defined here are the program's own: COLUMNS, OUTPUTS, TOLERANCE, VECTORS and ``compute``.
"""

import base64
import csv
import datetime
import json
import sys

import numpy as np


def constant(text, kept, dtype, *shape):
    return np.frombuffer(base64.b64decode(text), dtype=kept).astype(dtype).reshape(shape)


def read(path):
    """Return the rows of a CSV file as dicts."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def number(value, kind):
    """Return a raw value as a number, NaN where it is missing."""
    if value is None or value == "" or value != value:
        return float("nan")
    if kind == "boolean" and str(value).lower() in ("true", "false"):
        return float(str(value).lower() == "true")
    if kind == "date":
        return microseconds(value)
    return float(value)


def microseconds(value):
    """Return a date, a time, or ISO 8601 text as microseconds since 1970-01-01, in UTC where it has an offset."""
    if isinstance(value, (int, float)):
        return float(value)
    moment = value
    if isinstance(value, str):
        moment = datetime.datetime.fromisoformat(value.strip().replace(",", "."))
    elif not isinstance(value, datetime.datetime):
        moment = datetime.datetime(value.year, value.month, value.day)
    if moment.tzinfo is not None:
        moment = moment.astimezone(datetime.UTC).replace(tzinfo=None)
    return float((moment - datetime.datetime(1970, 1, 1)) // datetime.timedelta(microseconds=1))


def text(value):
    """Return a raw value as a category's name, empty where it is missing: 3, 3.0 and "3" are one."""
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() and abs(value) < 2**63 else str(value)


def columns_of(rows):
    """Return the raw columns of rows, which are dicts of values by column."""
    found = {}
    for name, (kind, size) in COLUMNS.items():
        if kind == "vector":
            found[name] = np.array([row[name] for row in rows], dtype=np.float64).reshape(len(rows), size)
        elif kind == "category":
            found[name] = np.array([[text(row[name])] for row in rows], dtype=object).reshape(len(rows), 1)
        else:
            found[name] = np.array([[number(row[name], kind)] for row in rows], dtype=np.float64).reshape(len(rows), 1)
    return found


def predict(rows):
    """Return what is predicted for rows, dicts of values by column: a dict for each."""
    outputs = compute(columns_of(rows))
    found = [{} for _ in rows]
    for name, (kind, labels) in OUTPUTS.items():
        for row, values in zip(found, outputs[name].tolist()):
            if kind == "label":
                row[name] = labels[int(values[0])]
            else:
                row.update({heading(name, kind, label): value for label, value in zip(labels, values)})
    return found


def heading(name, kind, label):
    """Return the name of an output's column."""
    if kind == "probabilities":
        return f"probability of {label}"
    return str(name) if len(OUTPUTS[name][1]) == 1 else f"{name} of {label}"


def self_test():
    """Return the largest difference to what the model predicts for the rows that are kept here."""
    columns = {}
    for name, (kind, size) in COLUMNS.items():
        dtype = object if kind == "category" else np.float64
        columns[name] = np.array(VECTORS["columns"][name], dtype=dtype).reshape(-1, size)
    outputs = compute(columns)
    largest = 0.0
    for name, (kind, _) in OUTPUTS.items():
        expected = np.array(VECTORS["outputs"][name])
        if kind in ("numbers", "probabilities"):
            unit = np.array(VECTORS["units"][name]) + abs(expected) if kind == "numbers" else 1.0
            largest = max(largest, float((abs(outputs[name] - expected) / unit).max()))
    return largest


def main(words):
    if words[:1] == ["--self-test"]:
        largest = self_test()
        print(f"largest difference on {len(next(iter(VECTORS['columns'].values())))} rows: {largest:.3g}")
        return 0 if largest <= TOLERANCE else 1
    if words[:1] == ["--columns"]:
        with open(words[1], encoding="utf-8") as file:
            given = json.load(file)
        columns = {}
        for name, (kind, size) in COLUMNS.items():
            dtype = object if kind == "category" else np.float64
            columns[name] = np.array(given[name], dtype=dtype).reshape(-1, size)
        with open(words[2], "w", encoding="utf-8") as file:
            json.dump({name: values.tolist() for name, values in compute(columns).items()}, file)
        return 0
    if len(words) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    rows = predict(read(words[0]))
    if rows:
        table = csv.DictWriter(sys.stdout, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    return 0
