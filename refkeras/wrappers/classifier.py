"""`SKLearnClassifier` (`keras/src/wrappers/sklearn_wrapper.py`, Keras 3.15.1)."""

from __future__ import annotations

from typing import Any

import numpy as np

from refkeras.wrappers.base import Estimator, TargetReshaper, kind_of_target

from sklearn.base import ClassifierMixin  # isort: skip - the import above explains a missing scikit-learn
from sklearn.pipeline import make_pipeline  # isort: skip
from sklearn.preprocessing import OneHotEncoder  # isort: skip

__all__ = ["SKLearnClassifier"]


class SKLearnClassifier(ClassifierMixin, Estimator):
    """A model as a scikit-learn classifier. The model gets y as one column a class.

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
        classes_: the classes, sorted.

    Raises (by `fit`):
        ValueError: a target that is neither binary nor multiclass, or one class alone.
        RuntimeError: the model is not compiled, or has no loss.

    Example:

        >>> import contextlib, io, refkeras
        >>> from sklearn.model_selection import GridSearchCV
        >>> def model(X, y, units):
        ...     refkeras.utils.set_random_seed(7)
        ...     layers = refkeras.layers
        ...     net = refkeras.Sequential([refkeras.Input(X.shape[1:]), layers.Dense(units, activation="tanh"),
        ...                                layers.Dense(y.shape[1], activation="softmax")])
        ...     net.compile("adam", "categorical_crossentropy")
        ...     return net
        >>> rows, names = refkeras.datasets.iris.load_data()
        >>> grid = {"model_kwargs": [{"units": n} for n in (1, 16)], "fit_kwargs": [{"epochs": 20, "verbose": 0}]}
        >>> with contextlib.redirect_stdout(io.StringIO()):  # predict shows its progress
        ...     search = GridSearchCV(SKLearnClassifier(model), grid, cv=3).fit(rows, names)
        >>> search.best_params_["model_kwargs"]
        {'units': 16}
    """

    def decision_function(self, X: Any) -> Any:
        """Return the model's outputs: probabilities if it ends in a softmax, else what it computes."""
        return self._outputs(X)

    def _process_target(self, y: Any, reset: bool = False) -> Any:
        kind = kind_of_target(y)
        if kind not in ("binary", "multiclass"):
            raise ValueError(f"Only binary and multiclass target types are supported. Target type: {kind}")
        if reset:
            self._target_encoder = make_pipeline(TargetReshaper(), OneHotEncoder(sparse_output=False)).fit(y)
            self.classes_ = np.unique(y)
            if len(self.classes_) == 1:
                raise ValueError("Classifier can't train when only one class is present.")
        return self._target_encoder.transform(y)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags
