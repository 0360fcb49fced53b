"""Arms × seeds, each at equal steps and at equal forgetting, as a stream of measured rows.

1. The target is loaded anew for every run and gets a fresh LoRA from the seed. 2. After the first step at
which the joint fact probability of the training rows is below `equal_below`, and after the last step, the
probes measure everything. A run that never gets there has no row "equal forgetting": not measured.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pandas as pd

from tokenunlearn.data.rows import Row
from tokenunlearn.data.splits import Splits
from tokenunlearn.experiments.arms import Arm, arm_weights
from tokenunlearn.masks import Mask
from tokenunlearn.models.adapters import lora_of
from tokenunlearn.models.language_model import LanguageModel
from tokenunlearn.models.loading import LoadedModel
from tokenunlearn.probes import COMPARED
from tokenunlearn.probes.evidence import ProbeSettings
from tokenunlearn.probes.report import probe_report
from tokenunlearn.rivals import RIVALS, make_rival
from tokenunlearn.settings import describe
from tokenunlearn.training.config import TrainConfig
from tokenunlearn.training.events import Diverged, EvalDone, StepDone
from tokenunlearn.training.loop import train
from tokenunlearn.training.session import with_fresh_lora

EQUAL: Final = "equal forgetting"
LAST: Final = "last step"


@dataclass(frozen=True)
class ArmResult:
    """One measurement: which arm, seed and moment, after which step, and the probes' summary.

    `answers`: what the model said, as the lines of a Report, so that it can be judged later. `method` and
    `seconds`: the objective where several are compared (`Arm`), and the time of its steps. `by_row`: the
    values of the compared probes by row id. `norm`: of the trained change of the weights (`Lora.norm`);
    `tokens`: the forget tokens trained so far, over all steps. Files of older versions have none of the six.
    """

    arm: str
    seed: int
    moment: str
    step: int
    summary: dict[str, Any]
    answers: list[dict[str, Any]] = field(default_factory=list)
    method: str = ""
    seconds: float | None = None
    by_row: dict[str, dict[str, float | None]] = field(default_factory=dict)
    norm: float | None = None
    tokens: int | None = None

    @property
    def of(self) -> Arm:
        """The arm that was measured."""
        return Arm(self.arm, self.method)


@dataclass(frozen=True)
class Bench:
    """What all arms share."""

    load: Callable[[], LoadedModel]
    forget: Sequence[Row]
    retain: Sequence[Row]
    world: Sequence[Row]
    config: TrainConfig
    equal_below: float = 0.1


def before(bench: Bench) -> ArmResult:
    """Return the target itself, before any step."""
    return ArmResult("before", 0, "before", 0, **_measure(bench, bench.load()))


def knows(bench: Bench, summary: Mapping[str, Any]) -> bool:
    """Return whether the summary from before any step has facts that could be forgotten below the bound."""
    joint = summary.get("fact_joint")
    return joint is None or joint >= bench.equal_below


def run_arm(
    bench: Bench, table: pd.DataFrame, chosen: Mask, arm: Arm, seed: int, known: bool = True
) -> Iterator[ArmResult | StepDone | EvalDone]:
    """Yield the arm's training events, with an ArmResult at equal forgetting and one at the last step.

    `chosen` is the mask, on the rows of `table`, that the arm is (or is a control of). Facts that were not
    `known` before cannot be forgotten equally: there is no such ArmResult then. A rival is measured once, as
    it is made: it takes no step.
    """
    if arm.tokens in RIVALS:
        rival = _rival(bench, arm.tokens, seed)
        yield ArmResult(arm.tokens, seed, LAST, 0, **_measure(bench, rival))
        return
    config = replace(bench.config, seed=seed, eval_every=1, stop_fact_below=0.0)
    if arm.method:
        config = replace(config, objective=arm.method, objective_settings={})
    model = with_fresh_lora(bench.load(), config)
    weights = arm_weights(table, chosen, arm.tokens, seed)
    met = not known
    step, seconds = 0, 0.0
    tokens = {0: 0}  # trained so far, by step

    def measured(moment: str) -> ArmResult:
        return ArmResult(
            arm.tokens,
            seed,
            moment,
            step,
            method=arm.method,
            seconds=seconds,
            norm=lora_of(model.model).norm,
            tokens=tokens[step],
            **_measure(bench, model),
        )

    for event in train(model, bench.forget, bench.retain, weights, config):
        if isinstance(event, StepDone):
            assert event.tokens is not None  # only what earlier versions wrote lacks it
            step, seconds = event.step, seconds + event.seconds
            tokens[step] = tokens[step - 1] + event.tokens
            yield event
        elif isinstance(event, EvalDone):
            yield event
            joint = event.fact_joint
            if not met and joint is not None and joint < bench.equal_below:
                met = True
                yield measured(EQUAL)
        elif isinstance(event, Diverged):
            step = event.kept_step
    yield measured(LAST)


def _rival(bench: Bench, name: str, seed: int) -> LanguageModel:
    """Return the rival over the target, at its default settings but for the seed, where it has one."""
    seeded = any(info.name == "seed" for info in describe(RIVALS[name].settings))
    return make_rival(name, bench.load(), _rows(bench), {"seed": seed} if seeded else {})


def _rows(bench: Bench) -> Splits:
    return Splits(*map(tuple, (bench.forget, bench.retain, bench.world)))


def _measure(bench: Bench, model: LanguageModel) -> dict[str, Any]:
    settings = ProbeSettings(truth_ratio=False, max_new_tokens=24, paraphrased_answers=0)
    report = probe_report(model, _rows(bench), settings)
    by_row = {name: report["by_row"][name] for name in COMPARED}
    return {"summary": report["summary"], "answers": report["answers"], "by_row": by_row}


def arms_table(results: Sequence[ArmResult]) -> pd.DataFrame:
    """Return one line per moment, arm and method: mean and spread (highest − lowest) over seeds."""
    records = [
        {"arm": r.arm, "method": r.method, "moment": r.moment, "seed": r.seed, "step": r.step}
        | {"seconds": r.seconds, "norm": r.norm, "tokens": r.tokens}
        | {name: r.summary.get(name) for name in COMPARED}
        for r in results
    ]
    grouped = pd.DataFrame(records).groupby(["moment", "arm", "method"], sort=False)
    lines = []
    for (moment, arm, method), group in grouped:
        line: dict[str, Any] = {
            "moment": moment,
            "arm": arm,
            "method": method,
            "seeds": len(group),
            "step": group["step"].mean(),
            **{name: group[name].astype(float).mean() for name in ("seconds", "norm", "tokens")},
        }
        for name in COMPARED:
            values = group[name].dropna().astype(float)
            line[name] = values.mean() if len(values) else float("nan")
            line[f"{name}_spread"] = values.max() - values.min() if len(values) else float("nan")
        lines.append(line)
    return pd.DataFrame(lines)
