"""The rest of a program: reading rows, printing predictions, and the self-test. It is copied into each.

Names that are not defined here are the program's own: COLUMNS, OUTPUTS, TOLERANCE, VECTORS and ``outputs_of``.
"""

import csv
import datetime
import json
import sys


def read(path):
    """Return the rows of a CSV file as dicts; a vector x is in its columns x[0], x[1], and so on."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        table = csv.DictReader(file)
        rows, given = list(table), table.fieldnames or []
    for name, (kind, size) in COLUMNS.items():
        needed = [f"{name}[{index}]" for index in range(size)] if kind == "vector" else [name]
        lacking = [each for each in needed if each not in given]
        if lacking:
            sys.exit(f"{path}: there is no column {lacking[0]!r}; there are {', '.join(map(repr, given)) or 'none'}.")
        for row in rows if kind == "vector" else []:
            row[name] = [row[each] for each in needed]
    return rows


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


def value(given, kind):
    """Return a raw value as the list of what the program computes with."""
    if kind == "vector":
        return list(map(float, given))
    return [text(given) if kind == "category" else number(given, kind)]


def predict(rows):
    """Return what is predicted for rows, dicts of values by column: a dict for each."""
    columns = {name: [value(row[name], kind) for row in rows] for name, (kind, _) in COLUMNS.items()}
    found = [{} for _ in rows]
    for name, made in (outputs_of(columns) if rows else {}).items():
        kind, labels = OUTPUTS[name]
        for row, values in zip(found, made):
            if kind == "label":
                row[name] = labels[int(values[0])]
            else:
                row.update({heading(name, kind, label): each for label, each in zip(labels, values)})
    return found


def heading(name, kind, label):
    """Return the name of an output's column."""
    if kind == "probabilities":
        return f"probability of {label}"
    return str(name) if len(OUTPUTS[name][1]) == 1 else f"{name} of {label}"


def kept_columns(given):
    """Return columns of a JSON document, a value or a list a row, as lists."""
    return {
        name: given[name] if kind == "vector" else [[each] for each in given[name]]
        for name, (kind, _) in COLUMNS.items()
    }


def difference(found, expected, unit):
    """Return by how much two numbers differ; infinitely where only one is NaN."""
    if found == expected or (found != found and expected != expected):
        return 0.0
    off = abs(found - expected) / unit
    return off if off == off else float("inf")


def self_test():
    """Return the largest difference to what the model predicts for the rows that are kept here.

    Another label counts as infinitely far. One of -1 is not compared: there two are as good as equal.
    """
    outputs, largest = outputs_of(kept_columns(VECTORS["columns"])), 0.0
    for name, (kind, labels) in OUTPUTS.items():
        for values, expected in zip(outputs[name], VECTORS["outputs"][name]):
            if kind in ("label", "labels"):
                offs = [0.0 if own in (found, -1) else float("inf") for found, own in zip(values, expected)]
            else:
                units = [1.0] * len(labels)
                if kind == "numbers":
                    units = [unit + abs(own) for unit, own in zip(VECTORS["units"][name], expected)]
                offs = map(difference, values, expected, units)
            largest = max(largest, *offs)
    return largest


def main(words):
    if words[:1] == ["--self-test"]:
        largest = self_test()
        print(f"largest difference on {len(next(iter(VECTORS['columns'].values())))} rows: {largest:.3g}")
        return 0 if largest <= TOLERANCE else 1
    if words[:1] == ["--columns"]:
        with open(words[1], encoding="utf-8") as file:
            columns = kept_columns(json.load(file))
        with open(words[2], "w", encoding="utf-8") as file:
            json.dump(outputs_of(columns), file)
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
