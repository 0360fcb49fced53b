"""What the page can do with gradients: queue a measurement of the chosen tokens, and show what it found."""

from typing import Any

from app.actions.unlearn import Start, run_config, to_train
from app.service import Service
from app.words import GRADIENTS
from tokenunlearn.experiments.arms import CHOSEN
from tokenunlearn.experiments.gradients import GradientsConfig
from tokenunlearn.runs.measure_job import result_file
from tokenunlearn.settings import to_dict


def measure(service: Service, wanted: Start) -> str:
    """Return the id of the queued measurement, under the LoRA that the settings say.

    Raises MaskError for a hash not the server's and no token, ModelError while the model is loading.
    """
    plan, training = wanted.plan, wanted.settings
    shown, mask = to_train(service, plan)
    asked = GradientsConfig(layer_share=training.layer_share, rank=training.rank, seed=training.seed)
    config = run_config(service, shown, plan.set, CHOSEN, mask, training, "")
    own = {"name": f"{plan.set or 'rows'}, {GRADIENTS}", "arm": "", "steps": 1, "gradients": to_dict(asked)}
    return service.queue.start_run(config | own, mask, shown.table)


def found(service: Service, run_id: str) -> dict[str, Any] | None:
    """Return the report of a measurement; None for another run, and before there is one."""
    return service.queue.store.read_json(run_id, result_file("gradients"))
