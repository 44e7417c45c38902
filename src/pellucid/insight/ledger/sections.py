"""The ledger: the entries of a recorded step in their order, each explained by the object that computed it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pellucid.formulas import Entry, LossCall, OptimizerCall, PenaltyCall, Symbol, Update
from pellucid.insight.ledger.calls import Calls
from pellucid.insight.ledger.recording import Recording
from pellucid.layers.base import Array
from pellucid.training.step import explain_average, explain_clip


@dataclass
class Section:
    """Some entries under a heading."""

    title: str
    entries: list[Entry]


@dataclass
class Ledger:
    """The sections, and where a small change of an input must enter for the difference beside its slope.

    enters : the path of the layer that the input enters, ``"loss"`` for the outputs, by the slope's entry
    inside : for the slope of a value inside a layer, the layer's path, and the entries from that value to the output
    slopes : parameter names by the entries of their slopes, each with whether it is the objective's or the loss's alone
    without : why an entry that stands for a slope has no difference of its own
    """

    sections: list[Section]
    enters: dict[Entry, str]
    inside: dict[Entry, tuple[str, list[Entry]]]
    slopes: dict[Entry, tuple[str, bool]]
    without: dict[Entry, str]


def ledger_of(made: Recording) -> Ledger:
    """Return the ledger of a recorded step."""
    setting = made.setting
    X = Entry(Symbol.of("X"), made.batch.x, meaning="rows of the batch").over("ij")
    calls = Calls(made, X)
    target = Entry(Symbol.of("y"), made.batch.target, meaning="target").over("ij")
    loss_call = _loss_call(made, calls.top.y, target, calls.top_slope)
    forward, back = made.network.chain.explain(calls.top)
    loss_forward, loss_back = setting.loss.explain(loss_call)
    for entry in (*loss_forward, *loss_back):
        entry.source = entry.source or repr(setting.loss)
    weight = [] if loss_call.weight is None else [loss_call.weight]
    sections = [
        Section("Given", [X, target, *weight, *calls.parameters.values(), *calls.buffers.values()]),
        Section("Forward", forward),
        Section("Loss", loss_forward),
        Section("Backward", [*loss_back, *back]),
    ]
    inside = {
        slope: (path, forward[forward.index(of) : forward.index(call.y) + 1])
        for path, call in calls.walk()
        for slope, of in call.slopes.items()
    }
    gradients = [calls.gradients[name] for name in calls.parameters]
    slopes = {entry: (name, False) for name, entry in calls.gradients.items()}
    parameters = list(calls.parameters.values())
    if setting.penalty is not None:
        gradients, entries = _penalized(made, parameters, gradients, loss_call.value)
        sections.append(Section("Penalty", entries))
        slopes |= {entry: (name, True) for name, entry in zip(calls.parameters, gradients, strict=True)}
    without: dict[Entry, str] = {}
    if setting.gradient_clip is not None:
        shortened = _entries(made, parameters, made.given_gradient, lambda of: Symbol.of("ḡ").belonging_to(of))
        sections.append(Section("Gradient clipping", explain_clip(gradients, shortened, setting.gradient_clip)))
        without = dict.fromkeys(shortened, "this is the slope above times one factor for all, and no slope itself")
        gradients = shortened
    new, update = _updated(made, parameters, gradients)
    sections.append(Section("Update", update))
    if made.after.average is not None and setting.average is not None:
        sections.append(Section("Average", _averaged(made, parameters, new, setting.average)))
    _insert_givens(sections)
    for entry in back:
        if not (entry in calls.enters or entry in inside or entry in slopes):
            without[entry] = "the layer does not say of which of its values this is the slope"
    return Ledger(sections, calls.enters, inside, slopes, without)


def _entries(made: Recording, like: list[Entry], flat: Array, symbol: Callable[[Symbol], Symbol]) -> list[Entry]:
    """Return an entry per parameter array for the parts of a flat vector."""
    views = made.network.views(flat)
    return [Entry(symbol(entry.symbol), views[entry.name], entry.name).over(axes(entry)) for entry in like]


def axes(parameter: Entry) -> str:
    """Return the letters of a parameter's axes: k over what comes in and j over what goes out."""
    return "kj" if parameter.value.ndim == 2 else "j"


def _loss_call(made: Recording, outputs: Entry, target: Entry, slope: Entry) -> LossCall:
    per_row, _ = made.setting.loss.per_row(outputs.value, target.value)
    weight = made.batch.weight
    return LossCall(
        outputs,
        target,
        None if weight is None else Entry(Symbol.of("w"), weight, meaning="weight of each row").over("i"),
        Entry(Symbol.of("ℓ"), per_row),
        Entry(Symbol.of("L"), np.asarray(made.loss, outputs.value.dtype)),
        slope,
    )


def _penalized(
    made: Recording, parameters: list[Entry], gradients: list[Entry], loss: Entry
) -> tuple[list[Entry], list[Entry]]:
    """Return the slopes of the objective, and the section's entries."""
    penalty = made.setting.penalty
    assert penalty is not None
    dtype = loss.value.dtype
    slopes = _entries(made, parameters, made.gradient, lambda of: of.slope("J"))
    factors = made.network.views(made.network.weight_decay_factor)
    call = PenaltyCall(
        parameters,
        [factors[entry.name] for entry in parameters],
        gradients,
        slopes,
        loss,
        Entry(Symbol.of("Ω"), np.asarray(made.penalty, dtype)),
        Entry(Symbol.of("J"), np.asarray(made.loss + made.penalty, dtype)),
    )
    forward, back = penalty.explain(call)
    return slopes, [*forward, *back]


def _updated(made: Recording, parameters: list[Entry], gradients: list[Entry]) -> tuple[list[Entry], list[Entry]]:
    """Return the new parameters, and the section's entries."""
    before, after = made.before, made.after
    assert before.parameters is not None
    assert after.parameters is not None
    optimizer, size = made.setting.optimizer, before.parameters.shape
    new = _entries(made, parameters, after.parameters, lambda of: of.new)
    common, new_common = {}, {}
    states: list[dict[str, Entry]] = [{} for _ in parameters]
    new_states: list[dict[str, Entry]] = [{} for _ in parameters]
    for name, old in before.optimizer.items():
        letter, meaning = Symbol.of(optimizer.letters.get(name, name)), name.replace("_", " ")
        if old.ndim == 0:
            common[name] = Entry(letter, old, meaning=meaning)
            new_common[name] = Entry(letter.new, after.optimizer[name], meaning=meaning, replaces=common[name])
        elif old.shape == size:
            olds = _entries(made, parameters, old, letter.belonging_to)
            news = _entries(made, parameters, after.optimizer[name], _new_of(letter))
            for index, (old_entry, new_entry) in enumerate(zip(olds, news, strict=True)):
                old_entry.meaning = new_entry.meaning = meaning
                old_entry.name = new_entry.name = ""
                new_entry.replaces = old_entry
                states[index][name], new_states[index][name] = old_entry, new_entry
    updates = []
    for index, (parameter, gradient, after_step) in enumerate(zip(parameters, gradients, new, strict=True)):
        after_step.replaces, after_step.meaning = parameter, "after the step"
        rates = {
            name: made.network.views(factor)[parameter.name] if np.ndim(factor) else factor
            for name, factor in made.factors.items()
        }
        state, new_state = {**states[index], **common}, {**new_states[index], **new_common}
        updates.append(Update(parameter, gradient, after_step, state, new_state, rates))
    call = OptimizerCall(
        updates,
        common,
        new_common,
        before.parameters,
        made.given_gradient,
        after.parameters,
        before.optimizer,
        made.factors,
        made.network.views,
    )
    entries = optimizer.explain(call)
    for entry in entries:
        entry.source = entry.source or repr(optimizer)
    return new, entries


def _new_of(letter: Symbol) -> Callable[[Symbol], Symbol]:
    return lambda of: letter.belonging_to(of).new


def _averaged(made: Recording, parameters: list[Entry], new: list[Entry], most: float) -> list[Entry]:
    assert made.before.average is not None
    assert made.after.average is not None
    letter = Symbol.of("avg")
    old = _entries(made, parameters, made.before.average, letter.belonging_to)
    moved = _entries(made, parameters, made.after.average, _new_of(letter))
    for before, after in zip(old, moved, strict=True):
        after.replaces = before
    return [
        explain_average(before, weights, after, made.before.step, most)
        for before, weights, after in zip(old, new, moved, strict=True)
    ]


def _insert_givens(sections: list[Section]) -> None:
    """Put what formulas name and no section has, such as the optimizer's state, before where it is first used."""
    known = {entry for section in sections for entry in section.entries}
    for section in sections:
        found: list[Entry] = []
        for entry in section.entries:
            for operand in entry.operands:
                if operand not in known:
                    found.append(operand)
                    known.add(operand)
            found.append(entry)
        section.entries = found
