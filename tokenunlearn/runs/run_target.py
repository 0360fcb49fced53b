"""The model that a run starts from, by its config."""

from collections.abc import Mapping
from typing import Any

from tokenunlearn.errors import ModelError
from tokenunlearn.models.loading import LoadedModel, load_model


def target_of(config: Mapping[str, Any], *, to_train: bool = False) -> LoadedModel:
    """Return the model, adapter included, that a config names.

    `weights` of the config is what was in their files when the rows were scored; an earlier version did not
    write it. Raises ModelError where they are others now: mask and figures would be of another model.
    """
    precision = config.get("precision") or "auto"
    loaded = load_model(config.get("model"), config.get("adapter"), precision, to_train=to_train)
    if config.get("weights", loaded.weights) != loaded.weights:
        place = config.get("adapter") or config.get("model") or "the embedded model"
        raise ModelError(
            "The model is no longer the one whose rows were scored",
            "Its files were replaced since",
            "Put them back, or open the model again and start from its new scores",
            str(place),
        )
    return loaded
