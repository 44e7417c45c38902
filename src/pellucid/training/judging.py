"""After an epoch a network is judged: by the loss on rows set aside, and by metrics on these and on its own rows."""

from __future__ import annotations

from collections.abc import Callable

from pellucid.engine.evaluator import Evaluator, evaluator
from pellucid.layers.base import Array
from pellucid.losses import Loss
from pellucid.network import Network
from pellucid.training.metrics import Metric
from pellucid.training.samples import Samples


class Judge:
    """Called, it returns the figures by name, with the weights of the moment.

    What decides between epochs is as exact as what trains: natively, outputs and loss come from the engine; links and
    metrics are exact operations in any case.
    """

    def __init__(
        self,
        network: Network,
        loss: Loss,
        metrics: list[Metric],
        training: Samples,
        validation: Samples | None,
        *,
        native: bool,
    ) -> None:
        self._loss, self._metrics = loss, metrics
        evaluate = _natively if native else _on_numpy
        self._training = evaluate(network, loss, training) if metrics else None
        self._validation = None if validation is None else evaluate(network, loss, validation)

    def __call__(self) -> dict[str, float]:
        """Return the metrics on the training rows, and loss and metrics on the validation rows."""
        found = {}
        for prefix, evaluated in (("", self._training), ("validation_", self._validation)):
            if evaluated is None:
                continue
            samples, compute = evaluated
            outputs, value = compute()
            if prefix:
                found["validation_loss"] = value
            for metric in self._metrics:
                found[prefix + metric.name] = metric.value(self._loss.predict(outputs), samples.target, samples.weight)
        return found


Evaluated = tuple[Samples, Callable[[], tuple[Array, float]]]


def _on_numpy(network: Network, loss: Loss, samples: Samples) -> Evaluated:
    def compute() -> tuple[Array, float]:
        outputs = network.predict(samples.x)
        return outputs, loss.value_and_gradient(outputs, samples.target, samples.weight)[0]

    return samples, compute


def _natively(network: Network, loss: Loss, samples: Samples) -> Evaluated:
    found = evaluator(network, loss, samples.target, samples.weight)
    assert isinstance(found, Evaluator), found  # what trains natively predicts natively

    def compute() -> tuple[Array, float]:
        return found.loss(samples.x)

    return samples, compute
