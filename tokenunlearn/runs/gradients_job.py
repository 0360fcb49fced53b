"""The run that measures the gradients of a mask's tokens: it trains nothing and leaves gradients.json.

Its config has `gradients` (GradientsConfig) beside model, rows and mask.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tokenunlearn.experiments.gradient_words import gradient_said
from tokenunlearn.experiments.gradients import GradientsConfig, gradient_view
from tokenunlearn.fitting import check_rows
from tokenunlearn.runs.measure_job import MeasureJob, chosen_rows, of_model, result_file
from tokenunlearn.runs.run_target import target_of
from tokenunlearn.settings import from_dict
from tokenunlearn.training.events import Measuring


def load_gradients(config: Mapping[str, Any], directory: Path) -> MeasureJob:
    """Return the measurement that a config describes.

    Raises SettingError, InputError and MaskError; a model that cannot be trained is told when it is loaded.
    """
    settings = from_dict(GradientsConfig, dict(config["gradients"]))
    rows, table, chosen = chosen_rows(config, directory, "Gradients")

    def measure() -> Measuring:
        loaded = target_of(config, to_train=True)
        check_rows(loaded, rows)
        made_with = loaded.provenance()
        yield from of_model(gradient_view(loaded, rows, table, chosen, settings), made_with)

    return MeasureJob(directory / result_file("gradients"), measure, gradient_said)
