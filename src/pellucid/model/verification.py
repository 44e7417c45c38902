"""Verification trains a model again by what its receipt records, and compares every bit of the two."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from typing import Any

from pellucid.domains import Boolean, Integer
from pellucid.errors import OptionError
from pellucid.model.comparison import part_differences, tensor_differences, version_differences
from pellucid.model.receipt import receipt, recorded_plan
from pellucid.model.saving import contents, load
from pellucid.options import option
from pellucid.tabular.fingerprint import Fingerprint
from pellucid.tabular.frames import to_table
from pellucid.training import Callback, Run


@dataclass(frozen=True)
class Verification:
    """What verification found; sentences say what is not as it was recorded.

    sha256 : of the model file, whose own digest was right
    data : how the data differ from those that the model saw; where they do, nothing is trained
    weights : how the networks, trained again, differ from those in the file; empty if they are the same bits
    versions : what was another version or machine than when the model was trained, which is no fault by itself
    seconds : what training again took, 0.0 if there was none
    """

    sha256: str
    data: tuple[str, ...]
    weights: tuple[str, ...]
    versions: tuple[str, ...]
    seconds: float

    @property
    def same(self) -> bool:
        """Whether the same data gave the same bits."""
        return not self.data and not self.weights

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON data."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {"same": self.same, **{n: list(v) if isinstance(v, tuple) else v for n, v in found.items()}}


def verify(
    path: str | os.PathLike[str],
    X: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    n_jobs: int | None = None,
    verbose: bool = False,
    **given: Any,
) -> Verification:
    """Train a model again on the data that it was trained on, and say whether its weights are the same bits.

    A population repeats its recorded plan, and a single network that a clock or a person stopped ends at the same
    step, so that no clock has a part in it.

    Parameters
    ----------
    path : a model file
    X, y, sample_weight : what `fit` got
    n_jobs : cores; whatever it is, the bits are the same
    verbose : whether to show a progress bar on a terminal
    given : the further arguments of `fit`: X_val, y_val, sample_weight_val, groups, order

    Raises
    ------
    ModelFileError : if the file is damaged, or of another kind
    DataError, TargetError : if the data cannot be learned from at all
    OptionError : for a file that was taken out of the playground, where a hand may have steered

    >>> import pathlib, tempfile
    >>> from pellucid import TabularClassifier
    >>> quick = TabularClassifier(members=1, epochs=2, hidden_layer_sizes=(4,), random_state=0)
    >>> table, label = {"size": list(range(40))}, ["small"] * 20 + ["large"] * 20
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "size.pellucid")
    ...     digest = quick.fit(table, label).save(path)
    ...     found, other = verify(path, table, label), verify(path, {"size": list(range(1, 41))}, label)
    >>> found.same, other.same, other.data
    (True, False, ("column 'size' has other values",))
    """
    from pellucid.estimators.material import material_of

    estimator = load(path)
    told = estimator.receipt_
    if "playground" in told:
        raise OptionError(
            f"verify: {os.fspath(path)} was taken out of the playground, which no fit repeats; "
            "pellucid.playground.repeated, or pellucid verify FILE --data DATA, goes through its run again."
        )
    again = repeating(estimator).set_params(n_jobs=n_jobs, verbose=verbose)
    names = to_table(X).columns
    if again.kinds is not None:  # a column that is not there is a difference in the data, not a wrong option
        again.kinds = {name: kind for name, kind in again.kinds.items() if name in names}
    seen = material_of(again, X, y, sample_weight, **given).fingerprint()
    data = tuple(Fingerprint.from_json(told["data"]).differences(seen))
    if data:
        return Verification(told["sha256"], data, (), (), 0.0)
    again.fit(X, y, sample_weight, **given)
    (document, tensors), (other, other_tensors) = contents(estimator), contents(again)
    other["target"]["name"] = document["target"]["name"]  # in messages only; the same data may bear another
    weights = part_differences(document, other) + tensor_differences(tensors, other_tensors)
    versions = version_differences(told, receipt(again))
    return Verification(told["sha256"], data, tuple(weights), tuple(versions), again.fit_seconds_)


def repeating(estimator: Any) -> Any:
    """Return an estimator that, fitted to the same data, takes the same course as a loaded one, without a clock."""
    told = estimator.receipt_
    again = type(estimator)(**estimator.get_params()).set_params(time_budget=None, random_state=estimator.seed_)
    if "plan" in told:
        return again.set_params(plan=recorded_plan(told))
    if told["stopped_by"] or not told["refitted"]:
        steps = told["steps"] if told["stopped_by"] else LAST_STEP
        again.set_params(callbacks=(Stop(steps=steps, refits=told["refitted"]),))
    return again


LAST_STEP = 2**62


class Stop(Callback):
    """Stops a training of one network where the recorded one was stopped."""

    steps: int = option(Integer(0), "The step after which the first training ends.")
    refits: bool = option(Boolean(), "Whether the second training, on all rows, came to its end.")

    def begin(self, run: Run) -> None:
        """Know the first training; of the second one only the steps are told."""
        self._first = run

    def after_step(self, run: Run) -> None:
        """Stop where the recorded training did."""
        if run is self._first:
            if run.history.state.step >= self.steps:
                run.stop("the recorded step")
        elif not self.refits:
            run.stop("no second training was recorded")
