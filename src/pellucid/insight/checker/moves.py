"""The moves of a backward pass in their order: what each place may compute, and what a learner calls its quantities."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from pellucid.activations import Activation, ReLU, Sigmoid, Softmax, Tanh
from pellucid.insight.checker import faults
from pellucid.insight.checker.faults import Alternative, Here, Move
from pellucid.insight.checker.tape import Step, Tape, held_layers
from pellucid.insight.checker.wrong_activations import activation_alternatives
from pellucid.insight.checker.wrong_dense import (
    bias_alternatives,
    error_alternatives,
    gradient_of,
    handed_in,
    left_zero,
    weight_alternatives,
    wrong_sums,
)
from pellucid.insight.checker.wrong_losses import factor_alternatives, loss_alternatives, sign_alternatives
from pellucid.layers import Dense, Residual
from pellucid.layers.base import Array
from pellucid.losses import BinaryCrossEntropy


def moves(tape: Tape, learning_rate: float | None, implied_rate: float | None = None) -> tuple[Move, ...]:
    """Return the moves from the loss back to the first layer that learns.

    ``learning_rate`` is the one that the learner named, ``implied_rate`` one that the gradients themselves suggest.
    """
    rate = learning_rate if learning_rate is not None else implied_rate
    every = {**_loss_terms(tape), "learning_rate": "" if rate is None else f"{rate:.4g}"}
    beginnings = (loss_alternatives(tape.loss), factor_alternatives(learning_rate), sign_alternatives())
    found = [Move("the loss's slope", -1, tuple(alternatives), terms=every) for alternatives in beginnings]
    learns = [index for index, step in enumerate(tape.steps) if step.parameters]
    for index in reversed(range(learns[0] if learns else 0, len(tape.steps))):
        terms = {**every, **_terms(tape, index)}
        found += [move for move in _moves_of(tape, index, rate, terms) if move.emits or index > learns[0]]
    return tuple(found)


def _moves_of(tape: Tape, index: int, rate: float | None, terms: Mapping[str, str]) -> Iterator[Move]:
    step = tape.steps[index]
    if step.is_activation:
        mended = {**terms, "index_mend": "{dz} = {da} * {derivative}".format(**terms)}
        yield Move(str(step), index, tuple(activation_alternatives(tape, index)), terms=mended)
    elif isinstance(step.layer, Dense):
        mend = "{dW} = {input}.T @ {dz}".format(**terms)
        mended = {**terms, "index_mend": mend, "emission": mend}
        ways = (weight_alternatives(tape, index), handed_in(faults.WEIGHT_ROWS))
        yield from _emissions(step, index, f"{step.name}.weight", ways, mended)
        if step.layer.bias:
            mended = {**terms, "W": terms["b"], "emission": "{db} = {dz}.sum(axis=0)".format(**terms)}
            mended |= {"shape": f"({step.y.shape[1]},)"}
            ways = (bias_alternatives(tape, index), handed_in(faults.BIAS_ROWS))
            yield from _emissions(step, index, f"{step.name}.bias", ways, mended)
        mended = {**terms, "index_mend": "{da_input} = {dz} @ {W}.T".format(**terms)}
        yield Move(str(step), index, tuple(error_alternatives(tape, index, rate)), terms=mended)
    else:
        held = dict(held_layers(step))
        for name in step.parameters:
            path, _, own = name.rpartition(".")
            shape = str(tape.network.named_parameters[name].shape)
            mended = {
                **terms,
                "W": name,
                "shape": shape,
                "dW": "the gradient",
                "emission": f"compute the gradient of {name}: see {type(step.layer).__name__}",
            }
            drafts, rows = [gradient_of(name), left_zero(name)], None
            if isinstance(held.get(path), Dense):
                rows = faults.WEIGHT_ROWS if own == "weight" else faults.BIAS_ROWS
                if own == "bias":
                    mended |= _nested_terms(name)
                    drafts[1:1] = wrong_sums(_slope_inside(path), tape.network.named_parameters[name].size)
            ways = (iter(drafts), handed_in(rows))
            yield from _emissions(step, index, name, ways, mended)
        right = Alternative(lambda here: here.tape.backward(here.index, here.slope)[0])
        skipped = Alternative(
            lambda here: here.slope if here.slope.shape == here.step.x.shape else None, faults.LAYER_SKIPPED
        )
        ways_back = [right, skipped]
        if isinstance(step.layer, Residual):
            ways_back.append(
                Alternative(
                    lambda here: here.tape.backward(here.index, here.slope)[0] - here.slope, faults.SHORTCUT_FORGOTTEN
                )
            )
        yield Move(str(step), index, tuple(ways_back), terms=terms)


def _slope_inside(path: str) -> Callable[[Here], Array]:
    return lambda here: here.tape.slope_inside(here.index, here.slope, path)


def _nested_terms(name: str) -> dict[str, str]:
    """Return what the quantities of a held dense layer are called, for the words about its bias."""
    return {"b": name, "db": f"the gradient of {name}", "dz": "the slope at that layer's output"}


def _emissions(
    step: Step, index: int, name: str, ways: Sequence[Iterator[Alternative]], terms: Mapping[str, str]
) -> Iterator[Move]:
    """Yield the two moves of a gradient: it is computed, and handed in."""
    for alternatives, is_draft in zip(ways, (True, False), strict=True):
        yield Move(str(step), index, tuple(alternatives), name, is_draft, terms)


def _loss_terms(tape: Tape) -> dict[str, str]:
    last = len(tape.steps) - 1
    link = tape.loss.link
    binary = isinstance(tape.loss, BinaryCrossEntropy)
    sloped = "-y / p + (1 - y) / (1 - p)" if binary else "-y / p"
    softmax = "dz = p - y   # softmax and cross-entropy together"
    return {
        "output": "p" if link != "identity" else f"{'a' if tape.steps[last].is_activation else 'z'}{tape.number(last)}",
        "n_rows": str(tape.n_rows),
        "n_outputs": str(tape.outputs.shape[1]),
        "loss": repr(tape.loss),
        "link": link,
        "softmax_mend": softmax,
        "cross_entropy_mend": f"dp = {sloped}   # so that dz = p - y",
    }


def _terms(tape: Tape, index: int) -> dict[str, str]:
    step = tape.steps[index]
    number = tape.number(index)
    below = number - 1 if isinstance(step.layer, Dense) else number
    terms = {letter: f"{letter}{number}" for letter in ("z", "a", "W", "b", "dz", "da", "dW", "db")}
    terms |= {"input": "X" if below == 0 else f"a{below}", "da_input": f"da{below}", "layer": str(step)}
    if isinstance(step.layer, Dense):
        terms["shape"] = str(step.layer.parameters["weight"].shape)
    following = tape.steps[index + 1] if index + 1 < len(tape.steps) else step
    for near in (step, following):  # a dense layer's slope comes from the activation that follows it
        if near.is_activation:
            terms |= _function_terms(near.layer.function, terms)  # type: ignore[attr-defined]
            break
    return terms


def _function_terms(function: Activation, terms: Mapping[str, str]) -> dict[str, str]:
    name = type(function).__name__.lower()
    z, a, dz, da = (terms[letter] for letter in ("z", "a", "dz", "da"))
    if isinstance(function, Softmax):
        through = f"{a} * ({da} - ({da} * {a}).sum(axis=1, keepdims=True))"
        return {"function": name, "derivative": "softmax's Jacobian", "softmax_mend": f"{dz} = {through}"}
    slopes: dict[type[Activation], str] = {Sigmoid: f"{a} * (1 - {a})", Tanh: f"(1 - {a}**2)", ReLU: f"({z} > 0)"}
    return {"function": name, "derivative": slopes.get(type(function), f"{name}_derivative({z})")}
