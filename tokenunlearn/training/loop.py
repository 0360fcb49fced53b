"""The only training loop of the project: a generator of events that the caller drives.

1. Encode the rows, cache the reference log-probs. 2. Each step: forget term and retain term over seeded
batches, each process on its share, gradients and counts summed over processes. 3. Guard: on divergence the
last good weights come back. 4. Every `eval_every` steps a live look: fact and other-token probability from
the step's own passes, and one greedy answer. Stop = stop iterating; the checkpoint is then at the last step.
"""

import math
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tokenunlearn.data.rows import Row
from tokenunlearn.models.forward import answer_hidden, batch_log_probs, causal_model
from tokenunlearn.models.layers import can_be_cut
from tokenunlearn.models.loading import LoadedModel
from tokenunlearn.objectives import OBJECTIVES
from tokenunlearn.objectives.batch import LossSum, TokenBatch
from tokenunlearn.objectives.retain import retain_cross_entropy, retain_divergence
from tokenunlearn.text.batching import Batch
from tokenunlearn.training.checkpoint import (
    Progress,
    load_checkpoint,
    load_good,
    refuse_other_run,
    save_checkpoint,
    trainable,
)
from tokenunlearn.training.config import TrainConfig
from tokenunlearn.training.distribution import Processes
from tokenunlearn.training.events import Diverged, EvalDone, Event, Finished, Saved, StepDone
from tokenunlearn.training.guard import divergence
from tokenunlearn.training.origin import Origin, origin
from tokenunlearn.training.reference import reference_log_probs
from tokenunlearn.training.session import (
    TrainRow,
    fact_probabilities,
    first_layer,
    padded,
    row_batch,
    train_batch,
    train_rows,
    with_entering,
)

REFERENCE_ROWS = 16  # rows a batch


@dataclass
class _Run:
    loaded: LoadedModel
    config: TrainConfig
    forget: list[TrainRow]
    retain: list[TrainRow]
    reference: list[Tensor]
    first_layer: int
    processes: Processes
    optimizer: torch.optim.Optimizer
    latest: dict[str, tuple[float | None, float | None]] = field(default_factory=dict)
    latest_retain: dict[str, float] = field(default_factory=dict)


def train(
    model: LoadedModel,
    forget_rows: Sequence[Row],
    retain_rows: Sequence[Row],
    weights: Mapping[str, np.ndarray] | None,
    config: TrainConfig,
    checkpoint: Path | None = None,
    watch: Row | None = None,
) -> Generator[Event]:
    """Return the events of training `model` (from `with_fresh_lora`) in place; asking for them trains.

    `weights` maps row ids to one weight per answer token; None is the sequence form. With `checkpoint` the
    state is saved after every step and a run found there goes on. `watch` is the row whose greedy answer is
    shown as it changes. No forget rows: plain learning of the retain rows.

    Raises, at the call and before anything is written, MaskError for weights that do not fit their row and
    RunError for a checkpoint of another run; while training RunError for one that cannot be written.
    """
    forget, retain = train_rows(model, forget_rows, weights), train_rows(model, retain_rows, None)
    saves = None
    if checkpoint:
        saves = Saves(checkpoint, origin(model, forget, retain, config))
        refuse_other_run(checkpoint, saves.origin, config.steps)
    return _events(model, forget, retain, config, saves, watch)


@dataclass(frozen=True)
class Saves:
    """Where checkpoints go, and what they belong to."""

    folder: Path
    origin: Origin


def _events(
    model: LoadedModel,
    forget: list[TrainRow],
    retain: list[TrainRow],
    config: TrainConfig,
    saves: Saves | None,
    watch: Row | None,
) -> Generator[Event]:
    run = _prepare(model, forget, retain, config)

    def save(progress: Progress) -> None:
        if saves and run.processes.is_main:
            save_checkpoint(saves.folder, model.model, run.optimizer, progress, saves.origin, good)

    progress = load_checkpoint(saves.folder, model.model, run.optimizer) if saves else Progress()
    retain_start = progress.retain_start
    reason = "all steps done"
    step, kept = progress.step, progress.good_step
    good = (load_good(saves.folder) if saves else {}) or _copied(model.model)
    if step == config.steps:
        reason = f"nothing left to do: the checkpoint is at step {step} already"
    for step in range(progress.step + 1, config.steps + 1):
        entering = _copied(model.model)
        began = time.perf_counter()
        loss, forget_loss, retain_loss = _step(run, step)
        if not math.isfinite(retain_start):  # a step measures the weights it starts from: here the target's
            retain_start = retain_loss
        began_at, bound = retain_start, config.retain_bound
        stop = divergence(loss, retain_loss, began_at, bound)
        if stop and math.isfinite(loss):
            # perhaps these rows were only less well known at the start than those of the first step
            began_at = _retain_before(run, step)
            stop = divergence(loss, retain_loss, began_at, bound)
        if stop:
            _restore(model.model, good)
            try:
                yield Diverged(step, stop, kept, retain_loss, began_at)
            finally:
                save(Progress(kept, retain_start, stop, kept))
            return
        # only now are the weights that this step measured known to be good
        good, kept = entering, step - 1
        try:
            seconds = time.perf_counter() - began
            yield StepDone(step, config.steps, loss, forget_loss, retain_loss, seconds, retain_start)
        finally:
            # After the step is written down, also by whoever stops here: a kill in between does it once more,
            # where the other order would leave a hole in the curve.
            save(Progress(step, retain_start, good_step=kept))
        if saves:
            yield Saved(step, str(saves.folder))
        began = time.perf_counter()
        look = replace(_look(run, step, watch), seconds=time.perf_counter() - began)
        if step % config.eval_every == 0 or step == config.steps:
            yield look
        if _forgotten(look, config, run):
            reason = f"joint fact probability below {config.stop_fact_below:g}"
            break
    yield Finished(step, reason)


def _prepare(model: LoadedModel, forget: list[TrainRow], retain: list[TrainRow], config: TrainConfig) -> _Run:
    causal = causal_model(model.model)
    first = first_layer(causal, config.layer_share)
    # 0: the pass begins at the ids, as always
    first = first if can_be_cut(causal, first) else 0
    if first:
        forget, retain = (with_entering(model, rows, first) for rows in (forget, retain))
    reference: list[Tensor] = []
    if forget and OBJECTIVES[config.objective].needs_reference:
        starts = range(0, len(forget), REFERENCE_ROWS)
        batches = (train_batch(model, forget[start : start + REFERENCE_ROWS], first) for start in starts)
        reference = reference_log_probs(model.model, batches)
    parameters = list(trainable(model.model).values())
    optimizer = torch.optim.AdamW(parameters, lr=config.learning_rate, weight_decay=0.0)
    model.model.train()
    return _Run(model, config, forget, retain, reference, first, Processes(), optimizer)


def _step(run: _Run, step: int) -> tuple[float, float, float]:
    """One optimiser step: the loss minimised, forget loss, retain cross-entropy; NaN = not measured."""
    config = run.config
    run.optimizer.zero_grad(set_to_none=True)
    forget_loss = _forget_term(run, row_batch(config.seed, step, len(run.forget), config.forget_batch))
    picked = _retain_batch(run, step)
    retains = OBJECTIVES[config.objective].retains or not run.forget
    retain_loss, retain_term = _retain_term(run, picked, retains and config.retain_weight > 0)
    run.processes.sum_gradients(trainable(run.loaded.model).values())
    torch.nn.utils.clip_grad_norm_(list(trainable(run.loaded.model).values()), 1.0)
    run.optimizer.step()
    # only a term without rows is left out: a measured NaN must reach the guard
    return (forget_loss if run.forget else 0.0) + retain_term, forget_loss, retain_loss


def _retain_batch(run: _Run, step: int) -> list[int]:
    return row_batch(run.config.seed + 1, step, len(run.retain), run.config.retain_batch)


@torch.no_grad()
def _retain_before(run: _Run, step: int) -> float:
    """The cross-entropy of a step's retain rows in nats as the run began: with the LoRA off."""
    mine = run.processes.share(_retain_batch(run, step))
    loss = _no_rows(run)
    if mine:
        batch = train_batch(run.loaded, [run.retain[index] for index in mine], run.first_layer)
        with run.loaded.model.disable_adapter():
            loss = _cross_entropy(run, mine, batch, {})
    return _backward(run, loss, 0.0)


def _forget_term(run: _Run, picked: list[int]) -> float:
    if not picked:
        return float("nan")
    mine = run.processes.share(picked)
    fresh: dict[str, tuple[float | None, float | None]] = {}
    loss = _forget_loss(run, mine, fresh) if mine else _no_rows(run)
    # Only what this step measured: an older number of another process would win over a new one.
    run.latest |= run.processes.merged(fresh)
    return _backward(run, loss, 1.0)


def _no_rows(run: _Run) -> LossSum:
    """What a process without rows adds to the sums over all of them."""
    return LossSum(torch.zeros((), device=run.loaded.device), 0.0)


def _forget_loss(
    run: _Run, mine: Sequence[int], fresh: dict[str, tuple[float | None, float | None]]
) -> LossSum:
    batch = train_batch(run.loaded, [run.forget[index] for index in mine], run.first_layer)
    log_probs = batch_log_probs(run.loaded.model, batch)
    tokens = TokenBatch(
        log_probs,
        padded([run.reference[index] for index in mine], log_probs) if run.reference else None,
        padded([run.forget[index].weights for index in mine], log_probs),
        batch.answer_mask,
    )
    objective = OBJECTIVES[run.config.objective]
    for index, row in zip(mine, log_probs.detach().cpu(), strict=True):
        item = run.forget[index]
        fresh[item.row.id] = fact_probabilities(item.row, item.encoding, row)
    return objective.function(tokens, run.config.objective_of())


def _retain_term(run: _Run, picked: list[int], with_gradient: bool) -> tuple[float, float]:
    """The cross-entropy of the picked rows in nats, and what the term adds to the loss that is minimised."""
    if not picked:
        return float("nan"), 0.0
    mine = run.processes.share(picked)
    rows = [run.retain[index] for index in mine]
    batch = train_batch(run.loaded, rows, run.first_layer) if mine else None
    by_divergence = run.config.retain == "kl" and bool(run.forget) and with_gradient
    with torch.set_grad_enabled(with_gradient and not by_divergence):
        fresh: dict[str, float] = {}
        loss = _cross_entropy(run, mine, batch, fresh) if batch else _no_rows(run)
    run.latest_retain |= run.processes.merged(fresh)
    scale = run.config.retain_weight if with_gradient else 0.0
    if by_divergence:
        divergent = _divergence_term(run, batch) if batch else _no_rows(run)
        return _backward(run, loss, 0.0), scale * _backward(run, divergent, scale)
    value = _backward(run, loss, scale)
    # not 0 · value: an untrained term that is NaN would look like a divergence of the trained one
    return value, scale * value if scale else 0.0


def _cross_entropy(run: _Run, mine: Sequence[int], batch: Batch, fresh: dict[str, float]) -> LossSum:
    log_probs = batch_log_probs(run.loaded.model, batch)
    for index, row in zip(mine, log_probs.detach(), strict=True):
        item = run.retain[index]
        fresh[item.row.id] = float(row[: item.encoding.answer_length].exp().mean())
    return retain_cross_entropy(TokenBatch(log_probs, None, torch.ones_like(log_probs), batch.answer_mask))


def _divergence_term(run: _Run, batch: Batch) -> LossSum:
    model = run.loaded.model
    with torch.no_grad(), model.disable_adapter():
        vectors, logits_of = answer_hidden(model, batch)
        reference = logits_of(vectors)
    vectors, logits_of = answer_hidden(model, batch)
    return retain_divergence(logits_of(vectors), reference)


def _backward(run: _Run, loss: LossSum, scale: float) -> float:
    """The term's value over all processes, after adding its gradient (divided by the global count)."""
    count = run.processes.sum(loss.count)
    if scale and count > 0 and loss.total.requires_grad:
        (scale * loss.total / count).backward()
    return run.processes.sum(float(loss.total.detach())) / count if count > 0 else 0.0


def _copied(model: Any) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in trainable(model).items()}


def _restore(model: Any, good: Mapping[str, Tensor]) -> None:
    with torch.no_grad():
        for name, parameter in trainable(model).items():
            parameter.copy_(good[name])


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _look(run: _Run, step: int, watch: Row | None) -> EvalDone:
    """Probabilities from the latest training pass over each row, and the greedy answer when it is due."""
    due = watch is not None and (step % run.config.eval_every == 0 or step == run.config.steps)
    text = run.loaded.generate([watch.question], 32)[0] if watch is not None and due else None
    return EvalDone(
        step=step,
        fact_joint=_mean([joint for joint, _ in run.latest.values()]),
        other=_mean([other for _, other in run.latest.values()]),
        retain=_mean(list(run.latest_retain.values())),
        answer_id=watch.id if watch is not None and due else None,
        answer_text=text,
    )


def _forgotten(look: EvalDone, config: TrainConfig, run: _Run) -> bool:
    complete = len(run.latest) == len(run.forget) > 0
    return complete and look.fact_joint is not None and look.fact_joint < config.stop_fact_below
