"""Models as scikit-learn estimators (`keras.wrappers`); needs scikit-learn: pip install 'refkeras[sklearn]'."""

from refkeras.lazy import attach

_NAMES = {
    "SKLearnClassifier": "refkeras.wrappers.classifier",
    "SKLearnRegressor": "refkeras.wrappers.regressor",
    "SKLearnTransformer": "refkeras.wrappers.transformer",
}
__all__ = list(_NAMES)
__getattr__, __dir__ = attach(__name__, (), _NAMES)
