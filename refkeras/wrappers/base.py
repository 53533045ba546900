"""What the three wrappers share (`keras/src/wrappers/sklearn_wrapper.py`, Keras 3.15.1)."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from refkeras import config, semantics
from refkeras.models import Model, clone_model

try:
    import sklearn
    from sklearn.base import BaseEstimator, TransformerMixin
    from sklearn.utils.metadata_routing import MetadataRequest
    from sklearn.utils.multiclass import type_of_target
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    raise ImportError(
        "refkeras.wrappers requires `scikit-learn` (1.6 or newer) to be installed. Run `pip install scikit-learn` to "
        "install it."
    ) from error

__all__ = ["Estimator", "TargetReshaper", "kind_of_target"]


class Estimator(BaseEstimator):
    """A model that scikit-learn can clone, fit and ask for predictions.

    For scores that repeat on whatever engine of joblib's, let the function
    that makes the model call `set_random_seed`, and give its layers and
    initializers seeds: threads, and Dask's workers, share Python's `random`
    with others.

    Args:
        model: a compiled model, which is cloned for each fit; or a function
            `model(X=..., y=..., **model_kwargs)` that returns one. `y` comes
            as the model gets it: a column, or for classifiers one column a class.
        warm_start: without effect, as in Keras 3.15.1, whatever its
            documentation says: each fit starts from new weights. `fit` warns.
        model_kwargs: further arguments of `model`, if it is a function.
        fit_kwargs: arguments of `Model.fit`. Those that are given to `fit` go before them, and stay in them.

    Attributes:
        model_: the fitted model.
        history_: the `History` of the fit.
    """

    def __init__(
        self,
        model: Model | Callable[..., Model],
        warm_start: bool = False,
        model_kwargs: dict[str, Any] | None = None,
        fit_kwargs: dict[str, Any] | None = None,
    ) -> None:
        self.model = model
        self.warm_start = warm_start
        self.model_kwargs = model_kwargs
        self.fit_kwargs = fit_kwargs

    # -- what scikit-learn asks ----------------------------------------------------

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = True
        return tags

    def __sklearn_clone__(self) -> Any:
        """Return an unfitted copy: the same model, which a fit clones, and no `fit_kwargs`.

        Leaving `fit_kwargs` out is what Keras 3.15.1 does, with the effect
        that a cross-validation trains with the defaults of `Model.fit`: one epoch.
        """
        if self.fit_kwargs:
            warnings.warn(
                f"scikit-learn clones {type(self).__name__} without its fit_kwargs={self.fit_kwargs}, as in Keras: "
                "cross_val_score and GridSearchCV then train for one epoch. Give fit_kwargs in the parameter grid, "
                "or give the arguments to fit itself (params=... of cross_val_score).",
                stacklevel=3,
            )
        model = self.model if callable(self.model) else copy.deepcopy(self.model)
        return type(self)(model=model, warm_start=self.warm_start, model_kwargs=self.model_kwargs)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_made_under": _settings()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        then = state.pop("_made_under", None)
        super().__setstate__(state)
        if then is not None and then != _settings():
            warnings.warn(
                f"This {type(self).__name__} comes from a process with {then}; in this one there is {_settings()}, "
                "and its numbers will differ. Workers take the semantics from the environment variable "
                "REFKERAS_SEMANTICS; set floatx in the function that makes the model.",
                stacklevel=2,
            )

    @property
    def epoch_(self) -> Any:
        """The epochs that the fit ran, from 0 on; 0 before it. (Keras 3.15.1 raises AttributeError after a fit.)"""
        return self.history_.epoch if hasattr(self, "history_") else 0

    def set_fit_request(self, **kwargs: Any) -> Any:
        """Say which metadata the wrapper asks for (scikit-learn's metadata routing).

        As in Keras 3.15.1 it asks for the method `score`, whatever this method's name says.

        Args:
            **kwargs: `name=True`, False, None, or an alias.

        Raises:
            RuntimeError: metadata routing is not enabled.
        """
        if not sklearn.get_config().get("enable_metadata_routing", False):
            raise RuntimeError(
                "This method is only available when metadata routing is enabled. You can enable it using "
                "sklearn.set_config(enable_metadata_routing=True)."
            )
        self._metadata_request = MetadataRequest(owner=type(self).__name__)
        for param, alias in kwargs.items():
            self._metadata_request.score.add_request(param=param, alias=alias)
        return self

    # -- training ------------------------------------------------------------------

    def fit(self, X: Any, y: Any, **kwargs: Any) -> Any:
        """Train a new model.

        Args:
            X: (rows, features).
            y: (rows,). As in Keras, scikit-learn refuses more than one column.
            **kwargs: arguments of `Model.fit`, before those in `fit_kwargs`.

        Raises:
            ValueError: data that scikit-learn refuses.
            RuntimeError: the model is not compiled, or has no loss.
        """
        X, y = validate_data(self, X, y)
        y = self._process_target(y, reset=True)
        if self.warm_start:
            warnings.warn(
                f"warm_start={self.warm_start} has no effect, as in Keras: the fit starts from new weights.",
                stacklevel=2,
            )
        model = self._new_model(X, y)
        if not model.compiled or not model.loss or not model.optimizer:
            raise RuntimeError("Given model needs to be compiled, and have a loss and an optimizer.")
        fit_kwargs = self.fit_kwargs or {}
        fit_kwargs.update(kwargs)
        self.history_ = model.fit(X, y, **fit_kwargs)
        self.model_ = model
        return self

    def _new_model(self, X: Any, y: Any) -> Any:
        if isinstance(self.model, Model):
            return clone_model(self.model)
        return self.model(X=X, y=y, **(self.model_kwargs or {}))

    def predict(self, X: Any) -> Any:
        """Return the prediction for each row, in the form of the `y` of the fit.

        Raises:
            NotFittedError: `fit` was not called.
        """
        return self._reverse_process_target(self._outputs(X))

    def _outputs(self, X: Any) -> Any:
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        return self.model_.predict(X)

    # -- targets -------------------------------------------------------------------

    def _process_target(self, y: Any, reset: bool = False) -> Any:
        kind_of_target(y)
        if reset:
            self._target_encoder = TargetReshaper().fit(y)
        return self._target_encoder.transform(y)

    def _reverse_process_target(self, y: Any) -> Any:
        return self._target_encoder.inverse_transform(y)


class TargetReshaper(TransformerMixin, BaseEstimator):
    """Makes a column of a 1D target, and a 1D target of the column.

    Attributes:
        ndim_: the dimensions of the target it was fitted to.
    """

    def fit(self, y: Any) -> TargetReshaper:
        self.ndim_ = y.ndim
        return self

    def transform(self, y: Any) -> Any:
        """Return (rows, 1) for (rows,), anything else as it is."""
        return y.reshape(-1, 1) if y.ndim == 1 else y

    def inverse_transform(self, y: Any) -> Any:
        """Return (rows,) for (rows, 1), if the target of the fit was 1D."""
        check_is_fitted(self)
        return np.squeeze(y, axis=1) if self.ndim_ == 1 and y.ndim == 2 else y


def kind_of_target(y: Any) -> str:
    """Return scikit-learn's name for the kind of target.

    Raises:
        ValueError: it has none.
    """
    kind = type_of_target(y, input_name="")
    if kind == "unknown":
        raise ValueError(f"Unknown label type for data: {y!r}")
    return kind


def _settings() -> dict[str, str]:
    return {"semantics": semantics.current().name, "floatx": config.floatx()}
