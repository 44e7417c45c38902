"""`eject`: a network or a fitted estimator goes in, a file of plain NumPy comes out."""

from __future__ import annotations

import os
from typing import Any

from pellucid.errors import NotInitializedError, OptionError, listed
from pellucid.insight.eject.networks import predicting_page, training_page
from pellucid.model import check_writable, whole_file
from pellucid.network import Network


def eject(
    model: Any, path: str | os.PathLike[str], *, training: bool = False, overwrite: bool = False, **arguments: Any
) -> str:
    """Write a network or a fitted estimator as a page of plain NumPy, as a tutorial would; returns its text.

    The page needs Python and NumPy alone. It predicts as the model does: a network from rows of numbers, an estimator
    from raw rows, a CSV file or a list of dicts, with all that the encoder does to them, by all networks of its
    ensemble, with a function for each architecture. They are embedded, about 6 characters a weight: four million make
    a file of 25 MB. With ``training`` it also trains, from the same start on the same batches, and arrives at the
    weights of ``engine="numpy"``: its operations are those of the library in the same order. That takes a network, or
    an estimator fitted with ``members=1``.

    Parameters
    ----------
    model : a `Network`, or a fitted `TabularClassifier` or `TabularRegressor`
    path : the file to write, such as "xor.py"
    training : whether the page trains. A network's weights are then the start
    overwrite : whether a file that exists is replaced
    arguments : with ``training``, those of `train`: X, y, loss, optimizer, epochs, ...; for an estimator the X and y,
        and the sample_weight, that `fit` got, and ``rows``, the numbers of the rows if it got only some of the table's.
        Such a page reads the table from a CSV file when it is run; a target without a name is its column "target"

    Raises
    ------
    OptionError : the model, or its training, has a part that cannot be written as plain NumPy, or an argument is wrong;
        with ``training``, the estimator trained a population
    NotInitializedError : the network has no weights yet
    OutputError : the path exists (unless ``overwrite``) or cannot be written

    >>> import tempfile
    >>> from pellucid import Dense, Network, Sigmoid, eject
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = eject(Network([Dense(1), Sigmoid()], n_inputs=3), f"{folder}/neuron.py")
    >>> print(page[page.index("    Z1") : page.index("    return A1")])
        Z1 = X @ W1 + b1  # (n, 1)
        A1 = sigmoid(Z1)  # (n, 1)
    <BLANKLINE>
    """
    page = page_of(model, training=training, arguments=arguments)
    content = page.encode()
    check_writable(path, overwrite=overwrite, needed_bytes=len(content), noun="a page")
    with whole_file(path, overwrite=overwrite, needed_bytes=len(content), noun="a page") as temporary:
        temporary.write_bytes(content)
    return page


def page_of(model: Any, *, training: bool, arguments: dict[str, Any]) -> str:
    """Return the page as text."""
    if arguments and not training:
        raise OptionError(f"eject got {listed(arguments)}, which belong to a training: write training=True.")
    if isinstance(model, Network):
        if training:
            return training_page(model, arguments)
        if not model.initialized:
            raise NotInitializedError(f"eject: {model!r} has no weights yet: call network.initialize(X), or train.")
        return predicting_page(model)
    if not hasattr(model, "encoder_") and not hasattr(model, "__sklearn_is_fitted__"):
        raise OptionError(f"eject got {model!r:.80}; it expects a Network, a TabularClassifier or a TabularRegressor.")
    from sklearn.utils.validation import check_is_fitted

    from pellucid.insight.eject.estimators import estimator_page

    check_is_fitted(model)
    return estimator_page(model, training, arguments)
