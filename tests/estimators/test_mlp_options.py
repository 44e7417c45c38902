"""What the drop-in estimators add to scikit-learn's options: each is held to a computation of its own."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.class_weight import compute_sample_weight

import pellucid
from pellucid.activations import Elementwise, LeakyReLU
from pellucid.errors import OptionError, TargetError
from pellucid.estimators import MLPClassifier, MLPRegressor
from pellucid.estimators.mlp_network import build_network, draw_weights, layer_activations
from pellucid.losses import AbsoluteError, BinaryFocal, CrossEntropy, Focal, Huber, Poisson, Quantile, SquaredError
from pellucid.optimizers import SGD, Adam, AdamW, RMSprop
from pellucid.schedules import Cosine, StepDecay
from pellucid.training import EarlyStopping, Run, TimeBudget

random = np.random.RandomState(8)
X = random.normal(size=(120, 4))
NUMBERS = X[:, 0] * X[:, 1] + X[:, 2]
SEVERAL = np.column_stack([NUMBERS, X[:, 3]])
YES = np.where(X[:, 0] + X[:, 1] > 1, "yes", "no")
CLASSES = np.digitize(X[:, 0] + X[:, 1] ** 2, [-0.3, 1.5])
QUICK: dict[str, Any] = {"hidden_layer_sizes": (6, 5), "max_iter": 5, "random_state": 3, "batch_size": 40}


@pytest.fixture(autouse=True)
def unfinished_runs() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def weights_of(model: Any) -> np.ndarray:
    return np.concatenate([array.ravel() for array in (*model.coefs_, *model.intercepts_)])


def trained_by_hand(n_outputs: int, y: Any, activation: Any = "relu", epochs: int = 5, **given: Any) -> Any:
    """Return a network that `pellucid.train` trained from the same first weights, in the order of the table."""
    sizes = [4, 6, 5, n_outputs]
    drawn = draw_weights(sizes, layer_activations(activation, 2), np.random.RandomState(3), np.float64)
    network = build_network(*drawn, activation, np.float64)
    network.initialized = True
    order = np.arange(len(X))
    history = pellucid.train(network, X, y, epochs=epochs, batch_size=40, order=order, **given)
    return network, history


@pytest.mark.parametrize(
    "optimizer",
    [SGD(learning_rate=0.05), SGD(learning_rate=0.01, momentum=0.9), Adam(), AdamW(weight_decay=0.1), RMSprop()],
)
@pytest.mark.parametrize(
    ("loss", "y"),
    [
        (Huber(delta=0.5), NUMBERS),
        (AbsoluteError(), SEVERAL),
        (Quantile(levels=(0.9,)), NUMBERS),
        (SquaredError(), SEVERAL),
        (Poisson(), np.abs(SEVERAL)),
    ],
)
def test_an_optimizer_and_a_loss_of_this_library_train_as_pellucid_train(optimizer: Any, loss: Any, y: Any) -> None:
    model = MLPRegressor(**QUICK, loss=loss, optimizer=optimizer, alpha=0.0, shuffle=False).fit(X, y)
    network, history = trained_by_hand(model.n_outputs_, y, loss=loss, optimizer=optimizer)
    expected = np.concatenate([view.ravel() for view in [*network.named_parameters.values()][::2]])
    assert (np.concatenate([array.ravel() for array in model.coefs_]) == expected).all()
    np.testing.assert_allclose(model.loss_curve_, history["loss"], rtol=1e-13)


@pytest.mark.parametrize(
    ("loss", "y"), [("focal", YES), ("focal", CLASSES), (CrossEntropy(label_smoothing=0.1), CLASSES)]
)
def test_losses_of_classes_train_as_pellucid_train(loss: Any, y: Any) -> None:
    model = MLPClassifier(**QUICK, loss=loss, optimizer=Adam(), alpha=0.0, shuffle=False).fit(X, y)
    own = loss if loss != "focal" else BinaryFocal() if y is YES else Focal()
    target = (y == "yes").astype(float) if y is YES else y
    network, _ = trained_by_hand(model.n_outputs_, target, loss=own, optimizer=Adam())
    assert (model.coefs_[-1] == [*network.named_parameters.values()][-2]).all()
    assert model.score(X, y) == np.mean(model.predict(X) == y)


def test_huber_is_what_the_formula_says() -> None:
    model = MLPRegressor(hidden_layer_sizes=(), loss="huber", solver="sgd", momentum=0.0, alpha=0.0, shuffle=False)
    model.set_params(max_iter=1, batch_size=120, learning_rate_init=0.1, random_state=0).fit(X, 10 * NUMBERS)
    first = clone(model).set_params(learning_rate_init=1e-300).fit(X, 10 * NUMBERS)
    error = X @ first.coefs_[0][:, 0] + first.intercepts_[0] - 10 * NUMBERS
    assert model.loss_ == pytest.approx(
        np.mean(np.where(np.abs(error) <= 1, error**2 / 2, np.abs(error) - 0.5)), rel=1e-12
    )
    slope = X.T @ np.clip(error, -1, 1) / len(X)
    np.testing.assert_allclose(model.coefs_[0][:, 0], first.coefs_[0][:, 0] - 0.1 * slope, rtol=1e-12)


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_a_quantile_is_learned(level: float) -> None:
    y, rate = np.random.RandomState(0).exponential(size=2000), 0.02
    model = MLPRegressor(Quantile(levels=(level,)), (), learning_rate_init=rate, random_state=0, schedule=Cosine())
    model.set_params(max_iter=200, n_iter_no_change=np.inf).fit(np.zeros((2000, 1)), y)
    assert model.predict([[0.0]])[0] == pytest.approx(np.quantile(y, level), abs=rate)  # one of Adam's first steps


@pytest.mark.parametrize(
    ("by_name", "by_object"), [("huber", Huber()), ("absolute_error", AbsoluteError()), ("quantile", Quantile())]
)
def test_a_name_is_the_loss_with_default_options(by_name: str, by_object: Any) -> None:
    named, given = (MLPRegressor(**QUICK, loss=loss).fit(X, NUMBERS) for loss in (by_name, by_object))
    assert (weights_of(named) == weights_of(given)).all()
    assert named.out_activation_ == "identity"


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("y", [YES, CLASSES], ids=["two", "three"])
def test_class_weights_are_sample_weights(solver: str, y: Any) -> None:
    options: dict[str, Any] = {**QUICK, "solver": solver, "early_stopping": solver != "lbfgs"}
    labels = np.unique(y)
    mapping = {label: 0.5 + 2 * index for index, label in enumerate(labels)}
    own = np.random.RandomState(1).uniform(0.5, 2, len(y))
    for class_weight in ("balanced", mapping, {labels[0]: 3.0, **dict.fromkeys(labels[1:], 1.0)}):
        model = MLPClassifier(**options, class_weight=class_weight).fit(X, y, sample_weight=own)
        weight = compute_sample_weight(class_weight, y) * own
        assert (weights_of(model) == weights_of(MLPClassifier(**options).fit(X, y, sample_weight=weight))).all()
    assert (weights_of(model) != weights_of(MLPClassifier(**options).fit(X, y, sample_weight=own))).any()


def test_class_weights_go_on_where_a_part_of_the_rows_lacks_a_class() -> None:
    model = MLPClassifier(**QUICK, class_weight={0: 2.0, 1: 1.0, 2: 5.0})
    by_weight = MLPClassifier(**QUICK)
    for part in (CLASSES < 2, CLASSES > 0):
        model.partial_fit(X[part], CLASSES[part], classes=[0, 1, 2])
        weight = np.array([2.0, 1.0, 5.0])[CLASSES[part]]
        by_weight.partial_fit(X[part], CLASSES[part], weight, [0, 1, 2])
    assert (weights_of(model) == weights_of(by_weight)).all()


def test_a_list_of_activations_has_one_for_each_hidden_layer() -> None:
    alike = MLPRegressor(**QUICK, activation=["logistic", "logistic"]).fit(X, NUMBERS)
    one = MLPRegressor(**QUICK, activation="logistic").fit(X, NUMBERS)
    ours = MLPRegressor(**QUICK, activation="sigmoid").fit(X, NUMBERS)
    assert (weights_of(alike) == weights_of(one)).all()
    assert (weights_of(ours) == weights_of(one)).all()
    mixed = MLPRegressor(**QUICK, activation=["tanh", LeakyReLU(slope=0.2)]).fit(X, NUMBERS)
    (W1, W2, W3), (b1, b2, b3) = mixed.coefs_, mixed.intercepts_
    z = np.tanh(X @ W1 + b1) @ W2 + b2
    np.testing.assert_allclose(mixed.predict(X), (np.where(z > 0, z, 0.2 * z) @ W3 + b3)[:, 0], rtol=1e-10)


@pytest.mark.parametrize(
    "activation", sorted({cls.name for cls in pellucid.options.registered(pellucid.Activation).values()})
)
def test_every_activation_learns_on_the_engine(activation: str) -> None:
    model = MLPRegressor(**{**QUICK, "max_iter": 40}, activation=activation, learning_rate_init=0.01).fit(X, NUMBERS)
    assert model.loss_curve_[-1] < model.loss_curve_[0]
    assert model.engine_ == "native"


class Bent(Elementwise):
    """An activation of a user's own, which has no native form: a = |z| + z / 2."""

    name: ClassVar[str] = "bent"

    def value(self, z: Any) -> Any:
        return np.abs(z) + z / 2

    def derivative(self, z: Any, a: Any) -> Any:
        return np.sign(z) + 0.5


def test_an_activation_of_ones_own_runs_on_numpy_and_is_said_to() -> None:
    model = MLPRegressor(**{**QUICK, "max_iter": 40}, activation=Bent(), early_stopping=True, dropout=0.1)
    model.fit(X, NUMBERS)
    assert model.loss_curve_[-1] < model.loss_curve_[0]
    assert model.engine_.startswith("numpy: the activation Bent()")


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_dropout_is_that_of_the_layer_and_only_in_training(solver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    without = MLPRegressor(**QUICK, solver=solver).fit(X, NUMBERS)
    model = MLPRegressor(**QUICK, solver=solver, dropout=0.4).fit(X, NUMBERS)
    assert model.loss_curve_[0] != without.loss_curve_[0]
    assert (model.predict(X) == model.predict(X)).all()
    again = clone(model).fit(X, NUMBERS)
    assert (weights_of(again) == weights_of(model)).all()
    h = np.maximum(
        np.maximum(X @ model.coefs_[0] + model.intercepts_[0], 0) @ model.coefs_[1] + model.intercepts_[1], 0
    )
    np.testing.assert_allclose(model.predict(X), (h @ model.coefs_[2] + model.intercepts_[2])[:, 0], rtol=1e-10)
    monkeypatch.setenv("PELLUCID_ENGINE", "numpy")
    np.testing.assert_allclose(clone(model).fit(X, NUMBERS).loss_curve_, model.loss_curve_, rtol=1e-9)


def test_dropout_draws_anew_in_each_partial_fit() -> None:
    options: dict[str, Any] = {**QUICK, "solver": "sgd", "learning_rate_init": 1e-300, "shuffle": False, "dropout": 0.5}
    model = MLPRegressor(**options)
    losses = {model.partial_fit(X, NUMBERS).loss_ for _ in range(4)}
    assert len(losses) == 4


def test_weight_decay_is_that_of_adamw() -> None:
    decayed = MLPRegressor(**QUICK, weight_decay=0.3).fit(X, NUMBERS)
    adamw = AdamW(learning_rate=0.001, weight_decay=0.3)
    given = MLPRegressor(**QUICK, optimizer=adamw).fit(X, NUMBERS)
    assert (weights_of(decayed) == weights_of(given)).all()
    assert np.abs(decayed.coefs_[0]).sum() < np.abs(MLPRegressor(**QUICK).fit(X, NUMBERS).coefs_[0]).sum()


@pytest.mark.parametrize(
    ("solver", "optimizer"),
    [
        (
            {"solver": "sgd", "learning_rate_init": 0.02},
            SGD(learning_rate=0.02, momentum=0.9, nesterov=True, rate="inside"),
        ),
        ({"solver": "adam"}, Adam(correction="rate")),
    ],
)
@pytest.mark.parametrize("y", [NUMBERS, SEVERAL], ids=["one", "several"])
def test_the_optimizers_of_the_solvers_can_be_given_as_objects(solver: Any, optimizer: Any, y: Any) -> None:
    by_name = MLPRegressor(**QUICK, **solver).fit(X, y)
    assert (weights_of(MLPRegressor(**QUICK, optimizer=optimizer).fit(X, y)) == weights_of(by_name)).all()


@pytest.mark.parametrize("engine", ["native", "numpy"])
def test_a_schedule_drives_the_rate_over_max_iter_passes(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if engine == "numpy":
        monkeypatch.setenv("PELLUCID_ENGINE", "numpy")
    options: dict[str, Any] = {**QUICK, "alpha": 0.0, "shuffle": False, "loss": Huber()}
    model = MLPRegressor(**options, optimizer=SGD(learning_rate=0.05), schedule=Cosine()).fit(X, NUMBERS)
    assert model.engine_.partition(":")[0] == engine
    schedules = {"learning_rate": Cosine()}
    network, _ = trained_by_hand(
        1, NUMBERS, loss=Huber(), optimizer=SGD(learning_rate=0.05), schedules=schedules, engine=engine
    )
    np.testing.assert_allclose(model.coefs_[-1], [*network.named_parameters.values()][-2], rtol=1e-12)
    flat = MLPRegressor(**options, optimizer=SGD(learning_rate=0.05)).fit(X, NUMBERS)
    assert (weights_of(flat) != weights_of(model)).any()
    dropped = MLPRegressor(**QUICK, solver="sgd", schedule=StepDecay(drop=0.0, n_drops=4)).fit(X, NUMBERS)
    once = MLPRegressor(**{**QUICK, "max_iter": 1}, solver="sgd", momentum=0.0).fit(X, NUMBERS)
    stands = clone(dropped).set_params(momentum=0.0).fit(X, NUMBERS)
    assert (weights_of(stands) == weights_of(once)).all()


@pytest.mark.parametrize("n_jobs", [1, 2, -1])
def test_no_bit_depends_on_the_number_of_cores(n_jobs: int) -> None:
    wide = np.random.RandomState(0).normal(size=(400, 64))
    options: dict[str, Any] = {"hidden_layer_sizes": (128,), "max_iter": 3, "random_state": 0}
    alone = MLPClassifier(**options).fit(wide, wide[:, 0] > 0)
    several = MLPClassifier(**options, n_jobs=n_jobs).fit(wide, wide[:, 0] > 0)
    assert (weights_of(alone) == weights_of(several)).all()
    assert (alone.predict_proba(wide) == several.predict_proba(wide)).all()


def test_callbacks_see_each_epoch_and_may_end_training() -> None:
    seen: list[dict[str, Any]] = []

    def watch(run: Run) -> None:
        seen.append(run.history[-1])
        if run.epoch == 3:
            run.stop("enough")

    model = MLPRegressor(**QUICK, callbacks=[watch]).fit(X[20:], NUMBERS[20:], X_val=X[:20], y_val=NUMBERS[:20])
    assert [row["loss"] for row in seen] == model.loss_curve_
    assert [row["validation_loss"] for row in seen] == model.validation_loss_curve_
    assert [row["validation_score"] for row in seen] == model.validation_scores_
    assert (model.n_iter_, model.stopped_by_) == (3, "enough")


@pytest.mark.parametrize("engine", ["native", "numpy"])
def test_a_time_budget_ends_training_at_a_step(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if engine == "numpy":
        monkeypatch.setenv("PELLUCID_ENGINE", "numpy")
    began = time.monotonic()
    model = MLPRegressor(**{**QUICK, "batch_size": 1, "max_iter": 10**6}, tol=0.0, callbacks=[TimeBudget(0.1)])
    model.set_params(n_iter_no_change=np.inf).fit(X, NUMBERS)
    assert time.monotonic() - began < 30
    assert "time budget" in model.stopped_by_
    assert (model.n_iter_ - 1) * len(X) < model.t_ <= model.n_iter_ * len(X)
    assert np.isfinite(model.loss_curve_).all()


def test_an_early_stopping_of_this_library_gives_the_best_weights_back() -> None:
    best = EarlyStopping(monitor="loss", patience=2)
    model = MLPRegressor(**{**QUICK, "max_iter": 60}, solver="sgd", learning_rate_init=0.5, callbacks=[best])
    kept: list[np.ndarray] = []
    model.set_params(callbacks=[best, lambda run: kept.append(run.network.parameters.copy())])
    model.fit(X, NUMBERS)
    assert "early stopping" in model.stopped_by_
    parameters = kept[int(np.argmin(model.loss_curve_))]
    assert (model.coefs_[0].ravel() == parameters[: model.coefs_[0].size]).all()


def test_a_bar_takes_the_place_of_lines(capsys: pytest.CaptureFixture[str]) -> None:
    bar = MLPRegressor(**QUICK, verbose="progress", early_stopping=True).fit(X, NUMBERS)
    assert capsys.readouterr().out == ""
    plain = MLPRegressor(**QUICK, early_stopping=True).fit(X, NUMBERS)
    assert (weights_of(bar) == weights_of(plain)).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"activation": ["relu"]}, "list of 1, and hidden_layer_sizes has 2"),
        ({"activation": ["relu", "sinus"]}, r"activation got \['relu', 'sinus'\]"),
        ({"solver": "lbfgs", "optimizer": Adam()}, r"optimizer got Adam\(\) together with solver='lbfgs'"),
        ({"solver": "lbfgs", "dropout": 0.5}, "dropout got 0.5 together with solver='lbfgs'"),
        ({"solver": "lbfgs", "schedule": Cosine()}, "schedule got"),
        ({"solver": "lbfgs", "callbacks": [print]}, "callbacks got"),
        ({"optimizer": Adam(), "learning_rate": "adaptive"}, "learning_rate='adaptive'"),
        ({"optimizer": Adam(), "weight_decay": 0.1}, r"AdamW\(weight_decay=0.1\)"),
        ({"solver": "sgd", "weight_decay": 0.1}, "belongs to AdamW"),
        ({"optimizer": "adam"}, "optimizer got 'adam'"),
        ({"optimizer": pellucid.LBFGS()}, "optimizer got LBFGS"),
        ({"dropout": 1.0}, "dropout got 1.0"),
        ({"monitor": "accuracy"}, "monitor got 'accuracy'"),
        ({"loss": "hubr"}, "did you mean 'huber'"),
        ({"loss": Focal()}, "one for classes"),
        ({"loss": Quantile(levels=(0.1, 0.9))}, r"Quantile\(levels=\(0.9,\)\)"),
        ({"loss": SquaredError(reduction="half_sum")}, "mean over rows"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        MLPRegressor(**{**QUICK, **options}).fit(X, NUMBERS)


def test_losses_and_class_weights_that_do_not_fit_are_refused() -> None:
    with pytest.raises(OptionError, match="two classes, or several labels, have one output and BinaryCrossEntropy"):
        MLPClassifier(**QUICK, loss=Focal()).fit(X, YES)
    with pytest.raises(OptionError, match="more than two classes need CrossEntropy or Focal"):
        MLPClassifier(**QUICK, loss=BinaryFocal()).fit(X, CLASSES)
    with pytest.raises(OptionError, match="whose link is 'identity'"):
        MLPClassifier(**QUICK, loss=Huber()).fit(X, YES)
    with pytest.raises(OptionError, match="no one class"):
        MLPClassifier(**QUICK, class_weight="balanced").fit(X, X[:, :2] > 0)
    with pytest.raises(OptionError, match="partial_fit sees some rows"):
        MLPClassifier(**QUICK, class_weight="balanced").partial_fit(X, YES, classes=["no", "yes"])
    with pytest.raises(ValueError, match="class"):
        MLPClassifier(**QUICK, class_weight={"maybe": 2.0}).fit(X, YES)
    with pytest.raises(TargetError, match="at least 0"):
        MLPRegressor(**QUICK, loss=Poisson()).fit(X, NUMBERS)
