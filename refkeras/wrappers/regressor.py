"""`SKLearnRegressor` (`keras/src/wrappers/sklearn_wrapper.py`, Keras 3.15.1)."""

from __future__ import annotations

from typing import Any

from refkeras.wrappers.base import Estimator

from sklearn.base import RegressorMixin  # isort: skip - the import above explains a missing scikit-learn

__all__ = ["SKLearnRegressor"]


class SKLearnRegressor(RegressorMixin, Estimator):
    """A model as a scikit-learn regressor. The model gets y as a column.

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
        >>> refkeras.utils.set_random_seed(7)
        >>> line = refkeras.Sequential([refkeras.Input((1,)), refkeras.layers.Dense(1)])
        >>> line.compile(refkeras.optimizers.SGD(0.1), "mse")
        >>> X = np.linspace(-1, 1, 50)[:, None]
        >>> fitted = SKLearnRegressor(line).fit(X, 3 * X[:, 0] + 1, epochs=50, verbose=0)
        >>> with contextlib.redirect_stdout(io.StringIO()):  # predict shows its progress
        ...     at_two = fitted.predict([[2.0]])
        >>> at_two.round(2).tolist()
        [7.0]
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        return tags
