"""A live view of the population: which members train, which stopped, and what the ensemble is worth."""

from __future__ import annotations

from typing import Any

from pellucid.training import Callback, Run


class MembersView(Callback):
    """A line on standard error, written anew after each rung; silent when that is no terminal."""

    def begin(self, run: Run) -> None:
        """Start the display."""
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        console = Console(stderr=True)
        self._progress: Any = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        if not self._progress.disable:
            self._progress.start()
        self._task = self._progress.add_task("training the population", total=None)

    def after_epoch(self, run: Run) -> None:
        """Say what the rung brought."""
        row = run.history[-1]
        name = run.metrics[0].name
        self._progress.update(
            self._task,
            description=f"epoch {row['epoch']} of {run.epochs}: {row['members']} members go on, "
            f"{row['networks']} networks together have {name} {row['validation_loss']:.4g} (best alone "
            f"{row['loss']:.4g})",
        )

    def end(self, run: Run) -> None:
        """Remove the line."""
        if not self._progress.disable:
            self._progress.stop()
