"""Relearning: how many steps of plain training bring the facts back, and those of rows not trained on.

Source: Hu et al. 2406.13356: an unlearned model is fine-tuned on a part of the forgotten text, and the rest
is asked for. A fresh LoRA learns a few of the forgotten rows, by the cross-entropy times `LOSS_WEIGHT`,
which matters to Adam only where the gradient's norm is clipped to 1; after every step the
joint probability of the fact is measured on these rows and on the held-out ones. The same on a model that
never knew says what the rows teach by themselves; it lacks the form of the answers too, so sooner than there
is a hint, no proof.
"""

import math
import shutil
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from tokenunlearn.attacks.entry import Attack, Subject
from tokenunlearn.data.rows import Row
from tokenunlearn.errors import InputError
from tokenunlearn.metrics.facts import fact_probability
from tokenunlearn.models.language_model import LanguageModel
from tokenunlearn.models.loading import LoadedModel
from tokenunlearn.settings import check, setting, to_dict
from tokenunlearn.training.config import TrainConfig
from tokenunlearn.training.events import AttackDone, AttackStep, Diverged, StepDone
from tokenunlearn.training.loop import train
from tokenunlearn.training.session import with_fresh_lora

UNLEARNED, NEVER_KNEW = "unlearned", "never knew"
# Before the gradients are clipped to norm 1: more steps are clipped than at 1. The figures are measured so.
LOSS_WEIGHT: Final = 5.0
PARTS: Final[Mapping[str, str]] = MappingProxyType(
    {"trained": "rows trained on", "held_out": "held-out rows"}
)
COLUMNS: Final[Mapping[str, str]] = MappingProxyType({name: f"Fact, {of}" for name, of in PARTS.items()})
NAME: Final = "relearning"


@dataclass(frozen=True)
class RelearnSettings:
    """Settings of relearning."""

    rows: int = setting(5, low=1, high=256, step=1, unit="rows", help="Forgotten rows to train on")
    steps: int = setting(10, low=1, high=500, step=1, unit="steps", help="Steps, all these rows in each")
    learning_rate: float = setting(1e-3, low=1e-6, high=1e-1, step=1e-5, help="Adam's learning rate")
    rank: int = setting(8, low=1, high=256, step=1, help="Rank of the fresh LoRA, on every layer")
    bound: float = setting(
        0.5, low=0.01, high=1, step=0.01, help="Mean joint probability at which the facts count as back"
    )
    control: bool = setting(True, help="Relearn on a model that never knew as well")
    seed: int = setting(0, low=0, high=2**31 - 1, step=1, help="Seed of the rows and of the LoRA's start")

    def __post_init__(self) -> None:
        check(self)


def relearn(subject: Subject, settings: RelearnSettings) -> Generator[AttackStep | AttackDone]:
    """Yield the facts after each step, before any step first, on each model; then the result.

    Raises InputError, before any model is loaded, where no row is left to hold out.
    """
    trained, held_out = parts(subject.rows.forget, settings)
    loads = {UNLEARNED: subject.unlearned}
    if settings.control and subject.never_knew is not None:
        loads[NEVER_KNEW] = subject.never_knew
    found = {event.step: event for event in subject.earlier}  # of a step that was done twice, the later
    length = settings.steps + 1
    total = length * len(loads)
    for number, (name, load) in enumerate(loads.items()):
        first = number * length + 1
        there = [found[step] for step in range(first, first + length) if step in found]
        if len(there) == length or any(event.diverged for event in there):
            continue
        folder = subject.folder / name.replace(" ", "-")
        if first not in found:  # a checkpoint without what was measured up to it is of no use
            shutil.rmtree(folder, ignore_errors=True)
        began = time.perf_counter()
        for taken, figures in _steps(load(), trained, held_out, settings, folder, first in found):
            seconds, began = time.perf_counter() - began, time.perf_counter()
            stopped, figures = figures is None, figures or dict.fromkeys(COLUMNS)
            found[first + taken] = AttackStep(first + taken, total, name, taken, figures, seconds, stopped)
            yield found[first + taken]
    curve = [found[step] for step in sorted(found) if not found[step].diverged]
    diverged = {event.model: event.taken for event in found.values() if event.diverged}
    yield AttackDone(total, result(curve, list(loads), settings, trained, held_out, diverged))


def _steps(
    loaded: LoadedModel,
    trained: Sequence[Row],
    held_out: Sequence[Row],
    settings: RelearnSettings,
    folder: Path,
    begun: bool,
) -> Iterator[tuple[int, dict[str, float | None] | None]]:
    """Yield (steps taken, figures) as a fresh LoRA learns, from the checkpoint on; at divergence a last None.

    A model that was `begun` with is not measured before its first step again.
    """
    config = TrainConfig(
        steps=settings.steps,
        learning_rate=settings.learning_rate,
        retain_weight=LOSS_WEIGHT,
        retain_batch=len(trained),
        layer_share=1.0,
        rank=settings.rank,
        lora_alpha=2.0 * settings.rank,
        retain_bound=20.0,
        eval_every=1000,
        seed=settings.seed,
    )
    student = with_fresh_lora(loaded, config)

    def facts() -> dict[str, float | None]:
        return {"trained": mean_fact(student, trained), "held_out": mean_fact(student, held_out)}

    if not begun:
        yield 0, facts()
    for event in train(student, [], trained, None, config, folder):
        if isinstance(event, StepDone):
            yield event.step, facts()
        elif isinstance(event, Diverged):
            yield event.step, None


def parts(rows: Sequence[Row], settings: RelearnSettings) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """Return the rows to train on and those held out: a seeded choice of the rows that have gold.

    Raises InputError where none would be left to hold out.
    """
    known = [row for row in rows if row.gold]
    if len(known) <= settings.rows:
        raise InputError(
            f"{len(known)} forgotten rows have gold, and {settings.rows} are to be trained on",
            "At least one is held out, to see what comes back with them",
            "Train on fewer: --set rows=1",
            NAME,
        )
    order = np.random.default_rng(settings.seed).permutation(len(known))
    picked = set(order[: settings.rows].tolist())
    return (
        tuple(row for at, row in enumerate(known) if at in picked),
        tuple(row for at, row in enumerate(known) if at not in picked),
    )


def mean_fact(model: LanguageModel, rows: Sequence[Row]) -> float | None:
    """Return the joint probability of the fact, mean over rows; None where it was not measured."""
    scored = model.token_log_probs([(row.question, row.answer) for row in rows])
    facts = [
        fact_probability(row.answer, tokens, row.gold, row.subject).joint
        for row, tokens in zip(rows, scored, strict=True)
    ]
    mean = float(np.mean(facts))
    return mean if math.isfinite(mean) else None


def back_after(curve: Sequence[AttackStep], model: str, figure: str, bound: float) -> int | None:
    """Return after how many steps a figure of a model is at the bound for the first time.

    None where it is not within the steps that were measured. 0: it was there before any step, so that
    nothing had to come back.
    """
    reached = (
        event.taken
        for event in sorted(curve, key=lambda event: event.taken)
        if event.model == model and (event.figures[figure] or 0.0) >= bound
    )
    return next(reached, None)


def result(
    curve: Sequence[AttackStep],
    models: Sequence[str],
    settings: RelearnSettings,
    trained: Sequence[Row],
    held_out: Sequence[Row],
    diverged: Mapping[str, int],
) -> dict[str, Any]:
    """Return what attacks.json keeps: settings, rows, the curve, steps until back, and sentences."""
    back = {
        model: {figure: back_after(curve, model, figure, settings.bound) for figure in COLUMNS}
        for model in models
    }
    says = [
        f"{len(trained)} forgotten rows trained on, {len(held_out)} held out, "
        f"learning rate {settings.learning_rate:g}, LoRA of rank {settings.rank}; "
        f"back means a mean joint probability of {settings.bound:g}."
    ]
    for model in models:
        taken = max((event.taken for event in curve if event.model == model), default=0)
        words = [f"{PARTS[figure]}: {_when(step, taken)}" for figure, step in back[model].items()]
        stop = f" Training diverged at step {diverged[model]}." if model in diverged else ""
        says.append(f"{_title(model)}: {'; '.join(words)}.{stop}")
    if NEVER_KNEW not in models:
        says.append("Relearning by a model that never knew: not measured.")
    return {
        "attack": NAME,
        "label": ATTACKS[NAME].label,
        "settings": to_dict(settings),
        "rows": {"trained": [row.id for row in trained], "held_out": [row.id for row in held_out]},
        "back_after": back,
        "columns": dict(COLUMNS),
        "curve": [
            {"model": event.model, "taken": event.taken, "figures": dict(event.figures)} for event in curve
        ],
        "says": says,
    }


def _title(model: str) -> str:
    return "The unlearned model" if model == UNLEARNED else "A model that never knew"


def _when(step: int | None, taken: int) -> str:
    if step == 0:
        return "already there before the first step"
    count = taken if step is None else step
    steps = f"{count} step{'' if count == 1 else 's'}"
    return f"not back within {steps}" if step is None else f"back after {steps}"


ATTACKS: Final[Mapping[str, Attack]] = MappingProxyType(
    {
        NAME: Attack(
            "Relearning",
            relearn,
            RelearnSettings,
            ("forget", "gold"),
            "Trains on some of the forgotten rows and counts the steps until the facts are back",
            "Hu et al. 2406.13356",
        ),
    }
)
