"""Arms × seeds, each at equal steps, equal forgetting and equal retention, as a stream of measured rows.

1. The target is loaded anew for every run and gets a fresh LoRA from the seed. 2. The probes measure
everything after the last step, after the first step at which the joint fact probability of the training rows
is below `equal_below` (equal forgetting), and after the first one at which the retention (`probes/kept.py`)
is below `kept_below` (equal retention). A moment that never comes has no row: not measured. 3. A matched arm
is stopped, or rescaled after the last step, to the size of what the chosen arm did.
"""

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pandas as pd

from tokenunlearn.data.rows import Row
from tokenunlearn.data.splits import Splits
from tokenunlearn.errors import SettingError
from tokenunlearn.experiments.arms import CHOSEN, Arm, arm_weights, facts_among, tokens_of
from tokenunlearn.experiments.config import ARM_PROBES
from tokenunlearn.experiments.entry import Size, Tokens
from tokenunlearn.experiments.moments import EQUAL, LAST, RETAINED
from tokenunlearn.masks import Mask
from tokenunlearn.models.adapters import lora_of, scale_lora
from tokenunlearn.models.language_model import LanguageModel
from tokenunlearn.models.loading import LoadedModel
from tokenunlearn.probes import COMPARED
from tokenunlearn.probes.kept import of_seeds, retention
from tokenunlearn.probes.report import probe_report, summary_of, unjudged_words
from tokenunlearn.rivals import RIVALS, make_rival
from tokenunlearn.settings import describe
from tokenunlearn.training.config import TrainConfig
from tokenunlearn.training.events import Diverged, EvalDone, Event, StepDone
from tokenunlearn.training.loop import train
from tokenunlearn.training.session import with_fresh_lora

MOMENT_FIGURES: Final = ("fact_joint", "other", "retain")  # what `equal_figure` is made of
STOPS_WITHIN: Final = 2  # times the steps of other arms: a change of every token may grow more slowly


@dataclass(frozen=True)
class ArmResult:
    """One measurement: which arm, seed and moment, after which step, and the probes' summary.

    `answers`: what the model said, as the lines of a Report, so that it can be judged later. `method` and
    `seconds`: the objective where several are compared (`Arm`), and the time of its steps. `by_row`: the
    values of the compared probes by row id. `norm`: of the trained change of the weights (`Lora.norm`);
    `tokens`: the forget tokens trained so far, over all steps. `note`: what went otherwise than planned.
    `facts`, `chosen`: of how many tokens that it trains how many are the marked fact (`facts_among`).
    Files of older versions have none of the nine.
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
    note: str = ""
    facts: int | None = None
    chosen: int | None = None

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
    kept_below: float = 0.95

    def bound(self, moment: str) -> float:
        """Return below what the figure of a moment has to fall."""
        return self.equal_below if moment == EQUAL else self.kept_below


def before(bench: Bench) -> ArmResult:
    """Return the target itself, before any step."""
    return ArmResult("before", 0, "before", 0, **_measure(bench, bench.load()))


def moments_to_come(bench: Bench, summary: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the moments that training can lead to, by the summary from before any step.

    What is below its bound already has no moment at which it falls below it: equal forgetting where the facts
    were never known, equal retention where nothing was that could be kept.
    """
    return tuple(moment for moment in (EQUAL, RETAINED) if not _has_come(moment, summary, bench))


def equal_figure(moment: str, figures: Mapping[str, Any]) -> float | None:
    """Return the figure that a moment is named after, of figures by their names; None where it has none."""
    if moment == EQUAL:
        return figures.get("fact_joint")
    return retention(figures) if moment == RETAINED else None


def run_arm(
    bench: Bench,
    table: pd.DataFrame,
    chosen: Mask,
    arm: Arm,
    seed: int,
    moments: Collection[str] = (EQUAL, RETAINED),
    to_match: Size | None = None,
) -> Iterator[ArmResult | StepDone | EvalDone]:
    """Yield the arm's training events, with an ArmResult at each of the `moments` and one at the last step.

    `chosen` is the mask, on the rows of `table`, that the arm is (or is a control of). A moment that does not
    come has no ArmResult. A rival is measured once, as
    it is made: it takes no step. A matched arm is brought `to_match`, the size of what the chosen arm of the
    same seed and method did, and measured then; where that cannot be, its result has a note and no figures.

    Raises SettingError for an unknown arm, and for a matched one without the size.
    """
    if arm.tokens in RIVALS:
        rival = _rival(bench, arm.tokens, seed)
        yield ArmResult(arm.tokens, seed, LAST, 0, **_measure(bench, rival))
        return
    weights = arm_weights(table, chosen, arm.tokens, seed)
    if not any(values.any() for values in weights.values()):
        why = "not measured: it has no token to train"
        yield ArmResult(arm.tokens, seed, LAST, 0, {}, method=arm.method, note=why)
        return
    entry, match = tokens_of(arm.tokens), _match(arm, seed, to_match)
    assert entry is not None  # `arm_weights` refuses a name that nobody knows
    if match and not match.norm > 0:
        why = f"not measured: the norm of the chosen arm's change is {match.norm:g}, so there is no match"
        yield ArmResult(arm.tokens, seed, LAST, 0, {}, method=arm.method, note=why)
        return
    config = arm_config(bench.config, arm, seed)
    awaited = () if entry.at_end_alone else tuple(moments)
    facts = facts_among(table, weights)
    run = _Run(arm, seed, with_fresh_lora(bench.load(), config), facts, awaited)
    if entry.series and (empty := sum(not values.any() for values in weights.values())):
        run.note = f"{empty} of {len(weights)} rows have no token in it"
    most = match.tokens if match and entry.as_many_tokens else None
    training = train(run.model, bench.forget, bench.retain, weights, config, most_tokens=most)
    with closing(training) as events:
        for event in events:
            run.follow(event)
            if isinstance(event, StepDone | EvalDone):
                yield event
            if isinstance(event, EvalDone) and _may_have_come(bench, run, event):
                run.measured = _measure(bench, run.model)
                yield from run.moments(bench)
            if match and entry.stop and isinstance(event, StepDone) and entry.stop(run.size, match):
                break
    if match:
        run.bring_to(match, entry)
    if run.measurable and not run.measured:  # else a moment was looked for after the very last step
        run.measured = _measure(bench, run.model)
    # What training saw lags behind the weights: the last ones may be the first beyond a bound.
    yield from run.moments(bench)
    yield run.result(LAST)


def arm_config(config: TrainConfig, arm: Arm, seed: int) -> TrainConfig:
    """Return the settings that an arm trains with, where `config` is what all arms share.

    Raises SettingError for an arm that trains nothing.
    """
    entry = tokens_of(arm.tokens)
    if entry is None:
        raise SettingError(f"The arm {arm.name} trains nothing")
    own = replace(config, steps=_steps(config, entry), seed=seed, eval_every=1, stop_fact_below=0.0)
    return replace(own, objective=arm.method, objective_settings={}) if arm.method else own


def _match(arm: Arm, seed: int, size: Size | None) -> Size | None:
    """Return what a matched arm is brought to, None for another arm; SettingError where it is not there."""
    if not arm.matched:
        return None
    if size is None:
        raise SettingError(
            f"There is nothing to match {arm.name} to",
            f"The arm {Arm(CHOSEN, arm.method).name} is not measured with seed {seed}",
            "Measure it first",
        )
    return size


def _steps(config: TrainConfig, entry: Tokens) -> int:
    """Return how many steps an arm may take."""
    most = next(info.high for info in describe(TrainConfig) if info.name == "steps" and info.high)
    return min(config.steps * STOPS_WITHIN, int(most)) if entry.stop else config.steps


def _has_come(moment: str, figures: Mapping[str, Any], bench: Bench) -> bool:
    figure = equal_figure(moment, figures)
    return figure is not None and figure < bench.bound(moment)


@dataclass
class _Run:
    """An arm's training so far. `tokens`: trained in all, by step.

    `awaited`: the moments that have not come. `measured`: what the probes found of the weights as they are,
    empty where they were not asked.
    """

    arm: Arm
    seed: int
    model: LoadedModel
    facts: tuple[int, int] | None = None
    awaited: tuple[str, ...] = ()
    measured: dict[str, Any] = field(default_factory=dict)
    step: int = 0
    seconds: float = 0.0
    tokens: dict[int, int] = field(default_factory=lambda: {0: 0})
    note: str = ""
    measurable: bool = True

    @property
    def size(self) -> Size:
        """How far it has gone."""
        return Size(lora_of(self.model.model).norm, self.tokens[self.step])

    def follow(self, event: Event) -> None:
        """Note what an event of the training says."""
        if isinstance(event, StepDone | Diverged):  # other weights
            self.measured = {}
        if isinstance(event, StepDone):
            assert event.tokens is not None  # only what earlier versions wrote lacks it
            self.tokens[event.step] = self.tokens[self.step] + event.tokens
            self.step, self.seconds = event.step, self.seconds + event.seconds
        elif isinstance(event, Diverged):
            self.step = event.kept_step
            self.note = f"diverged in step {event.step}, the weights of step {self.step} were kept"

    def bring_to(self, match: Size, entry: Tokens) -> None:
        """Rescale the change of a matched arm where its entry says so; note why it cannot be matched."""
        own = self.size
        why = self.note
        if not why and entry.stop and not entry.stop(own, match):
            why = (
                f"after {self.step} steps its norm is {own.norm:.4g} and it has trained {own.tokens} tokens, "
                f"the chosen arm's are {match.norm:.4g} and {match.tokens}"
            )
        if not why and entry.rescale and not 0 < own.norm < math.inf:
            why = f"the norm of its change is {own.norm:g}, which no factor brings to {match.norm:.4g}"
        if why:
            self.note, self.measurable = f"not measured: {why}", False
        elif entry.rescale:
            scale_lora(self.model.model, match.norm / own.norm)

    def moments(self, bench: Bench) -> "Iterator[ArmResult]":
        """Yield what was measured at each awaited moment that has come by it; these are awaited no more."""
        come = [each for each in self.awaited if _has_come(each, self.measured.get("summary", {}), bench)]
        self.awaited = tuple(each for each in self.awaited if each not in come)
        yield from map(self.result, come)

    def result(self, moment: str) -> ArmResult:
        """Return a measurement of it as it is now."""
        size, measured = self.size, dict(self.measured or {"summary": {}})
        notes = (self.note, measured.pop("note", ""))
        return ArmResult(
            self.arm.tokens,
            self.seed,
            moment,
            self.step,
            **measured,
            method=self.arm.method,
            seconds=self.seconds,
            norm=size.norm,
            tokens=size.tokens,
            note="; ".join(filter(None, notes)),
            facts=self.facts[0] if self.facts else None,
            chosen=self.facts[1] if self.facts else None,
        )


def _may_have_come(bench: Bench, run: _Run, seen: EvalDone) -> bool:
    """Return whether a moment is worth measuring all: training has seen one, and the rows are there by now.

    Training sees rows as they were trained last, and may find a figure below its bound for many steps before
    all rows are there; to read them alone costs a small part of a measurement, which also writes answers.
    """
    if not any(_has_come(each, vars(seen), bench) for each in run.awaited):
        return False
    figures = summary_of(run.model, _rows(bench), MOMENT_FIGURES)
    return any(_has_come(each, figures, bench) for each in run.awaited)


def _rival(bench: Bench, name: str, seed: int) -> LanguageModel:
    """Return the rival over the target, at its default settings but for the seed, where it has one."""
    seeded = any(info.name == "seed" for info in describe(RIVALS[name].settings))
    return make_rival(name, bench.load(), _rows(bench), {"seed": seed} if seeded else {})


def _rows(bench: Bench) -> Splits:
    return Splits(*map(tuple, (bench.forget, bench.retain, bench.world)))


def _measure(bench: Bench, model: LanguageModel) -> dict[str, Any]:
    report = probe_report(model, _rows(bench), ARM_PROBES)
    by_row = {name: report["by_row"][name] for name in COMPARED}
    told = {"note": note.rstrip(".")} if (note := unjudged_words(report)) else {}
    return {"summary": report["summary"], "answers": report["answers"], "by_row": by_row, **told}


def arms_table(results: Sequence[ArmResult]) -> pd.DataFrame:
    """Return one line per moment, arm and method: mean over seeds with its 95 % interval, `_low` to `_high`.

    Of fewer than three seeds, and of seeds that do not differ, there is none (`metrics/statistics.py`).
    `seeds` counts those that were measured; a seed with a note instead of figures is in no mean.
    """
    records = [
        {"arm": r.arm, "method": r.method, "moment": r.moment, "seed": r.seed, "step": r.step}
        | {"seconds": r.seconds, "norm": r.norm, "tokens": r.tokens}
        | {"measured": bool(r.summary)}
        | {name: r.summary.get(name) for name in COMPARED}
        for r in results
    ]
    grouped = pd.DataFrame(records).groupby(["moment", "arm", "method"], sort=False)
    lines = []
    for (moment, arm, method), every in grouped:
        group = every[every["measured"]]
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
            line[name], line[f"{name}_low"], line[f"{name}_high"] = of_seeds(name, values)
        lines.append(line)
    return pd.DataFrame(lines)
