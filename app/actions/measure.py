"""What the page can measure of the chosen tokens before anything is trained: queue it, show what it found.

`OF_TOKENS` has an entry a measurement; the button on the Unlearn tab, its run and its result on the Probe tab
follow from it and from the kind of the same name (`runs/kinds.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from app.actions.unlearn import Start, run_config, to_train, trained_rows
from app.service import Service
from app.words import (
    GRADIENTS,
    MEASURE_GRADIENTS,
    MEASURE_GRADIENTS_HELP,
    MEASURE_PERTURB,
    MEASURE_PERTURB_HELP,
    PERTURB,
)
from tokenunlearn.data.rows import Row
from tokenunlearn.documents.drawing import svg
from tokenunlearn.documents.perturbation import perturbation_drawings
from tokenunlearn.experiments.arms import CHOSEN
from tokenunlearn.experiments.gradients import GradientsConfig
from tokenunlearn.experiments.perturbation import PerturbConfig
from tokenunlearn.experiments.perturbation_words import AREAS, perturbation_table
from tokenunlearn.runs.measure_job import read_result, result_file
from tokenunlearn.runs.perturb_job import refuse_unmarked
from tokenunlearn.runs.result_faults import FAULTS
from tokenunlearn.selection import Rule
from tokenunlearn.settings import to_dict
from tokenunlearn.training.config import TrainConfig


@dataclass(frozen=True)
class OfTokens:
    """A measurement of the chosen tokens.

    name: ends the name of its run. button, help: on the Unlearn tab. settings: what it is asked for, of the
    form's settings, the rule and the rows. shown: what the page shows of its report.
    """

    name: str
    button: str
    help: str
    settings: Callable[[TrainConfig, Rule, Sequence[Row]], Any]
    shown: Callable[[Mapping[str, Any]], Mapping[str, Any]]


def _gradients(training: TrainConfig, _rule: Rule, _rows: Sequence[Row]) -> GradientsConfig:
    """Return the settings under the LoRA of the form."""
    return GradientsConfig(layer_share=training.layer_share, rank=training.rank, seed=training.seed)


def _perturb(training: TrainConfig, rule: Rule, rows: Sequence[Row]) -> PerturbConfig:
    """Return the settings that try φ and the signals in it. Raises InputError where no fact is marked."""
    refuse_unmarked(rows)
    shares = zip(rule.signals, (rule.alpha, 1 - rule.alpha), strict=True)
    signals = tuple(dict.fromkeys(name for name, share in shares if share > 0))
    return PerturbConfig(signals=signals, seed=training.seed)


def _curves(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return sentences, and a table and a picture for each wording."""
    wordings = []
    for wording, drawing in zip(report["wordings"], perturbation_drawings(report), strict=True):
        caption, heads, lines = perturbation_table(report, wording)
        wordings.append({"caption": caption, "heads": heads, "lines": lines, "svg": svg(drawing)})
    return {"says": report["says"], "note": AREAS, "wordings": wordings}


OF_TOKENS: Final[Mapping[str, OfTokens]] = MappingProxyType(
    {
        "gradients": OfTokens(
            GRADIENTS,
            MEASURE_GRADIENTS,
            MEASURE_GRADIENTS_HELP,
            _gradients,
            lambda report: report,
        ),
        "perturb": OfTokens(
            PERTURB,
            MEASURE_PERTURB,
            MEASURE_PERTURB_HELP,
            _perturb,
            _curves,
        ),
    }
)


def measure(kind: str, service: Service, wanted: Start) -> str:
    """Return the id of the queued measurement of a kind.

    Raises MaskError for a hash not the server's and no token, ModelError while the model is loading, and what
    the settings of the kind do.
    """
    plan, entry = wanted.plan, OF_TOKENS[kind]
    shown, mask = to_train(service, plan)
    asked = entry.settings(wanted.settings, mask.rule, trained_rows(service, shown, plan.set))
    config = run_config(service, shown, plan.set, CHOSEN, mask, wanted.settings, "")
    own = {"name": f"{plan.set or 'rows'}, {entry.name}", "arm": "", "steps": 1, kind: to_dict(asked)}
    return service.queue.start_run(config | own, mask, shown.table)


def found(service: Service, run_id: str, kind: str) -> tuple[dict[str, Any] | None, str]:
    """Return what a measurement found, `{kind, …}`, None before it has; and why that cannot be read."""
    report, why = read_result(service.queue.store.path(run_id) / result_file(kind), FAULTS[kind])
    return (None if report is None else {"kind": kind, **OF_TOKENS[kind].shown(report)}), why
