"""An optimizer turns the gradient into a change of the parameters, and does nothing else."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeAlias

from pellucid.formulas import Entry, OptimizerCall, Update
from pellucid.layers.base import NO_RATES, Array, Rates
from pellucid.options import Configurable

State: TypeAlias = dict[str, Array]
Objective: TypeAlias = Callable[[], float]


class Optimizer(Configurable):
    """The interface of every optimizer.

    The rule works in place on flat vectors ``parameters, gradients : (n_parameters,)``. What it remembers from step to
    step is ``state``, named arrays that can be saved. ``rates`` holds factors on the configured values, a number or
    one per parameter: ``rates["learning_rate"]`` is the product of the schedule and the network's factors, so a
    parameter whose factor is 0 stays where it is.
    """

    name: ClassVar[str]
    letters: ClassVar[Mapping[str, str]] = {}
    """What formulas call the arrays of the state, by name."""

    @abstractmethod
    def start(self, parameters: Array) -> State:
        """Return the state before the first step."""

    @abstractmethod
    def step(self, parameters: Array, gradients: Array, state: State, rates: Rates = NO_RATES) -> None:
        """Change ``parameters`` and ``state`` in place, for ``gradients`` at the present parameters."""

    def explain(self, call: OptimizerCall) -> list[Entry]:
        """Return the entries of a step, each with its formula: the state after it, and the new parameters.

        A rule that does not say has values without formulas.
        """
        return [entry for update in call.updates for entry in self.explain_update(update)]

    def explain_update(self, update: Update) -> list[Entry]:
        """Return the entries of one parameter array's update."""
        return [*update.new_state.values(), update.new]

    def _rate(self, name: str, rates: Rates) -> Any:
        """Return the configured value times its factor."""
        return getattr(self, name) * rates.get(name, 1.0)


class SearchingOptimizer(Optimizer):
    """An optimizer whose step asks for the loss at other parameters, and so needs all rows at once."""

    @abstractmethod
    def step(
        self,
        parameters: Array,
        gradients: Array,
        state: State,
        rates: Rates = NO_RATES,
        objective: Objective | None = None,
    ) -> None:
        """Change ``parameters`` and ``state`` in place.

        ``objective()`` returns the loss at the present ``parameters`` and overwrites ``gradients``; `OptionError`
        without it.
        """
