"""The options of the drop-in estimators: scikit-learn's, and those that it lacks, which are off unless given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.activations import Activation
from pellucid.domains import Boolean, Choice, Either, Infinity, Integer, Kind, Nothing, Number, Several
from pellucid.errors import OptionError
from pellucid.estimators.mlp_network import ACTIVATIONS, OWN_ACTIVATIONS
from pellucid.optimizers import SGD, Adam, AdamW, RMSprop
from pellucid.options import Configurable, option
from pellucid.schedules import Schedule

SIZES = Either(Integer(1), Several(Integer(1)), Kind((np.ndarray,), "an array of them"))
_FUNCTIONS = (
    Choice((*{**ACTIVATIONS, **OWN_ACTIVATIONS},)),
    Kind((Activation,), "an Activation such as LeakyReLU(0.1)"),
)
ACTIVATION = Either(*_FUNCTIONS, Several(Either(*_FUNCTIONS)))
_NOT_FOR_LBFGS = ("optimizer", "schedule", "dropout", "weight_decay", "callbacks")


class MLPOptions(Configurable):
    """The table of options, and which of them exclude each other."""

    if TYPE_CHECKING:
        loss: Any
        hidden_layer_sizes: Any
        activation: Any
    solver: str = option(Choice(("lbfgs", "sgd", "adam")), "The rule by which weights move.", default="adam")
    alpha: float = option(
        Number(0), "Strength of half the sum of squared weights, divided by a batch's sum of weights.", default=0.0001
    )
    batch_size: Any = option(
        Either(Choice(("auto",)), Integer(1)), "Rows per step; 'auto' is 200, or all if they are fewer.", default="auto"
    )
    learning_rate: str = option(
        Choice(("constant", "invscaling", "adaptive")), "How the rate of sgd changes.", default="constant"
    )
    learning_rate_init: float = option(Number(0, open="low"), "Step size at the start.", default=0.001)
    power_t: float = option(Number(0), "Exponent of 'invscaling'.", default=0.5)
    max_iter: int = option(Integer(1), "Most passes over the rows, or steps of lbfgs.", default=200)
    shuffle: bool = option(Boolean(), "Visit the rows in a new order in each pass.", default=True)
    random_state: Any = option(
        Either(Integer(0), Nothing("NumPy's global state"), Kind((np.random.RandomState,), "a RandomState")),
        "What first weights, orders and validation rows are drawn from.",
        default=None,
    )
    tol: float = option(Number(0), "Least progress that counts as such.", default=1e-4)
    verbose: Any = option(
        Either(Boolean(), Integer(0), Choice(("progress",))), "Print a line per pass, or show a bar.", default=False
    )
    warm_start: Any = option(
        Either(Boolean(), Choice(("continue",))),
        "Go on from the weights of the fit before; 'continue': with its optimizer's state, orders and validation rows.",
        default=False,
    )
    momentum: float = option(Number(0, 1), "Share of sgd's velocity kept from step to step.", default=0.9)
    nesterovs_momentum: bool = option(Boolean(), "Look ahead along sgd's velocity.", default=True)
    early_stopping: bool = option(
        Boolean(), "Stop by rows set aside, or given to `fit` as X_val, and keep the best.", default=False
    )
    validation_fraction: float = option(
        Number(0, 1, open="high"), "Share of the rows set aside for early stopping.", default=0.1
    )
    beta_1: float = option(Number(0, 1, open="high"), "Share of adam's mean slope kept.", default=0.9)
    beta_2: float = option(Number(0, 1, open="high"), "Share of adam's mean square kept.", default=0.999)
    epsilon: float = option(Number(0, open="low"), "Added to the root of adam's mean square.", default=1e-8)
    n_iter_no_change: Any = option(
        Either(Integer(1), Infinity("never")), "Stop after more passes than these without progress.", default=10
    )
    max_fun: int = option(Integer(1), "Most evaluations of the loss in lbfgs.", default=15000)

    dropout: float = option(
        Number(0, 1, open="high"), "Probability that a training step silences a hidden neuron.", default=0.0
    )
    weight_decay: float = option(
        Number(0), "Pull of the weights towards zero beside adam's rule (AdamW), times the rate.", default=0.0
    )
    optimizer: Any = option(
        Either(Kind((SGD, Adam, AdamW, RMSprop), "an optimizer such as AdamW()"), Nothing("that of solver")),
        "The rule by which weights move, with a step size of its own.",
        default=None,
    )
    schedule: Any = option(
        Either(Kind((Schedule,), "a schedule such as Cosine()"), Nothing("none")),
        "How the step size changes over max_iter passes.",
        default=None,
    )
    monitor: str = option(Choice(("score", "loss")), "What early stopping judges validation rows by.", default="score")
    callbacks: Any = option(
        Several(Kind((object,), "a Callback, or a function of a Run")), "Watchers of training.", default=()
    )
    n_jobs: int | None = option(
        Either(Integer(1), Integer(high=-1), Nothing("as many as pay")),
        "Most processor cores; -1 means all, -2 all but one. No number depends on it.",
        default=None,
    )

    def validate(self) -> None:
        """Raise `OptionError` for an option outside its domain, or for two that exclude each other."""
        super().validate()
        name = type(self).__name__
        if self.solver == "lbfgs":
            for other in _NOT_FOR_LBFGS:
                if getattr(self, other):
                    raise OptionError(
                        f"{name}: {other} got {getattr(self, other)!r} together with solver='lbfgs', which searches "
                        f"over all rows at once by a rule of its own. Leave {other} out, or write solver='adam'."
                    )
        for other in ("optimizer", "schedule"):
            if getattr(self, other) is not None and self.learning_rate != "constant":
                raise OptionError(
                    f"{name}: {other} got {getattr(self, other)!r} together with learning_rate="
                    f"{self.learning_rate!r}, which changes the rate of solver='sgd' in its own way. Leave one out."
                )
        if self.weight_decay and self.optimizer is not None:
            raise OptionError(
                f"{name}: weight_decay got {self.weight_decay!r} together with optimizer={self.optimizer!r}. Leave it "
                f"out and write optimizer=AdamW(weight_decay={self.weight_decay!r})."
            )
        if self.weight_decay and self.solver == "sgd":
            raise OptionError(
                f"{name}: weight_decay got {self.weight_decay!r} together with solver='sgd'; it belongs to AdamW. "
                "Write solver='adam', or use alpha, whose pull is in the slopes."
            )
