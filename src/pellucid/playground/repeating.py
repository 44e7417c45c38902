"""Repeating goes through the run that a model file was taken out of again, and compares every bit."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from pellucid.errors import DataError, ModelFileError, OptionError
from pellucid.playground.configuration import Configuration
from pellucid.playground.model_file import estimator_of
from pellucid.playground.rows import make_rows
from pellucid.playground.run import Run
from pellucid.playground.settings import checked_edit
from pellucid.playground.state import LAST_STEP

if TYPE_CHECKING:
    import polars

    from pellucid.model import Verification


def repeated(path: str | os.PathLike[str], table: polars.DataFrame | None = None) -> Verification:
    """Go through the run of a model file from the playground again, and say whether its weights are the same bits.

    A run is a function of its configuration, its edits and the rows, all of which the receipt knows; how long anybody
    looked at it, and what was gone back from, leaves no trace.

    table : as `read_table` gives it; rows that the configuration draws need none

    Raises
    ------
    ModelFileError : if the file is damaged, or was not taken out of the playground
    DataError : if the table is missing, is given where none is needed, or cannot be learned from
    """
    from pellucid.model import Verification, load
    from pellucid.model.comparison import part_differences, tensor_differences, version_differences
    from pellucid.model.saving import contents
    from pellucid.tabular.fingerprint import Fingerprint

    estimator = load(path)
    told = estimator.receipt_
    configuration, edits, step = recorded_run(path, told)
    needs_table = configuration.data["kind"] == "table"
    if needs_table != (table is not None):
        raise DataError(
            f"{os.fspath(path)} was trained on a table, {configuration.data['table']!r}: give it."
            if needs_table
            else f"{os.fspath(path)} was trained on rows that its configuration draws: give no table."
        )
    tables = {} if table is None else {configuration.data["table"]: table}
    began = time.perf_counter()
    run = Run(configuration, make_rows(configuration.data, tables), edits)
    seen = estimator_of(run).receipt_
    data = Fingerprint.from_json(told["data"]).differences(Fingerprint.from_json(seen["data"]))
    if "test" in told and "test" in seen:
        held, held_now = (Fingerprint.from_json(each["test"]["data"]) for each in (told, seen))
        data += [f"of the rows that test: {said}" for said in held.differences(held_now)]
    if data:
        return Verification(told["sha256"], tuple(data), (), (), 0.0)
    run.timeline.go_to(step)
    (document, tensors), (other, other_tensors) = contents(estimator), contents(estimator_of(run))
    weights = part_differences(document, other) + tensor_differences(tensors, other_tensors)
    changed = version_differences(told, other["receipt"])
    return Verification(told["sha256"], (), tuple(weights), tuple(changed), time.perf_counter() - began)


def recorded_run(path: str | os.PathLike[str], told: dict[str, Any]) -> tuple[Configuration, list[Any], int]:
    """Return configuration, edits and step of a receipt, of which nothing is believed unchecked."""
    if "playground" not in told:
        raise ModelFileError(f"{os.fspath(path)} was not taken out of the playground; pellucid.verify is for it.")
    recorded = told["playground"]
    step = recorded["step"]
    try:
        if not 0 <= step <= LAST_STEP:
            raise OptionError(f"step got {step!r:.40}; it expects at most {LAST_STEP:,}")
        edits = [checked_edit(edit) for edit in recorded["edits"]]
        return Configuration.from_json(recorded["configuration"]), edits, step
    except (OptionError, AttributeError) as error:
        raise ModelFileError(f"{os.fspath(path)}: its receipt has no run that this release makes: {error}") from error
