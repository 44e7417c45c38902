"""Ejecting an ensemble: a forward pass for each architecture, and the weighted mean over the networks."""

from __future__ import annotations

from pellucid.activations import sigmoid, softmax
from pellucid.elementary import exponential
from pellucid.insight.eject.layout import Expression, Noted, array_code, call, tuple_of
from pellucid.insight.eject.page import Page, forward_function, tape_of
from pellucid.insight.eject.sources import Sources
from pellucid.losses import Loss
from pellucid.population.ensemble import Ensemble


def write_ensemble(page: Page, ensemble: Ensemble) -> list[tuple[str, Expression]]:
    """Write the networks' forward passes and their mean, `average`; return the constants that these need.

    Networks whose lines are the same share a function, which gets the arrays of each as arguments. They are embedded
    one network after another, so a page stays one file, about 4/3 as large as the networks.
    """
    forwards: dict[tuple[str, ...], str] = {}
    constants: list[tuple[str, Expression]] = []
    members = []
    for number, (network, weight) in enumerate(zip(ensemble.networks, ensemble.weights, strict=True), start=1):
        tape, outputs = tape_of(network, page.sources, training=False)
        arrays = [*tape.parameters, *tape.buffers]
        symbols = [array.symbol for array in arrays]
        lines = tuple(forward_function("forward", tape, network, outputs, symbols))
        if lines not in forwards:
            forwards[lines] = f"forward_{len(forwards) + 1}"
            page.function(forwards[lines], forward_function(forwards[lines], tape, network, outputs, symbols))
        items = [Noted(array_code(array.array), array.symbol) for array in arrays]
        constants.append((f"NETWORK_{number}", tuple_of(items)))
        members.append(tuple_of([repr(weight), forwards[lines], f"NETWORK_{number}"]))
    constants.append(("MEMBERS", tuple_of(members)))
    n_outputs = ensemble.networks[0].n_outputs
    link = write_link(page.sources, ensemble.loss)
    what = "probabilities" if link else "outputs"
    made = "forward(X, *arrays).astype(np.float64)"
    page.function(
        "average",
        [
            "def average(X):",
            f'    """Return the weighted mean of the networks\' {what}, (n, {n_outputs}), in float64."""',
            f"    mean = np.zeros((len(X), {n_outputs}))",
            "    for weight, forward, arrays in MEMBERS:",
            f"        mean += weight * {call(link, made) if link else made}",
            "    return mean",
        ],
    )
    return constants


def write_link(sources: Sources, loss: Loss) -> str:
    """Write the function that makes probabilities of outputs, and return its name; "" where predictions are outputs."""
    if loss.link == "identity":
        return ""
    exact = sources.function(exponential)
    return sources.function({"sigmoid": sigmoid, "softmax": softmax}[loss.link], exponential=exact)
