"""Models: the graph of layers, and the stack (`keras.models`)."""

from refkeras.lazy import attach as _attach
from refkeras.models.cloning import clone_model
from refkeras.models.functional import Functional
from refkeras.models.model import Model, model_from_json
from refkeras.models.sequential import Sequential
from refkeras.saving.serialization import public_module

__all__ = ["Functional", "Model", "Sequential", "clone_model", "load_model", "model_from_json", "save_model"]

for _name in ("keras", "keras.models"):
    public_module(_name, lambda: {"Functional": Functional, "Model": Model, "Sequential": Sequential})

# Files are rarely touched, and much has to be imported for them.
__getattr__, __dir__ = _attach(__name__, (), dict.fromkeys(("load_model", "save_model"), "refkeras.saving.api"))
