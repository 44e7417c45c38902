"""The training part of an ejected page: its functions `gradients` and `train`, and the constants that they read."""

from __future__ import annotations

import numpy as np

from pellucid.errors import OptionError
from pellucid.insight.eject.functions import write_permutation
from pellucid.insight.eject.layout import Expression, array_code, laid_out, tuple_of
from pellucid.insight.eject.names import snake_case
from pellucid.insight.eject.optimizers import Rule, rule_of
from pellucid.insight.eject.recipe import Recipe
from pellucid.insight.eject.searching import refuse_search, search_lines, write_objective
from pellucid.insight.eject.tape import Tape, Value
from pellucid.layers.base import Array
from pellucid.losses import Loss, SquaredError
from pellucid.network import Network
from pellucid.optimizers import SearchingOptimizer
from pellucid.training.step import _norm

REPORTS = 10
"""How many losses a training prints, about."""


def gradients(tape: Tape, recipe: Recipe, network: Network, outputs: Value) -> list[str]:
    """Return the function that goes forward and back; the tape holds its lines."""
    weighted = recipe.samples.weight is not None
    arguments = ["X", "T", *(["S"] if weighted else []), *(["step"] if tape.draws else [])]
    arguments += ["dropout"] if tape.scheduled_dropout else []
    rows = ", ".join(["n", *map(str, recipe.samples.target.shape[1:])])
    shapes = f"X : (n, {network.n_inputs}), T : ({rows}{',' * (recipe.samples.target.ndim == 1)})"
    slopes = tuple_of(f"d{weight.symbol}" for weight in tape.parameters)
    returning = laid_out(slopes, before="    return L, ")
    if tape.running:
        running = laid_out(tuple_of(tape.running), before="running = ", indent=4)
        returning = [*running, *laid_out(slopes, before="    slopes = "), "    return L, slopes, running"]
    return [
        f"def gradients({', '.join(arguments)}):",
        f'    """Return the loss and dL/dp for each parameter p, for {shapes}{", S : (n,)" if weighted else ""}."""',
        *tape.training_lines,
        *_loss(tape, recipe.loss, outputs.trained, network.n_outputs, weighted),
        "",
        *tape.backward_lines,
        *returning,
    ]


def _loss(tape: Tape, loss: Loss, outputs: str, n_outputs: int, weighted: bool) -> list[str]:
    """Return the lines from the outputs to the loss and its slope."""
    per_row = tape.sources.method(loss, "per_row", loss.name).call_in_order([outputs, "T"])
    if type(loss).value_and_gradient not in (Loss.value_and_gradient, SquaredError.value_and_gradient):
        raise OptionError(f"eject: {loss!r} joins its rows in a way of its own, which has no template.")
    d = f"d{outputs}"
    lines = [f"losses, {d} = {per_row}  # (n,), (n, {n_outputs})"]
    if isinstance(loss, SquaredError) and loss.reduction == "half_sum":
        lines += [f"L, {d} = (losses * S).sum(), {d} * S[:, None]"] if weighted else ["L = losses.sum()"]
    elif weighted:
        lines += ["share = S / (S.sum() or 1)", f"L, {d} = (losses * share).sum(), {d} * share[:, None]"]
    else:
        lines += ["share = 1 / len(X)", f"L, {d} = losses.sum() * share, {d} * share"]
    return [f"    {line}" for line in lines]


class TrainFunction:
    """Writes the function `train`; ``constants`` are the assignments that it needs above it."""

    def __init__(self, tape: Tape, recipe: Recipe, network: Network) -> None:
        self._tape, self._recipe, self._network = tape, recipe, network
        self._searches = isinstance(recipe.optimizer, SearchingOptimizer)
        if self._searches:
            refuse_search(tape, recipe, network)
        self._rule = Rule([]) if self._searches else rule_of(recipe.optimizer)
        self.constants: list[tuple[str, Expression]] = []
        tape.sources.modules.update(self._rule.modules)
        self._own_rates = not (network.learning_rate_factor == 1).all()
        self._own_decays = not (network.weight_decay_factor == 1).all()
        rate = repr(getattr(recipe.optimizer, "learning_rate", 0.0))
        self._constant_rate = "" if self._own_rates or "learning_rate" in recipe.schedules else rate
        self._counts_steps = bool(tape.draws or recipe.schedules or recipe.average)

    def lines(self, head: list[str]) -> list[str]:
        """Return the function after ``head``, which holds its first lines and defines X and T."""
        recipe, tape = self._recipe, self._tape
        if self._searches:
            write_objective(tape, recipe, self._penalty())
            schedule = self._scheduled("learning_rate", "epoch")
            return [*head, *search_lines(tape, recipe, schedule, [line[4:] for line in self._report("value")])]
        if recipe.shuffled or tape.draws:
            self.constants.append(("SEED", repr(recipe.seed)))
        if recipe.order is not None:
            self.constants.append(("ORDER", array_code(recipe.order)))
        lines = [*head, *self._settings()]
        lines.append(f"    for epoch in range({recipe.epochs}):")
        margin = " " * 8
        rows = self._rows()
        if rows is not None:
            if recipe.order is None or recipe.order.ndim == 2:
                lines.append(f"{margin}order = {rows}")
            batch = "order" if rows != "ORDER" else "ORDER"
            if recipe.batch_size is None:
                lines.append(f"{margin}rows = {batch}")
            else:
                size = recipe.batch_size
                lines.append(f"{margin}for start in range(0, len({batch}), {size}):")
                margin += " " * 4
                lines.append(f"{margin}rows = {batch}[start : start + {size}]")
        lines += [margin + line for line in self._step(rows is not None)]
        lines += self._report()
        if recipe.average:
            lines += ["    for p, a in zip(PARAMETERS, averages):", "        p[...] = a"]
        return lines

    def _settings(self) -> list[str]:
        zeros = "[np.zeros_like(p) for p in PARAMETERS]"
        lines = list(self._rule.settings)
        if self._constant_rate:
            lines.insert(0, f"rate = {self._constant_rate}")
        lines += [f"{name} = {zeros}" for name in self._rule.states.values()]
        if self._recipe.average:
            lines.append("averages = [p.copy() for p in PARAMETERS]")
        if self._counts_steps:
            lines.append("step = 0")
        return [f"    {line}" for line in lines]

    def _rows(self) -> str | None:
        """Return what the rows of an epoch are, as code, or None for the table as it is."""
        order = self._recipe.order
        if self._recipe.shuffled:
            write_permutation(self._tape.sources)
            return "permutation(len(X), epoch)"
        return None if order is None else "ORDER" if order.ndim == 1 else "ORDER[epoch]"

    def _step(self, by_rows: bool) -> list[str]:
        """Return the lines of one step, without their margin."""
        recipe, tape = self._recipe, self._tape
        given = ["X[rows]", "T[rows]", "S[rows]"] if by_rows else ["X", "T", "S"]
        given = given[: 3 if recipe.samples.weight is not None else 2]
        lines, dropout = [], []
        if tape.scheduled_dropout:
            dropout = [self._scheduled("dropout_rate")]
        given += [*(["step"] if tape.draws else []), *dropout]
        lines.append(f"L, slopes{', running' if tape.running else ''} = gradients({', '.join(given)})")
        lines += self._penalty() + self._clip() + self._rule.each_step + self._update()
        if tape.running:
            kept = tuple_of(buffer.symbol for buffer in tape.buffers)
            lines += [f"for kept, new in zip({kept}, running):", "    kept[...] = new"]
        if recipe.average:
            lines.append(f"decay = min({recipe.average!r}, (1 + step) / (10 + step))")
            lines += ["for p, a in zip(PARAMETERS, averages):", "    a += (1 - decay) * (p - a)"]
        if self._counts_steps:
            lines.append("step += 1")
        return lines

    def _penalty(self) -> list[str]:
        penalty = self._recipe.penalty
        if penalty is None:
            return []
        l1, l2 = repr(penalty.l1), repr(penalty.l2)
        factors = self._factors("PENALIZED", self._network.weight_decay_factor)
        size = f"{l1} * (np.abs(p) * f).sum() + {l2} / 2 * (np.square(p) * f).sum()"
        return [
            f"for p, g, f in zip(PARAMETERS, slopes, {factors}):",
            f"    L += {size}",
            f"    g += f * ({l1} * np.sign(p) + {l2} * p)",
        ]

    def _clip(self) -> list[str]:
        clip = self._recipe.gradient_clip
        if clip is None:
            return []
        return [
            f"length = {self._tape.sources.function(_norm)}(np.concatenate([g.ravel() for g in slopes]))",
            f"if length > {clip!r}:",
            "    for g in slopes:",
            f"        g *= {clip!r} / length",
        ]

    def _update(self) -> list[str]:
        """Return the loop over the parameters, with the rates that it reads."""
        rule, optimizer = self._rule, self._recipe.optimizer
        names = {"p": "PARAMETERS", "g": "slopes", **rule.states}
        learning_rate = repr(getattr(optimizer, "learning_rate", 0.0))
        before, inside = [], []
        scheduled = self._scheduled("learning_rate")
        if self._own_rates:
            names["r"] = self._factors("RATES", self._network.learning_rate_factor)
            if scheduled:
                before.append(f"schedule = {scheduled}")
            inside.append(f"rate = {learning_rate} * {'(r * schedule)' if scheduled else 'r'}")
        elif scheduled:
            before.append(f"rate = {learning_rate} * {scheduled}")
        if hasattr(optimizer, "weight_decay"):
            scheduled = self._scheduled("weight_decay")
            own = repr(optimizer.weight_decay)
            if self._own_decays:
                names["f"] = self._factors("PENALIZED", self._network.weight_decay_factor)
                if scheduled:
                    before.append(f"decay_schedule = {scheduled}")
                own += " * (f * decay_schedule)" if scheduled else " * f"
            elif scheduled:
                own += f" * {scheduled}"
            inside.append(f"decay = rate * ({own})" if "*" in own else f"decay = rate * {own}")
        update = [f"    {line}" for line in [*inside, *rule.update]]
        head = f"for {', '.join(names)} in zip({', '.join(names.values())}):"
        return [*before, head, *update]

    def _scheduled(self, name: str, step: str = "step") -> str:
        """Return the factor of a schedule at this step as code, or an empty text."""
        recipe = self._recipe
        if name not in recipe.schedules:
            return ""
        schedule, total = recipe.schedules[name], recipe.total_steps
        factor = self._tape.sources.method(schedule, "factor", f"{snake_case(type(schedule).__name__)}_schedule")
        return factor.call_in_order([f"min({step}, {total - 1})" if recipe.steps > total else step, repr(total)])

    def _factors(self, name: str, vector: Array) -> str:
        """Return the name of a constant with a number, or an array, for each parameter."""
        if name not in dict(self.constants):
            views = self._network.views(vector)
            if all((view == view.flat[0]).all() for view in views.values()):
                factors = array_code(np.array([view.flat[0] for view in views.values()], vector.dtype))
            else:
                factors = tuple_of(array_code(view) for view in views.values())
            self.constants.append((name, factors))
        return name

    def _report(self, loss: str = "L") -> list[str]:
        every = max(1, self._recipe.epochs // REPORTS)
        condition = f"        if (epoch + 1) % {every} == 0:"
        line = f'print(f"epoch {{epoch + 1}}: loss {{{loss}:.6f}}")'
        return [f"        {line}"] if every == 1 else [condition, f"            {line}"]
