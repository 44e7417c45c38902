"""The options of the estimators for tables."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.activations import Activation
from pellucid.domains import Boolean, Choice, Either, Integer, Kind, Nothing, Number, Several, Text
from pellucid.estimators.duration import Duration
from pellucid.options import Configurable, option, registered
from pellucid.population.plan import PopulationPlan
from pellucid.training.metrics import Metric

DRAWN = Nothing("drawn for each member; the recipe's own for one network")
ACTIVATIONS = tuple(sorted(cls.name for cls in registered(Activation).values()))  # type: ignore[type-abstract]


class TabularOptions(Configurable):
    """What a population and a single network are told alike, with what concerns one of them only."""

    members: int | None = option(
        Either(Integer(1), Nothing("from the table's size, or the time budget")),
        "Configurations that are trained, of which the best together are used; 1: one early-stopped network.",
        default=None,
    )
    folds: int | None = option(
        Either(Integer(1), Nothing("4, or 1 for tables of many rows")),
        "Parts of the rows, each of which judges the networks of the others; 1: a share is set aside.",
        default=None,
    )
    metric: Any = option(
        Either(
            Nothing("log-loss, or the root mean squared error"), Text("a metric's name"), Kind((Metric,), "a Metric")
        ),
        "By what the ensemble is chosen.",
        default=None,
    )
    plan: Any = option(
        Either(Nothing("made for the table"), Kind((PopulationPlan,), "the plan_ of an earlier fit")),
        "A plan to repeat: the same table and seed give the same bits, without a clock.",
        default=None,
    )
    hidden_layer_sizes: Any = option(Either(Several(Integer(1)), DRAWN), "Neurons of each hidden layer.", default=None)
    activation: Any = option(Either(Choice(ACTIVATIONS), DRAWN), "Activation of the hidden layers.", default=None)
    dropout: float | None = option(
        Either(Number(0, 1, open="high"), DRAWN), "Share of hidden outputs silenced in each step.", default=None
    )
    learning_rate: float | None = option(Either(Number(0, open="low"), DRAWN), "Largest step size.", default=None)
    weight_decay: float | None = option(Either(Number(0), DRAWN), "Pull of the weights towards zero.", default=None)
    batch_size: int | None = option(
        Either(Integer(1), Nothing("from the number of rows")), "Rows per step.", default=None
    )
    epochs: int | None = option(
        Either(Integer(1), Nothing("from the number of rows")), "Most passes over the rows.", default=None
    )
    patience: int | None = option(
        Either(Integer(1), Nothing("all epochs run, and the best one is kept")),
        "Stop after so many epochs without improvement; for one network.",
        default=None,
        unit="epochs",
    )
    validation_share: float = option(
        Number(0, 1, open="low high"), "Share of the rows set aside to judge by, where one is.", default=0.15
    )
    one_hot_limit: int = option(Integer(0), "Categories up to this many levels become one-hot columns.", default=8)
    min_category_count: int = option(
        Integer(1), "A level seen in fewer rows counts as unknown, which is learned from such rows.", default=2
    )
    embedding_size: int | None = option(
        Either(Integer(1), DRAWN), "Numbers that a level of a larger category becomes.", default=None
    )
    kinds: Any = option(
        Either(Nothing("inferred"), Kind((dict,), "a mapping from column name to kind")),
        "What columns hold, where it differs from what they look like: number, category, boolean or date.",
        default=None,
    )
    missing: Any = option(
        Several(Text("a text")), "Texts that stand for a missing value, besides the empty one.", default=()
    )
    time_budget: Any = option(
        Either(Duration(), Nothing("no limit")),
        "Most time for training, which is planned to end with it.",
        default=None,
    )
    random_state: Any = option(
        Either(
            Integer(0),
            Nothing("a fresh seed, kept in seed_"),
            Kind((np.random.RandomState,), "a RandomState"),
        ),
        "Seed of everything that is drawn.",
        default=None,
    )
    n_jobs: int | None = option(
        Either(Integer(1), Integer(high=-1), Nothing("all, or one for a single network")),
        "Cores: networks trained at a time, and threads of a prediction; -1 means all, -2 all but one.",
        default=None,
    )
    verbose: bool = option(Boolean(), "Show a progress bar on a terminal.", default=False)
    callbacks: Any = option(Several(Kind((object,), "a Callback, or a function of a Run")), "Watchers.", default=())
