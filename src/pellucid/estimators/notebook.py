"""What a notebook shows of an estimator: scikit-learn's box of parameters and, when fitted, the network below it."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from pellucid.network import Network


class ShownInNotebook:
    """Adds the layers and the loss curve to the HTML of scikit-learn's `BaseEstimator`, a base named after this one."""

    @abstractmethod
    def _network_and_link(self) -> tuple[Network, str]:
        """Return the network that predicts, and the name of what makes predictions of its outputs."""

    def _repr_html_inner(self) -> str:
        html: str = super()._repr_html_inner()  # type: ignore[misc]
        try:
            check_is_fitted(self)
        except NotFittedError:
            return html
        from pellucid.insight.pictures.notebook import estimator_html

        return html + estimator_html(self, *self._network_and_link())

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        bundle: dict[str, str] = super()._repr_mimebundle_(**kwargs)  # type: ignore[misc]
        if "text/html" in bundle:
            bundle["text/html"] = self._repr_html_inner()
        return bundle
