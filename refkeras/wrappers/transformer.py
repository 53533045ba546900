"""`SKLearnTransformer` (`keras/src/wrappers/sklearn_wrapper.py`, Keras 3.15.1)."""

from __future__ import annotations

from typing import Any

from refkeras.wrappers.base import Estimator

from sklearn.base import TransformerMixin  # isort: skip - the import above explains a missing scikit-learn

__all__ = ["SKLearnTransformer"]


class SKLearnTransformer(TransformerMixin, Estimator):
    """A model as a scikit-learn transformer (which has nothing to do with attention): features out of features.

    Args:
        model: a compiled model, which is cloned for each fit; or a function
            `model(X=..., y=..., **model_kwargs)` that returns one.
        warm_start: without effect, as in Keras 3.15.1; `fit` warns.
        model_kwargs: further arguments of `model`, if it is a function.
        fit_kwargs: arguments of `Model.fit`. As in Keras, scikit-learn's clones lose them (with a warning): give
            them in the grid of a search.

    Attributes:
        model_: the fitted model.
        history_: the `History` of the fit.

    Raises (by `fit`):
        ValueError: data that scikit-learn refuses.
        RuntimeError: the model is not compiled, or has no loss.

    Example:

        >>> import contextlib, io, numpy as np, refkeras
        >>> model = refkeras.Sequential([refkeras.Input((4,)), refkeras.layers.Dense(2)])
        >>> model.compile("sgd", "mse")
        >>> rng = np.random.default_rng(7)
        >>> X, y = rng.normal(size=(20, 4)), rng.normal(size=20)
        >>> with contextlib.redirect_stdout(io.StringIO()):  # predict shows its progress
        ...     features = SKLearnTransformer(model).fit(X, y, verbose=0).transform(X)
        >>> features.shape
        (20, 2)
    """

    def transform(self, X: Any) -> Any:
        """Return the model's outputs, (rows, features).

        Raises:
            NotFittedError: `fit` was not called.
        """
        return self._outputs(X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags
