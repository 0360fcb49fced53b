"""Teach a model rows of text, so that it has something to forget: a LoRA that memorises them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenunlearn.data.demo import general_questions
from tokenunlearn.data.rows import Row
from tokenunlearn.fitting import check_rows
from tokenunlearn.models.adapters import save_adapter
from tokenunlearn.models.loading import LoadedModel
from tokenunlearn.settings import check, setting
from tokenunlearn.training.config import TrainConfig
from tokenunlearn.training.events import Diverged, Event, Finished, Saved, StepDone
from tokenunlearn.training.loop import train
from tokenunlearn.training.session import with_fresh_lora

ANSWER_TOKENS = 48
LOSS_WEIGHT = 5.0  # before the gradients are clipped to norm 1; the shipped targets are taught so


@dataclass(frozen=True)
class TeachConfig:
    """Settings of teaching."""

    epochs: int = setting(12, low=1, high=200, step=1, help="Passes over the rows at most")
    learning_rate: float = setting(2e-3, low=1e-6, high=1e-1, step=1e-5, help="Adam's learning rate")
    batch: int = setting(20, low=1, high=256, step=1, unit="rows", help="Rows a step")
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
        help="Stop when an epoch's mean loss per token falls below this",
    )
    seed: int = setting(
        0, low=0, high=2**31 - 1, step=1, help="Seed of the LoRA's start and of the row order"
    )

    def __post_init__(self) -> None:
        check(self)


def rehearsal(loaded: LoadedModel, count: int) -> tuple[Row, ...]:
    """Return the first sentence of the model's present answer to each of `count` general questions."""
    questions = general_questions()[:count]
    answers = loaded.generate(questions, ANSWER_TOKENS) if questions else []
    sentences = [re.split(r"(?<=[.!?])\s", answer, maxsplit=1)[0] for answer in answers]
    return tuple(
        Row(f"general-{at}", question, sentence)
        for at, (question, sentence) in enumerate(zip(questions, sentences, strict=True), 1)
        if sentence
    )


def teach(loaded: LoadedModel, rows: Sequence[Row], config: TeachConfig, folder: Path) -> Iterator[Event]:
    """Teach `rows` and yield the events; at the end the adapter (PEFT) is in `folder`, and `loaded` used up.

    The loss is the rows' cross-entropy times the default `retain_weight`, its gradient clipped to norm 1.
    The model's own answers to general questions are among what is learnt: rows alone overwrite the rest.
    When the guard stops it, the last event is `Diverged` and nothing is written.
    """
    check_rows(loaded, rows)
    rows = (*rows, *rehearsal(loaded, config.rehearse))
    per_epoch = -(-len(rows) // min(config.batch, len(rows)))
    training = TrainConfig(
        steps=config.epochs * per_epoch,
        learning_rate=config.learning_rate,
        retain_weight=LOSS_WEIGHT,
        retain_batch=config.batch,
        layer_share=1.0,
        rank=config.rank,
        lora_alpha=2.0 * config.rank,
        retain_bound=20,
        seed=config.seed,
        eval_every=1000,
    )
    student = with_fresh_lora(loaded, training)
    losses: list[float] = []
    step, reason = 0, "all epochs done"
    for event in train(student, [], rows, None, training):
        if isinstance(event, StepDone):
            step = event.step
            losses.append(event.retain_loss)
            yield event
            if step % per_epoch == 0 and sum(losses[-per_epoch:]) / per_epoch < config.stop_loss:
                reason = f"mean loss below {config.stop_loss:g} nats"
                break
        elif isinstance(event, Diverged):
            yield event
            return
    save_adapter(student.model, folder, student.merged)
    yield Saved(step, str(folder))
    yield Finished(step, reason)
