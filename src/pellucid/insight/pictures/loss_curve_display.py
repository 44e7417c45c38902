"""The loss curve of a fitted estimator, as one of scikit-learn's displays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pellucid.errors import OptionError, require
from pellucid.insight.pictures.curves import Curves, curves_of
from pellucid.insight.pictures.history import draw
from pellucid.insight.pictures.picture import LINES, SERIES


class LossCurveDisplay:
    """The loss over the epochs, and what validation rows say, with the epoch marked whose weights were kept.

    Make one by `from_estimator`. Training rows are a line, validation rows dashes; a validation score has dots and
    dashes, and an axis of its own on the right.

    Parameters
    ----------
    curves : the `Curves` to draw: of losses, of scores, or both
    estimator_name : what the legend calls the estimator; only needed where several share the axes

    Attributes
    ----------
    ax_, figure_ : matplotlib's axes and figure, after `plot`
    score_ax_ : the axes of the validation score, or None
    lines_ : matplotlib's lines, of the curves and of the mark

    >>> import matplotlib; matplotlib.use("agg")
    >>> from pellucid import LossCurveDisplay, TabularRegressor
    >>> table = {"size": [float(size) for size in range(100)]}
    >>> model = TabularRegressor(epochs=5, members=1, random_state=0).fit(table, table["size"])
    >>> display = LossCurveDisplay.from_estimator(model)
    >>> [line.get_label() for line in display.lines_[:2]]
    ['training', 'validation']
    """

    def __init__(self, *, curves: Sequence[Curves], estimator_name: str | None = None) -> None:
        self.curves = curves
        self.estimator_name = estimator_name

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None, name: str | None = None) -> LossCurveDisplay:
        """Draw the curves of a fitted estimator: one of this library's, or scikit-learn's own MLP.

        Parameters
        ----------
        estimator : fitted; of a `Pipeline`, its last step
        ax : matplotlib's axes to draw on; None makes a figure
        name : stands before the names in the legend, to tell several estimators on one ``ax`` apart

        Raises
        ------
        NotFittedError : the estimator has not been fitted
        OptionError : its training left no loss curve, as with ``solver="lbfgs"``
        """
        require("sklearn", extra="standard", purpose="LossCurveDisplay")
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(estimator)
        curves = curves_of(estimator)
        if not curves:
            raise OptionError(
                f"LossCurveDisplay got {type(estimator).__name__}, which has no loss curve; it expects an estimator "
                f"that was trained in epochs: a Tabular one, or an MLP with solver='adam' or 'sgd'. Of a Pipeline, "
                f"pass the last step, pipeline[-1]."
            )
        return cls(curves=curves, estimator_name=name).plot(ax)

    def plot(self, ax: Any = None, *, name: str | None = None) -> LossCurveDisplay:
        """Draw on ``ax``, or on a figure of its own; returns the display."""
        require("matplotlib", extra="standard", purpose="LossCurveDisplay")
        if ax is None:
            import matplotlib.pyplot as plt

            _, ax = plt.subplots(layout="constrained")
        called = name or self.estimator_name
        of = f"{called}: " if called else ""
        drawn = len(ax.get_lines())
        colors = [SERIES[(drawn + index) % len(SERIES)] for index in range(3)]
        self.ax_, self.figure_, self.score_ax_, self.lines_ = ax, ax.figure, None, []
        for curves in self.curves:
            if curves.name == "score":
                self.score_ax_ = ax.twinx()
                self.score_ax_.set_ylabel("validation score", color=colors[2])
                self.score_ax_.tick_params(axis="y", colors=colors[2])
                lines = draw(self.score_ax_, curves, of=of, colors=(colors[0], colors[2]))
                lines[0].set(linestyle=LINES[2], label=f"{of}validation score")
            else:
                ax.set_ylabel(curves.name)
                lines = draw(ax, curves, of=of, colors=colors[:2])
            self.lines_ += lines
        if self.score_ax_ is not None:  # above, as two pairs of axes leave no room that both know to be free
            ax.legend(handles=self.lines_, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
        elif len(ax.get_lines()) > 1:
            ax.legend(frameon=False)
        return self
