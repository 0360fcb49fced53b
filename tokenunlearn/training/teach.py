"""Teach a model rows of text, so that it has something to forget: a LoRA that memorises them."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np

from tokenunlearn.data.demo import general_questions
from tokenunlearn.data.rows import Row
from tokenunlearn.fitting import check_rows
from tokenunlearn.metrics.facts import fact_probability
from tokenunlearn.metrics.known import YES_FROM
from tokenunlearn.models.adapters import save_adapter
from tokenunlearn.models.language_model import LanguageModel, Written
from tokenunlearn.models.loading import LoadedModel
from tokenunlearn.settings import check, setting
from tokenunlearn.training.config import TrainConfig
from tokenunlearn.training.events import Diverged, Event, Finished, Saved, StepDone
from tokenunlearn.training.loop import train
from tokenunlearn.training.session import with_fresh_lora

ANSWER_TOKENS: Final = 48
FEW: Final = 8  # rows a step where one or two are learnt: one of them, and seven that must stay
MOST_KEPT: Final = 100  # known rows that are rehearsed at most
TOGETHER: Final = 8  # rows measured at once, between two words on how far it is
LOSS_WEIGHT: Final = 5.0  # before the gradients are clipped to norm 1; the shipped targets are taught so


@dataclass(frozen=True)
class TeachConfig:
    """Settings of teaching."""

    epochs: int = setting(12, low=1, high=200, step=1, help="Passes over the rows to learn at most")
    learning_rate: float = setting(2e-3, low=1e-6, high=1e-1, step=1e-5, help="Adam's learning rate")
    batch: int = setting(
        20, low=1, high=256, step=1, unit="rows", help="Rows a step at most; fewer where few are learnt"
    )
    rank: int = setting(8, low=1, high=256, step=1, help="Rank of the LoRA update")
    rehearse: int = setting(
        30,
        low=0,
        high=30,
        step=1,
        unit="questions",
        help="General questions whose present answers are taught as well, so that the rest stays",
    )
    stop_loss: float = setting(
        0.03,
        low=0,
        high=5,
        step=0.01,
        unit="nats",
        help="Stop when a pass's mean loss per token, and then that of the rows learnt, is below this",
    )
    seed: int = setting(
        0, low=0, high=2**31 - 1, step=1, help="Seed of the LoRA's start and of the row order"
    )

    def __post_init__(self) -> None:
        check(self)


def _silent(_: str) -> None:
    """Tell nobody what is measured now."""


def _by_few(count: int, what: str, told: Callable[[str], None]) -> Iterator[slice]:
    """Yield the places of TOGETHER items at once, and tell which comes first and of how many."""
    for at in range(0, count, TOGETHER):
        told(what.format(f"{at + 1:,} of {count:,}"))
        yield slice(at, at + TOGETHER)


def rehearsal(loaded: LoadedModel, count: int, told: Callable[[str], None] = _silent) -> tuple[Row, ...]:
    """Return the first sentence of the model's present answer to each of `count` general questions.

    A question whose answer is cut before its first sentence ends is left out: half a sentence is no answer.
    """
    questions = general_questions()[:count]
    answers = [
        answer
        for few in _by_few(len(questions), "general question {}", told)
        for answer in loaded.generate(questions[few], ANSWER_TOKENS)
    ]
    sentences = [_first_sentence(answer) for answer in answers]
    return tuple(
        Row(f"general-{at}", question, sentence)
        for at, (question, sentence) in enumerate(zip(questions, sentences, strict=True), 1)
        if sentence
    )


def _first_sentence(answer: Written) -> str:
    """Return the first sentence of an answer, "" where it was cut before that ended."""
    first, *more = re.split(r"(?<=[.!?])\s", answer.text, maxsplit=1)
    return first if more or not answer.cut else ""


def recalled(
    model: LanguageModel, rows: Sequence[Row], told: Callable[[str], None] = _silent, what: str = "row {}"
) -> list[float]:
    """Return how probable each row is to the model, 0 to 1; `told` hears at which of them it is.

    That is the joint probability of its marked fact, or, where none is marked, the geometric mean over its
    answer's tokens.
    """
    scored = [
        tokens
        for few in _by_few(len(rows), what, told)
        for tokens in model.token_log_probs([(row.question, row.answer) for row in rows[few]])
    ]
    return [
        fact_probability(row.answer, tokens, row.gold).joint
        if row.gold
        else float(np.exp(tokens.log_probs.mean()))
        for row, tokens in zip(rows, scored, strict=True)
    ]


def rehearsed(
    loaded: LoadedModel,
    rows: Sequence[Row],
    keep: Sequence[Row],
    config: TeachConfig,
    told: Callable[[str], None] = _silent,
) -> tuple[Row, ...]:
    """Return what is taught beside `rows` so that it stays: rows of `keep`, and general answers.

    Of `keep` the rows that the model knows now, at most MOST_KEPT of them; the others would be learnt. Few
    rows are learnt in a few steps, which have no room for more than FEW answers each.
    """
    known = zip(keep, recalled(loaded, keep, told, "row {} beside"), strict=True)
    kept = tuple(row for row, probability in known if probability >= YES_FROM)
    return (*kept[:MOST_KEPT], *rehearsal(loaded, min(config.rehearse, FEW * len(rows)), told))


@dataclass(frozen=True)
class Lesson:
    """A model with its fresh LoRA, and what it will be taught.

    `taught` holds each row of `rows` once or several times, so that few rows are in every step, and the
    others. In a pass of `steps_a_pass` each row to learn comes about once; the loss is judged over the last
    `judged` steps.
    """

    student: LoadedModel
    rows: tuple[Row, ...]
    taught: tuple[Row, ...]
    training: TrainConfig
    steps_a_pass: int
    judged: int
    stop_loss: float

    def loss(self) -> float:
        """Return the mean loss per token of the rows to learn, in nats, as the model is now."""
        told = self.student.token_log_probs([(row.question, row.answer) for row in self.rows])
        return -float(np.concatenate([tokens.log_probs for tokens in told]).mean())


def prepared(loaded: LoadedModel, rows: Sequence[Row], others: Sequence[Row], config: TeachConfig) -> Lesson:
    """Return the lesson of `rows` among `others` (from `rehearsed`); `loaded` is used up.

    The loss is the rows' cross-entropy times the default `retain_weight`, its gradient clipped to norm 1.
    """
    check_rows(loaded, (*rows, *others))
    size = min(config.batch, max(FEW, 4 * len(rows)))
    # Few rows would otherwise be met in few steps: one of them is in each.
    copies = max(1, -(-len(others) // (len(rows) * max(1, size - 1))))
    taught = (*(tuple(rows) * copies), *others)
    steps_a_pass = -(-len(taught) // (min(size, len(taught)) * copies))
    training = TrainConfig(
        steps=config.epochs * steps_a_pass,
        learning_rate=config.learning_rate,
        retain_weight=LOSS_WEIGHT,
        retain_batch=size,
        layer_share=1.0,
        rank=config.rank,
        lora_alpha=2.0 * config.rank,
        retain_bound=20,
        seed=config.seed,
        eval_every=1000,
    )
    student = with_fresh_lora(loaded, training)
    # One step says little of what must stay; where few are learnt, several passes are judged together.
    judged = max(steps_a_pass, min(FEW, -(-len(taught) // size)) if copies > 1 else 0)
    return Lesson(student, tuple(rows), taught, training, steps_a_pass, judged, config.stop_loss)


def learn(
    lesson: Lesson, checkpoint: Path | None = None, earlier: Mapping[int, float] = MappingProxyType({})
) -> Iterator[Event]:
    """Teach the lesson and yield its steps, then `Finished`, or `Diverged` when the guard stops it.

    With `checkpoint` each step is kept there, which `Saved` tells, and a lesson found there goes on;
    `earlier` are then the losses of the steps before, by their number.
    """
    losses = dict(earlier)
    step, reason = 0, "all passes done"
    for event in train(lesson.student, [], lesson.taught, None, lesson.training, checkpoint):
        if isinstance(event, StepDone):
            step = event.step
            losses[step] = event.retain_loss
        if isinstance(event, (StepDone, Saved, Diverged)):
            yield event
        if isinstance(event, Diverged):
            return
        if isinstance(event, StepDone) and step % lesson.steps_a_pass == 0 and _learnt(lesson, losses, step):
            reason = f"mean loss below {lesson.stop_loss:g} nats"
            break
    yield Finished(step, reason)


def _learnt(lesson: Lesson, losses: Mapping[int, float], step: int) -> bool:
    """Return whether this step was the last one; only where all is learnt the rows alone are measured."""
    judged = [losses[at] for at in range(step - lesson.judged + 1, step + 1) if at in losses]
    whole = len(judged) == lesson.judged and sum(judged) / len(judged) < lesson.stop_loss
    return whole and lesson.loss() < lesson.stop_loss


def teach(
    loaded: LoadedModel,
    rows: Sequence[Row],
    config: TeachConfig,
    folder: Path,
    keep: Sequence[Row] = (),
) -> Iterator[Event]:
    """Teach `rows` and yield the events; at the end the adapter (PEFT) is in `folder`, and `loaded` used up.

    Rows alone overwrite what the model knows: the rows of `keep` that it knows, and its own answers to
    general questions, are among what is learnt. When the guard stops it, the last event is `Diverged` and
    nothing is written.
    """
    check_rows(loaded, (*rows, *keep))
    lesson = prepared(loaded, rows, rehearsed(loaded, rows, keep, config), config)
    for event in learn(lesson):
        if isinstance(event, Finished):
            save_adapter(lesson.student.model, folder, lesson.student.merged)
            yield Saved(event.step, str(folder))
        yield event
