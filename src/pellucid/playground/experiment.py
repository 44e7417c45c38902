"""One experiment: a run, what plays it, and what was kept of it. Commands go in, frames come out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pellucid.errors import PellucidError
from pellucid.playground import frames
from pellucid.playground.answers import ANSWERS
from pellucid.playground.choices import choices, described, described_model
from pellucid.playground.commands import checked_fields
from pellucid.playground.configuration import DEFAULT, Configuration
from pellucid.playground.opened_step import OpenedStep
from pellucid.playground.plane import plane_of
from pellucid.playground.player import Player
from pellucid.playground.rows import Rows, make_rows
from pellucid.playground.run import Run
from pellucid.playground.sweep import Sweep
from pellucid.playground.timeline import Edit, Timeline
from pellucid.playground.views import plain

if TYPE_CHECKING:
    import polars

Frame = dict[str, Any]


class Experiment:
    """What `do` is told and what `progress` tells are described in docs/explanation/playground-protocol.md.

    run, plane : what is learned now, and the plane in which it is shown
    opened : the step that is gone through, if one is
    kept : the runs that were kept, as JSON data

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
        self.player = Player()
        self.kept: list[Frame] = []
        self.sweep: Sweep | None = None
        self._news: list[Frame] = []
        self.begin(DEFAULT.changed(**sections))

    def do(self, message: Mapping[str, Any]) -> Frame:
        """Carry out a command and return the frame that answers it; of one that fails, what is wrong."""
        given = {name: value for name, value in message.items() if name not in ("command", "id")}
        command = message.get("command")
        try:
            fields = checked_fields(command, given)
            answer = ANSWERS[str(command)](self, **fields)
        except PellucidError as error:
            answer = {"frame": "error", "message": str(error)}
        return {**answer, "id": message["id"]} if "id" in message else answer

    def begin(self, configuration: Configuration, edits: Sequence[Edit] = ()) -> None:
        """Start a run; nothing changes where the configuration cannot be trained."""
        run = Run(configuration, self.rows_of(configuration), edits)
        self.plane = plane_of(run.rows, configuration.view)
        self.run = run
        self.player.rest()
        self.opened: OpenedStep | None = None
        run.note()

    def rows_of(self, configuration: Configuration) -> Rows:
        """Return the rows that a configuration describes, from the tables and models at hand."""
        return make_rows(configuration.data, self.tables, self.models)

    def tell(self, frame: Frame) -> None:
        """Take a frame that nobody asked for."""
        self._news.append(frame)

    def news(self) -> list[Frame]:
        """Return the frames that nobody asked for and that came up since the last call."""
        found, self._news = self._news, []
        return found

    def advance(self, seconds: float) -> None:
        """Go on with what runs, the sweep before the training, for about so long."""
        if self.sweep is not None and self.sweep.running:
            if self.sweep.advance(seconds):
                self.tell(self.sweep.frame())
        elif self.playing:
            self.player.advance(self.run, seconds)

    @property
    def busy(self) -> bool:
        """Whether `advance` has something to do."""
        return self.playing or (self.sweep is not None and self.sweep.running)

    @property
    def playing(self) -> bool:
        """Whether the run trains by itself."""
        return self.player.playing

    @property
    def speed(self) -> float | None:
        """How fast it plays, in epochs a second; None for as fast as it goes."""
        return self.player.speed

    @property
    def configuration(self) -> Configuration:
        """What is learned by what."""
        return self.run.configuration

    @property
    def timeline(self) -> Timeline:
        """The run's training."""
        return self.run.timeline

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
        self.run.curve.tell_all()
        return [self.options(), self.experiment(), self.data(), self.progress()]

    def options(self) -> Frame:
        """Return what can be chosen: the options of every class, the fields of every command, tables and models."""
        tables = [described(name, table) for name, table in self.tables.items()]
        models = [described_model(name, estimator) for name, estimator in self.models.items()]
        return {**choices(), "tables": tables, "models": models}

    def experiment(self) -> Frame:
        """Return the configuration and what it amounts to."""
        return frames.experiment(self.configuration, self.run.rows, self.timeline)

    def data(self) -> Frame:
        """Return where the rows lie in the plane that is shown."""
        return frames.data(self.run.rows, self.plane)

    def progress(self) -> Frame:
        """Return the numbers of this moment."""
        run, player = self.run, self.player
        run.note()
        train, test = run.scores()
        return {
            **frames.position(run.timeline),
            "playing": player.playing,
            "speed": player.speed,
            "epochs_per_second": plain(player.rate) if player.playing else None,
            "stopped_by": player.stopped_by,
            "train": train,
            "test": test,
            "curve": run.curve.news(),
            **frames.numbers(run.timeline, run.X, run.y, self.plane.grid),
        }
