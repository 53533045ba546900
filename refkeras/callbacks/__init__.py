"""Callbacks (`keras.callbacks`)."""

from refkeras.callbacks.base_logger import BaseLogger
from refkeras.callbacks.callback import Callback
from refkeras.callbacks.callback_list import CallbackList
from refkeras.callbacks.csv_logger import CSVLogger
from refkeras.callbacks.early_stopping import EarlyStopping
from refkeras.callbacks.history import History
from refkeras.callbacks.lambda_callback import LambdaCallback
from refkeras.callbacks.learning_rate_scheduler import LearningRateScheduler
from refkeras.callbacks.model_checkpoint import ModelCheckpoint
from refkeras.callbacks.progbar_logger import ProgbarLogger
from refkeras.callbacks.reduce_lr_on_plateau import ReduceLROnPlateau
from refkeras.callbacks.terminate_on_nan import TerminateOnNaN

__all__ = [
    "BaseLogger",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "TerminateOnNaN",
]
