"""The training of a page whose optimizer searches: L-BFGS, over all parameters as one vector."""

from __future__ import annotations

from collections.abc import Sequence

from pellucid.errors import OptionError
from pellucid.insight.eject.layout import Group, laid_out
from pellucid.insight.eject.recipe import Recipe
from pellucid.insight.eject.tape import Tape
from pellucid.network import Network
from pellucid.optimizers import LBFGS
from pellucid.optimizers.lbfgs import _dot, _line_search, _two_loop


def refuse_search(tape: Tape, recipe: Recipe, network: Network) -> None:
    """Raise `OptionError` for what a page with a search does not carry."""
    faults = [
        (type(recipe.optimizer) is not LBFGS, "an optimizer that searches in a way of its own"),
        (bool((network.learning_rate_factor != 1).any()), "learning rates of single parameters"),
        (bool(tape.running), "running statistics"),
        (recipe.average is not None, "averaged weights"),
    ]
    for is_so, what in faults:
        if is_so:
            raise OptionError(
                f"eject: a page with {recipe.optimizer!r} does not carry {what}. Eject without training, or train with "
                "another optimizer."
            )


def write_objective(tape: Tape, recipe: Recipe, penalty: Sequence[str]) -> None:
    """Write the loss as a function of one vector."""
    given = "X, T, S" if recipe.samples.weight is not None else "X, T"
    tape.sources.text(
        "joined",
        '''
        def joined(arrays):
            """Return arrays as one vector."""
            return np.concatenate([array.ravel() for array in arrays])
        ''',
    )
    lines = [
        "def objective(point):",
        '    """Put the parameters at a point, one vector; return the loss there, and its slope."""',
        "    start = 0",
        "    for p in PARAMETERS:",
        "        p[...] = point[start : start + p.size].reshape(p.shape)",
        "        start += p.size",
        f"    L, slopes = gradients({given})",
        *(f"    {line}" for line in penalty),
        "    return float(L), joined(slopes)",
    ]
    tape.sources.text("objective", "\n".join(lines))


def search_lines(tape: Tape, recipe: Recipe, schedule: str, report: Sequence[str]) -> list[str]:
    """Return the lines of `train` after its first; ``schedule`` is the factor of the learning rate, or empty."""
    optimizer = recipe.optimizer
    assert isinstance(optimizer, LBFGS)
    tape.sources.function(_dot)
    tape.sources.function(_two_loop)
    tape.sources.function(_line_search)
    number = f"np.{tape.dtype.name}"
    memory = f"np.zeros(({optimizer.memory}, point.size), {number})"
    first = f"{optimizer.learning_rate!r}{f' * {schedule}' if schedule else ''}"
    lines = [
        "point = joined(PARAMETERS)",
        "value, slope = objective(point)",
        f"for epoch in range({recipe.epochs}):",
        "    direction = -two_loop(slope, state)",
        "    along = dot(direction, slope)",
        "    if along >= 0:  # no descent: forget the curvature and go straight down",
        '        state["n_remembered"] = 0',
        "        direction = -slope",
        "        along = dot(direction, slope)",
        "    if along == 0:",
        "        break",
        '    n = state["n_remembered"]',
        f"    first = {first} * (1.0 if n else min(1.0, 1.0 / float(np.abs(slope).sum())))",
        "    slopes = {}",
        "",
        "    def at(length, point=point, direction=direction, slopes=slopes):",
        f"        L, slopes[length] = objective(point + {number}(length) * direction)",
        "        return L, dot(direction, slopes[length])",
        "",
        f"    length, value = line_search(at, value, along, first, {optimizer.max_evaluations})",
        "    if length == 0:  # no better point was found",
        '        state["n_remembered"] = 0',
        "        objective(point)",
        "    else:",
        f"        reached = point + {number}(length) * direction",
        "        move, change = reached - point, slopes[length] - slope",
        "        point, slope = reached, slopes[length]",
        f"        if dot(move, change) > np.finfo({number}).eps * dot(change, change):",
        f"            if n == {optimizer.memory}:",
        '                for kept in (state["steps"], state["slope_changes"]):',
        "                    kept[:-1] = kept[1:]",
        "                n -= 1",
        '            state["steps"][n], state["slope_changes"][n], state["n_remembered"] = move, change, n + 1',
        *report,
    ]
    items = (f'"steps": {memory}', f'"slope_changes": {memory}', '"n_remembered": 0')
    state = laid_out(Group("{", items, "}"), before="state = ", indent=4)
    indented = [f"    {line}" if line else "" for line in lines]
    return [*indented[:2], *state, *indented[2:]]
