"""What an objective needs of rows and model, told before anything slow runs."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tokenunlearn.data.rows import Row
from tokenunlearn.errors import InputError
from tokenunlearn.models.forward import causal_model
from tokenunlearn.objectives import OBJECTIVES
from tokenunlearn.training.config import TrainConfig
from tokenunlearn.training.session import first_layer
from tokenunlearn.training.token_batch import moved_layer


def refuse_rows(forget: Sequence[Row], retain: Sequence[Row], config: TrainConfig) -> None:
    """Raise InputError where the objective needs what these rows do not have; no model is needed for it."""
    second_answers(forget, config)
    if forget and not retain and "retain_rows" in config.needs:
        raise InputError(
            f"{OBJECTIVES[config.objective].label} has no rows to keep",
            "Its retain weight is set by their loss",
            "Give rows to keep, or choose another objective",
        )


def second_answers(rows: Sequence[Row], config: TrainConfig) -> list[Row]:
    """Return the rows with their second answers; none where the objective needs none. Raises InputError."""
    other = OBJECTIVES[config.objective].other
    if other is None or "other_answer" not in config.needs:
        return []
    return [replace(row, answer=other(row, config.seed), gold=()) for row in rows]


def layer_needed(model: Any, config: TrainConfig) -> int:
    """Return the layer after which hidden states are read; 0 where none are.

    Raises ModelError and SettingError as `moved_layer` does.
    """
    if "hidden" not in config.needs:
        return 0
    return moved_layer(
        model, config.objective_of().depth, first_layer(causal_model(model), config.layer_share)
    )
