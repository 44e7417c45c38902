"""One experiment: data, a network, its training and what was done to it. Commands go in, frames come out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.errors import DivergenceError, OptionError, PellucidError
from pellucid.insight import diagnose, gradient_check
from pellucid.insight.ledger import TracedStep
from pellucid.losses import Loss, Penalty
from pellucid.network import Network
from pellucid.optimizers import Optimizer
from pellucid.playground import exports, frames, numbers, state
from pellucid.playground.choices import choices, described, described_model, losses_for
from pellucid.playground.commands import EDITS, checked_fields
from pellucid.playground.configuration import DEFAULT, Configuration, build_network, configured
from pellucid.playground.curve import Curve
from pellucid.playground.plane import Plane, plane_of
from pellucid.playground.rows import Rows, make_rows
from pellucid.playground.surgery import cell_of, operate
from pellucid.playground.sweep import Sweep
from pellucid.playground.timeline import Edit, Recipe, Timeline
from pellucid.playground.views import histograms, plain, score
from pellucid.schedules import Schedule

if TYPE_CHECKING:
    import polars

Frame = dict[str, Any]

MOST_RUNS = 4
LONGEST_NAME = 60
MOST_CHECKED = 50_000
MODELS_OWN = "network: an opened model has its own; choose other data to build one."
RESTARTING = ("network", "loss", "optimizer", "schedule", "penalty", "batch_size", "epochs", "seed")
"""The sections of a configuration that are set as they are, and start the run anew."""


class Experiment:
    """What `do` is told and what `progress` tells are described in docs/explanation/playground-protocol.md.

    >>> experiment = Experiment()
    >>> frame = experiment.do({"command": "step_epoch", "count": 2})
    >>> frame["frame"], frame["epoch"], frame["step"]
    ('progress', 2, 50)
    """

    def __init__(
        self,
        tables: Mapping[str, polars.DataFrame] | None = None,
        models: Mapping[str, Any] | None = None,
        **sections: Any,
    ) -> None:
        self.tables: dict[str, polars.DataFrame] = dict(tables or {})
        self.models: dict[str, Any] = dict(models or {})
        self.runs: list[Frame] = []
        self.speed: float | None = None
        self.playing = False
        self.sweep: Sweep | None = None
        self._news: list[Frame] = []
        self._step: TracedStep | None = None
        self._step_rows: list[int] | None = None
        self._begin(DEFAULT.changed(**sections))

    def do(self, message: Mapping[str, Any]) -> Frame:
        """Carry out a command and return the frame that answers it; of one that fails, what is wrong."""
        given = {name: value for name, value in message.items() if name not in ("command", "id")}
        command = message.get("command")
        try:
            fields = checked_fields(command, given)
            restarting = str(command).removeprefix("set_") in RESTARTING
            answer = self._set(**fields) if restarting else getattr(self, f"_{command}")(**fields)
        except PellucidError as error:
            answer = {"frame": "error", "message": str(error)}
        return {**answer, "id": message["id"]} if "id" in message else answer

    def news(self) -> list[Frame]:
        """Return the frames that nobody asked for and that came up since the last call."""
        found, self._news = self._news, []
        return found

    def advance(self, seconds: float) -> None:
        """Go on with what runs, the sweep before the training, for about so long."""
        if self.sweep is not None and self.sweep.running:
            if self.sweep.advance(seconds):
                self._news.append({"frame": "sweep", **self.sweep.frame()})
        elif self.playing:
            try:
                self._play_on(seconds)
            except DivergenceError as error:
                self.playing, self.stopped_by = False, str(error)

    @property
    def busy(self) -> bool:
        """Whether `advance` has something to do."""
        return self.playing or (self.sweep is not None and self.sweep.running)

    def _begin(self, configuration: Configuration, edits: list[Edit] | None = None) -> None:
        """Start a run; nothing changes where the configuration cannot be trained."""
        rows = self._rows_of(configuration)
        timeline, loss = self._timeline(configuration, rows, edits or [])
        plane = plane_of(rows, configuration.view)
        self._adopt(configuration, rows, plane, loss)
        self.timeline = timeline
        self.curve = Curve()
        self.playing, self.stopped_by = False, ""
        self.until: int | None = None
        self._due, self._rate = 0.0, 100.0
        self._close_step()
        self._note()

    def _rows_of(self, configuration: Configuration) -> Rows:
        return make_rows(configuration.data, self.tables, self.models)

    def _adopt(self, configuration: Configuration, rows: Rows, plane: Plane, loss: Loss) -> None:
        self.configuration: Configuration = configuration
        self.rows: Rows = rows
        self.plane: Plane = plane
        self.loss: Loss = loss
        self.X, self.y = rows.X[~rows.is_test], rows.target[~rows.is_test]
        self.X_test, self.y_test = rows.X[rows.is_test], rows.target[rows.is_test]

    def _timeline(self, configuration: Configuration, rows: Rows, edits: list[Edit]) -> tuple[Timeline, Loss]:
        fitting = losses_for(rows)
        name = fitting[0] if configuration.loss is None else configuration.loss["type"]
        if name not in fitting:
            raise OptionError(f"loss: {name} does not fit this target; there are {', '.join(fitting)}.")
        loss: Loss = rows.loss or configured(Loss, configuration.loss or {"type": name}, "loss")
        target = rows.target
        n_outputs = len(rows.classes) if loss.link == "softmax" else loss.n_outputs(target[:, None])
        network = rows.network.copy() if rows.network else build_network(configuration, rows.X.shape[1], n_outputs)
        loss.check_target(target, n_outputs)
        penalty = Penalty(**configuration.penalty) if any(configuration.penalty.values()) else None
        recipe = Recipe(
            loss,
            configured(Optimizer, configuration.optimizer, "optimizer"),
            configured(Schedule, configuration.schedule, "schedule"),
            penalty,
            configuration.batch_size,
            configuration.epochs,
            configuration.seed,
        )

        def apply(edit: Edit) -> None:
            operate(network, edit.command, edit.fields)

        trial = network.copy()
        for edit in edits:  # those of a link: each must be possible
            operate(trial, edit.command, edit.fields)
        learned = ~rows.is_test
        return Timeline(network, rows.X[learned], target[learned], recipe, apply, list(edits)), loss

    def _set(self, **sections: Any) -> Frame:
        data = self.configuration.data
        if "network" in sections and data["kind"] == "model":
            raise OptionError(MODELS_OWN)
        self._begin(self.configuration.changed(**sections))
        if self.configuration.data != data:
            self._news.append(self.data())
        return self.experiment()

    def _set_data(self, data: Any) -> Frame:
        before = self.configuration
        loss = before.loss
        if loss is not None:
            rows = self._rows_of(before.changed(data=data))
            loss = loss if loss["type"] in losses_for(rows) else None  # the first that fits
        return self._set(data=data, loss=loss)

    def _set_stop(self, stop: Any) -> Frame:
        self.configuration = self.configuration.changed(stop=stop)
        return self.experiment()

    def _set_view(self, view: Any) -> Frame:
        changed = self.configuration.changed(view=view)
        self.plane, self.configuration = plane_of(self.rows, changed.view), changed
        self._news.append(self.data())
        return self.experiment()

    def _open_link(self, text: str) -> Frame:
        configuration, given, step = state.decode(text)
        edits = []
        for edit in given:
            fields = {name: value for name, value in edit.items() if name not in ("step", "command")}
            if edit.get("command") not in EDITS or type(edit.get("step")) is not int or edit["step"] < 0:
                raise OptionError("link: an edit expects its step and a command that edits.")
            edits.append(Edit(edit["step"], edit["command"], checked_fields(edit["command"], fields)))
        edits.sort(key=lambda edit: edit.step)
        self._begin(configuration, edits)
        self.until, self.playing = step, step > 0
        self._news.append(self.data())
        return self.experiment()

    def _reset(self) -> Frame:
        return self._set()

    def _play(self, until: int | None) -> Frame:
        self.playing, self.until, self.stopped_by, self._due = True, until, "", 0.0
        self._close_step()
        return self.progress()

    def _pause(self) -> Frame:
        self.playing = False
        return self.progress()

    def _set_speed(self, epochs_per_second: float | None) -> Frame:
        self.speed = epochs_per_second
        return self.progress()

    def _step_epoch(self, count: int) -> Frame:
        timeline = self.timeline
        return self._go_to((timeline.epoch + count) * timeline.batches)

    def _step_batch(self, count: int) -> Frame:
        return self._go_to(self.timeline.step + count)

    def _rewind(self, step: int) -> Frame:
        if step > self.timeline.furthest:
            raise OptionError(
                f"rewind: step got {step:,}; it expects at most {self.timeline.furthest:,}, which was reached."
            )
        return self._go_to(step)

    def _go_to(self, step: int) -> Frame:
        self.playing, self.stopped_by = False, ""
        self._close_step()
        self.timeline.go_to(step)
        self._note()
        return self.progress()

    def _play_on(self, seconds: float) -> None:
        """Train for about so long, and end where play is to end."""
        timeline, stop = self.timeline, self.configuration.stop
        if self.speed is None:
            count = max(1, int(self._rate * seconds))
        else:
            self._due += self.speed * seconds
            count = min(int(self._due), max(1, int(self._rate * seconds)))
            self._due = min(self._due - count, 1.0)
            if not count:
                return
        goal = (timeline.epoch + count) * timeline.batches
        if stop["epoch"] is not None and goal >= stop["epoch"] * timeline.batches:
            goal = max(timeline.step, stop["epoch"] * timeline.batches)
            self.playing, self.stopped_by = False, f"epoch {stop['epoch']:,} is reached"
        if self.until is not None and goal >= self.until:
            goal, self.playing = max(timeline.step, self.until), False
        began, first = time.monotonic(), timeline.epoch + (timeline.batch > 0)
        losses = timeline.go_to(goal)
        trained = timeline.epoch - first
        if trained > 0:
            self._rate = max(1.0, 0.5 * (self._rate + trained / max(time.monotonic() - began, 1e-6)))
        if stop["loss"] is not None:
            reached = next((index for index, loss in enumerate(losses) if loss <= stop["loss"]), None)
            if reached is not None:
                timeline.go_to((first + reached + 1) * timeline.batches)
                self.playing, self.stopped_by = False, f"the loss is at most {stop['loss']:g}"
        if not self.playing:
            self._note()

    def _note(self) -> None:
        """Put the losses of this moment on the curve."""
        step = self.timeline.step
        if not self.curve.rows or self.curve.rows[-1][0] != step:
            self.curve.add(step, *self._losses(self.timeline.network))

    def _losses(self, network: Network) -> tuple[float | None, float | None]:
        train, test = self._scores(network)
        return (None if train is None else train["loss"]), (None if test is None else test["loss"])

    def _scores(self, network: Network) -> tuple[Any, Any]:
        classes = self.rows.classes
        with np.errstate(all="ignore"):
            return (
                score(network, self.X, self.y, self.loss, classes),
                score(network, self.X_test, self.y_test, self.loss, classes),
            )

    def _open_step(self, rows: list[int] | None) -> Frame:
        self.playing = False
        self._step = numbers.next_step(self.timeline, numbers.batch_rows(self.timeline, rows))
        self._step_rows, self._at = rows, 0
        return self._ledger()

    def _ledger(self) -> Frame:
        step = self._step
        assert step is not None
        place = {"step": step.number, "epoch": step.epoch, "batch": step.batch, "rows": step.rows.tolist()}
        return {"frame": "ledger", **place, "entries": numbers.outline(step), "at": self._at}

    def _step_operation(self, by: int) -> Frame:
        if self._step is None:
            self._open_step(None)
        step = self._step
        assert step is not None
        done = self._at + by >= len(step.entries)
        if done and self._step_rows is not None:
            raise OptionError("step_operation: this was the last quantity; a step for chosen rows is only looked at.")
        if done:
            self.timeline.go_to(self.timeline.step + 1)
            self._note()
            self._open_step(None)
            self._news.append(self._ledger())
            step = self._step
            assert step is not None
        else:
            self._at = max(0, self._at + by)
        said = numbers.operation(step, self._at)
        return {"frame": "operation", "step": step.number, "at": self._at, **said, "done": done}

    def _close_step(self) -> None:
        self._step, self._step_rows, self._at = None, None, 0

    def _inspect_weight(self, parameter: str, at: list[int], rows: list[int] | None) -> Frame:
        cell = cell_of(self.timeline.network, parameter, at)
        step = numbers.next_step(self.timeline, numbers.batch_rows(self.timeline, rows))
        return {"frame": "weight", **numbers.weight(step, parameter, cell)}

    def _inspect_neuron(self, layer: int, neuron: int, row: int) -> Frame:
        network = self.timeline.network
        if layer >= len(network.layers) or neuron >= network.sizes[layer + 1]:
            raise OptionError(f"inspect_neuron: the network has no neuron {neuron} in layer {layer}, counted from 0.")
        step = numbers.next_step(self.timeline, numbers.batch_rows(self.timeline, [row]))
        said = numbers.neuron(step, layer, neuron)
        return {"frame": "neuron", "layer": layer, "neuron": neuron, "row": row, **said}

    def _edit(self, command: str, **fields: Any) -> Frame:
        self._close_step()
        if len(self.timeline.edits) >= state.MOST_EDITS:
            raise OptionError(f"{command}: the run has {state.MOST_EDITS:,} edits; that is as many as it keeps.")
        self.timeline.edit(Edit(self.timeline.step, command, fields))
        self.curve.add(self.timeline.step, *self._losses(self.timeline.network))
        return self.progress()

    def _edit_weight(self, parameter: str, at: list[int], value: float) -> Frame:
        return self._edit("edit_weight", parameter=parameter, at=at, value=value)

    def _freeze_neuron(self, layer: int, neuron: int, frozen: bool) -> Frame:
        return self._edit("freeze_neuron", layer=layer, neuron=neuron, frozen=frozen)

    def _cut_edge(self, parameter: str, at: list[int], cut: bool) -> Frame:
        return self._edit("cut_edge", parameter=parameter, at=at, cut=cut)

    def _check_gradients(self) -> Frame:
        network, recipe = self.timeline.network, self.timeline.recipe
        if network.parameters.size > MOST_CHECKED:
            raise OptionError(
                f"check_gradients: the network has {network.parameters.size:,} parameters, and each takes two losses; "
                f"up to {MOST_CHECKED:,} are checked. Click a weight: its finite difference stands beside its gradient."
            )
        found = gradient_check(network.copy(), self.loss, self.X, self.y, penalty=recipe.penalty)
        figures = {"passed": found.passed, "tolerance": found.tolerance, "direction_error": found.direction_error}
        return {"frame": "gradient_check", **plain({**figures, "errors": found.errors})}

    def _look(self) -> Frame:
        self.curve.tell_all()
        return self.progress()

    def _show_histograms(self, bins: int) -> Frame:
        return {"frame": "histograms", **histograms(self.timeline.network, self.X, bins)}

    def _diagnose(self) -> Frame:
        report = diagnose(self.timeline.network, self.X, self.y, loss=self.loss, column_names=self.rows.inputs)
        return {"frame": "findings", **report.to_json()}

    def _keep_run(self, name: str) -> Frame:
        if len(name) > LONGEST_NAME or len(self.runs) >= MOST_RUNS:
            raise OptionError(
                f"keep_run keeps {MOST_RUNS} runs with names of up to {LONGEST_NAME} characters; drop one."
            )
        train, test = self._scores(self.timeline.network)
        self.runs.append(
            {
                "name": name,
                "configuration": self.configuration.to_json(),
                "edits": self._edits(),
                "step": self.timeline.step,
                "epoch": self.timeline.epoch,
                "train": train,
                "test": test,
                "curve": [list(row) for row in self.curve.rows],
            }
        )
        return self._run_frame()

    def _drop_run(self, index: int) -> Frame:
        self._run(index)
        self.runs.pop(index)
        return self._run_frame()

    def _restore_run(self, index: int) -> Frame:
        run = self._run(index)
        given = [Edit(each["step"], each["command"], _without(each)) for each in run["edits"]]
        self._begin(Configuration.from_json(run["configuration"]), given)
        self._news.append(self.data())
        return self.experiment()

    def _run(self, index: int) -> Frame:
        if index >= len(self.runs):
            raise OptionError(f"there is no run {index}; {len(self.runs)} are kept, counted from 0.")
        return self.runs[index]

    def _run_frame(self) -> Frame:
        return {"frame": "runs", "runs": self.runs}

    def _start_sweep(self, x: Any, y: Any, epochs: int) -> Frame:
        if self.rows.network is not None and any(str(side.get("field")).startswith("network") for side in (x, y or {})):
            raise OptionError(MODELS_OWN)

        def begin(configuration: Configuration) -> Any:
            twin = Experiment.__new__(Experiment)
            rows = self._rows_of(configuration)
            timeline, loss = self._timeline(configuration, rows, [])
            twin._adopt(configuration, rows, self.plane, loss)
            return timeline, lambda: twin._losses(timeline.network)

        self.sweep = Sweep(self.configuration, x, y, epochs, begin)
        return {"frame": "sweep", **self.sweep.frame()}

    def _stop_sweep(self) -> Frame:
        if self.sweep is None:
            raise OptionError("stop_sweep: no sweep runs.")
        self.sweep.stop()
        return {"frame": "sweep", **self.sweep.frame()}

    def _link(self) -> Frame:
        return {"frame": "link", "text": state.encode(self.configuration, self._edits(), self.timeline.step)}

    def _export(self, format: str) -> Frame:
        network = self.timeline.network
        if format == "configuration":
            text = exports.configuration_page(self.configuration, self._edits(), self.timeline.step)
            return {"frame": "export", "name": "configuration.json", "type": "application/json", "text": text}
        if format == "svg":
            text = exports.drawing(network, self.rows.inputs)
            return {"frame": "export", "name": "network.svg", "type": "image/svg+xml", "text": text}
        if format == "numpy":
            return {"frame": "export", "name": "numpy.py", "type": "text/x-python", "text": exports.numpy_page(network)}
        first, _ = self._timeline(self.configuration, self.rows, [])
        text = exports.script(self.timeline, first.network, self.X_test, self.y_test)
        return {"frame": "export", "name": "script.py", "type": "text/x-python", "text": text}

    def _edits(self) -> list[Frame]:
        return [edit.to_json() for edit in self.timeline.edits]

    def add_table(self, name: str, table: polars.DataFrame) -> Frame:
        """Take a table in the place of the one before, and return what was found in it."""
        found = described(name, table)
        self.tables = {name: table}
        return found

    def add_model(self, name: str, estimator: Any) -> Frame:
        """Take a fitted estimator in the place of the one before, and return what it learned from what."""
        found = described_model(name, estimator)
        self.models = {name: estimator}
        return found

    def greeting(self) -> list[Frame]:
        """Return what a page is told when it connects."""
        return [self.options(), self.experiment(), self.data(), self._look()]

    def options(self) -> Frame:
        """Return what can be chosen: the options of every class, the fields of every command, tables and models."""
        tables = [described(name, table) for name, table in self.tables.items()]
        models = [described_model(name, estimator) for name, estimator in self.models.items()]
        return {**choices(), "tables": tables, "models": models}

    def experiment(self) -> Frame:
        """Return the configuration and what it amounts to."""
        return frames.experiment(self.configuration, self.rows, self.timeline)

    def data(self) -> Frame:
        """Return where the rows lie in the plane that is shown."""
        return frames.data(self.rows, self.plane)

    def progress(self) -> Frame:
        """Return the numbers of this moment."""
        self._note()
        train, test = self._scores(self.timeline.network)
        return {
            **frames.position(self.timeline),
            "playing": self.playing,
            "speed": self.speed,
            "epochs_per_second": plain(self._rate) if self.playing else None,
            "stopped_by": self.stopped_by,
            "train": train,
            "test": test,
            "curve": self.curve.news(),
            **frames.numbers(self.timeline, self.X, self.y, self.plane.grid),
        }


def _without(edit: Frame) -> Frame:
    return {name: value for name, value in edit.items() if name not in ("step", "command")}
