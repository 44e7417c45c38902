"""Pictures: the diagram holds the real weights and values, figures hold the real numbers, and bad input is refused."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid import (
    BatchNorm,
    Columns,
    Dense,
    Embedding,
    History,
    Network,
    Recorder,
    Scale,
    plot_decision_boundary,
    plot_distributions,
    plot_history,
    plot_network,
    train,
)
from pellucid.errors import NotInitializedError, OptionError, OutputError, ShapeError
from pellucid.insight.pictures.distributions import LEVELS
from pellucid.random import Random

X = Random(1).normal((60, 3))
Y = (X[:, 0] > 0).astype(float)
SVG = "{http://www.w3.org/2000/svg}"


def small() -> Network:
    return Network([Dense(2), "tanh", Dense(1)], n_inputs=3, rng=0)


def drawn(svg: str, kind: str, of: str = "line") -> list[ElementTree.Element]:
    return [part for part in ElementTree.fromstring(svg).iter(SVG + of) if kind in part.get("class", "")]


def told(part: ElementTree.Element) -> str:
    return part.findtext(SVG + "title") or ""


def texts(svg: str) -> list[str]:
    return [part.text or "" for part in ElementTree.fromstring(svg).iter(SVG + "text")]


def test_each_line_has_the_sign_the_size_and_the_number_of_its_weight() -> None:
    network = small()
    lines = drawn(plot_network(network).svg, "weight")
    weights = np.concatenate([network.named_parameters[name].ravel() for name in ("0.weight", "2.weight")])
    assert len(lines) == weights.size
    found = np.array([float(told(line).split(": ")[1]) for line in lines])
    np.testing.assert_allclose(np.sort(found), np.sort(weights), rtol=1e-5)
    for line, weight in zip(lines, found, strict=True):
        assert ("negative" in line.get("class", "")) == (weight < 0)
    widths = np.array([float(line.get("stroke-width", "")) for line in lines])
    assert (np.argsort(widths) == np.argsort(np.abs(found))).all() or np.allclose(
        widths, 0.5 + 6 * np.abs(found) / np.abs(found).max(), atol=0.01
    )


def test_a_row_fills_the_circles_with_the_networks_own_activations() -> None:
    network = small()
    svg = plot_network(network, row=X[0]).svg
    circles = [told(circle) for circle in ElementTree.fromstring(svg).iter(SVG + "circle")]
    hidden = np.tanh(X[:1] @ network.named_parameters["0.weight"] + network.named_parameters["0.bias"])[0]
    expected = [*X[0], *hidden, network.predict(X[:1])[0, 0]]
    np.testing.assert_allclose([float(words.split()[-1]) for words in circles], expected, rtol=1e-5)
    assert "−" in "".join(texts(svg))


def test_the_numbers_of_a_small_network_do_not_cover_each_other() -> None:
    for seed in range(5):
        svg = plot_network(Network([Dense(3), "sigmoid", Dense(3)], n_inputs=3, rng=seed)).svg
        boxes = [
            (float(part.get("x", 0)), float(part.get("y", 0)), float(part.get("width", 0)))
            for part in drawn(svg, "under", "rect")
        ]
        assert len(boxes) >= 12
        for index, (x, y, width) in enumerate(boxes):
            for a, b, other in boxes[:index]:
                assert x + width <= a or a + other <= x or abs(y - b) >= 13


def test_large_layers_show_some_neurons_and_how_many_more_there_are() -> None:
    network = Network([Dense(64), "relu", Dense(62), "relu", Dense(2)], n_inputs=5)
    words = texts(plot_network(network).svg)
    assert {"… 54 more", "… 52 more"} <= set(words)
    chosen = plot_network(network, neurons={1: [3, 60], 2: [61]}).svg
    assert {"… 62 more", "… 61 more"} <= set(texts(chosen))
    assert "from 60 to 61" in chosen
    assert len(drawn(plot_network(network, neurons=2).svg, "weight")) == 2 * 2 * 3


def test_what_stands_in_the_picture_is_escaped_and_of_one_width() -> None:
    svg = plot_network(small(), column_names=["<script>", "a & b", "a very long name of a column"]).svg
    assert "<script>" not in svg
    assert "a very long name …" in svg
    root = ElementTree.fromstring(svg)
    assert root.get("width") == "800"
    for part in root.iter(SVG + "text"):
        assert 0 <= float(part.get("x", "-1")) <= 800
    assert "prefers-color-scheme:dark" in svg


def test_layers_without_a_matrix_are_drawn_as_a_band() -> None:
    table = Columns({"numbers": (0, 2, Scale()), "code": (2, 3, Embedding(9, 2))})
    network = Network([table, Dense(2), BatchNorm(), "relu", Dense(1)], n_inputs=3)
    svg = plot_network(network, row=[0.5, 1, 7]).svg
    assert len(drawn(svg, "band", "polygon")) == 1
    assert {"Columns 4", "Dense 2", "BatchNorm", "relu"} <= set(texts(svg))


def test_a_diagram_is_saved_and_shown(tmp_path: Path) -> None:
    diagram = plot_network(small())
    path = tmp_path / "network.svg"
    diagram.save(path)
    assert path.read_text(encoding="utf-8") == diagram.svg == diagram._repr_svg_()
    with pytest.raises(OptionError, match=r"end with \.svg"):
        diagram.save(tmp_path / "network.png")
    with pytest.raises(OutputError, match="nowhere"):
        diagram.save(tmp_path / "nowhere" / "network.svg")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"neurons": 0}, "at least 1"),
        ({"neurons": "all"}, "at least 1"),
        ({"neurons": {7: [0]}}, "names column 7"),
        ({"neurons": {1: [2]}}, "from 0 to 1"),
        ({"neurons": {1: [0, 0]}}, "different numbers"),
        ({"column_names": ["a"]}, "3 inputs"),
    ],
)
def test_a_choice_that_is_not_there_is_refused(options: Any, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        plot_network(small(), **options)


def test_a_row_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"\(2,\)"):
        plot_network(small(), row=[1, 2])
    with pytest.raises(OptionError, match=r"model\.network_"):
        plot_network([1])  # type: ignore[arg-type]
    with pytest.raises(NotInitializedError):
        plot_network(Network([Dense(2, weight_initializer="unit_variance")], n_inputs=3), row=X[0])


def lines_of(axis: Any) -> dict[str, Any]:
    return {line.get_label(): np.asarray(line.get_ydata()) for line in axis.get_lines()}


def test_loss_curves_are_the_columns_of_the_history() -> None:
    history = train(
        small(), X[:40], Y[:40], loss="binary_cross_entropy", epochs=12, X_val=X[40:], y_val=Y[40:],
        metrics=["accuracy"], schedules={"learning_rate": "cosine"},
    )  # fmt: skip
    axes = plot_history(history).figure.axes
    assert [axis.get_title(loc="left") for axis in axes] == ["loss", "accuracy", "gradient norm", "learning rate"]
    curves = lines_of(axes[0])
    np.testing.assert_array_equal(curves["training"], history["loss"])
    np.testing.assert_array_equal(curves["validation"], history["validation_loss"])
    best = int(np.argmin(history["validation_loss"]))
    assert f"best, epoch {best + 1}" in curves
    styles = {line.get_linestyle() for line in axes[0].get_lines()[:2]}
    assert len(styles) == 2  # told apart without color
    one = train(small(), X, Y, loss="squared_error", epochs=1)
    assert plot_history(one)._repr_png_()[:4] == b"\x89PNG"
    for wrong in (None, History(history.state, "numpy", "")):
        with pytest.raises(OptionError, match="at least one epoch"):
            plot_history(wrong)  # type: ignore[arg-type]


def test_distributions_by_layer_are_quantiles_of_the_real_numbers() -> None:
    network = small()
    axes = plot_distributions(network, X, Y, loss="binary_cross_entropy").figure.axes
    first = network.named_parameters["0.weight"]
    np.testing.assert_allclose(axes[0].get_lines()[0].get_xdata(), np.quantile(first, [0.05, 0.95]))
    assert [label.get_text() for label in axes[1].get_yticklabels()] == ["1 tanh", "2 outputs"]
    hidden = np.tanh(X @ first + network.named_parameters["0.bias"])
    np.testing.assert_allclose(axes[1].get_lines()[2].get_xdata(), [np.median(hidden)])
    _, gradient = network.copy().loss_and_gradient(X, Y, _cross_entropy())
    sizes = np.abs(network.views(gradient.copy())["0.weight"])
    np.testing.assert_allclose(axes[2].get_lines()[2].get_xdata(), [np.median(sizes)])


def _cross_entropy() -> Any:
    from pellucid import BinaryCrossEntropy

    return BinaryCrossEntropy()


def test_a_recorder_watches_without_changing_the_training() -> None:
    alone, watched = small(), small()
    recorder = Recorder(X, Y, "binary_cross_entropy", every=5)
    options: dict[str, Any] = {"loss": "binary_cross_entropy", "optimizer": "adam", "epochs": 12, "batch_size": 7}
    plain = train(alone, X, Y, **options, engine="numpy")
    history = train(watched, X, Y, **options, engine="numpy", callbacks=[recorder])
    np.testing.assert_array_equal(alone.parameters, watched.parameters)
    assert history["gradient_norm"] == plain["gradient_norm"]
    assert recorder.epochs == [1, 5, 10]
    last = recorder.quantiles[-1]["weights"]["0.weight"]
    assert last.shape == (len(LEVELS),)
    axes = [axis for axis in plot_distributions(recorder).figure.axes if axis.get_visible()]
    assert "gradients: 2.weight" in [axis.get_title(loc="left") for axis in axes]
    assert axes[0].get_lines()[0].get_ydata()[-1] == last[2]
    more = train(watched, X, Y, **{**options, "epochs": 8}, engine="numpy", callbacks=[recorder], resume=history)
    assert len(more) == 20
    assert recorder.epochs == [1, 5, 10, 15, 20]


def test_distributions_without_what_they_need_are_refused() -> None:
    with pytest.raises(OptionError, match="needs X, y and loss"):
        plot_distributions(small())
    with pytest.raises(OptionError, match="no epochs"):
        plot_distributions(Recorder(X, Y, "squared_error"))
    with pytest.raises(OptionError, match="Network, or a Recorder"):
        plot_distributions(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("loss", "target", "n_outputs"),
    [
        ("binary_cross_entropy", Y, 1),
        ("squared_error", X[:, 0], 1),
        ("cross_entropy", np.arange(60) % 4, 4),
    ],
)
def test_a_decision_boundary_shows_the_networks_answers(loss: str, target: Any, n_outputs: int, tmp_path: Path) -> None:
    network = Network([Dense(4), "tanh", Dense(n_outputs)], n_inputs=3, rng=0)
    picture = plot_decision_boundary(network, X, target, loss=loss, columns=(0, 2), column_names=["age", "size"])
    axis = picture.figure.axes[0]
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("age", "size")
    if n_outputs == 1:
        answers = np.asarray(axis.images[0].get_array())
        left, _, low, _ = axis.images[0].get_extent()
        outputs = network.predict(np.array([[left, np.median(X[:, 1]), low]]))
        value = 1 / (1 + np.exp(-outputs)) if loss == "binary_cross_entropy" else outputs
        np.testing.assert_allclose(answers[0, 0], value[0, 0])
    picture.save(tmp_path / "boundary.svg")
    assert (tmp_path / "boundary.svg").stat().st_size > 1000


def test_a_boundary_that_cannot_be_drawn_is_refused(tmp_path: Path) -> None:
    for columns in ((0,), (1, 1), (0, 3)):
        with pytest.raises(OptionError, match="two different columns"):
            plot_decision_boundary(small(), X, Y, loss="squared_error", columns=columns)
    two = Network([Dense(2)], n_inputs=3)
    with pytest.raises(OptionError, match="2 outputs"):
        plot_decision_boundary(two, X, X[:, :2], loss="squared_error")
    with pytest.raises(OptionError, match="expects two"):
        plot_decision_boundary(small(), X, Y, loss="squared_error", column_names=["a"])
    with pytest.raises(ShapeError, match="60 rows and y has 59"):
        plot_decision_boundary(small(), X, Y[1:], loss="squared_error")
    with pytest.raises(OutputError, match="cannot be written"):
        plot_decision_boundary(small(), X, Y, loss="squared_error").save(tmp_path / "picture.bmpx")
