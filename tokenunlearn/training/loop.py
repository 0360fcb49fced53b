"""The only training loop of the project: a generator of events that the caller drives.

1. Encode the rows, see that the objective has what it needs, cache the reference log-probs. 2. Each step:
forget term and retain term over seeded batches, each process on its share, gradients and counts summed over
processes; the objective's state moves on. 3. Guard: on divergence the
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
from tokenunlearn.fitting import check_rows
from tokenunlearn.models.forward import causal_model
from tokenunlearn.models.language_model import longest_answer
from tokenunlearn.models.layers import can_be_cut
from tokenunlearn.models.loading import LoadedModel
from tokenunlearn.objectives import OBJECTIVES, RETAINS, LossSum, Objective, TokenBatch
from tokenunlearn.objectives.retain import retain_cross_entropy
from tokenunlearn.text.encoding import encode
from tokenunlearn.training.checkpoint import (
    Progress,
    load_checkpoint,
    load_kept,
    refuse_other_run,
    save_checkpoint,
    trainable,
)
from tokenunlearn.training.config import TrainConfig
from tokenunlearn.training.distribution import Processes
from tokenunlearn.training.events import Diverged, EvalDone, Event, Finished, Saved, StepDone
from tokenunlearn.training.guard import divergence
from tokenunlearn.training.needs import layer_needed, refuse_rows, second_answers
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
from tokenunlearn.training.token_batch import token_batch

REFERENCE_ROWS = 16  # rows a batch


@dataclass
class _Rows:
    """Rows of one kind. `others[i]` is the second answer to row i, the references are cached log-probs."""

    rows: list[TrainRow]
    others: list[TrainRow] = field(default_factory=list)
    reference: list[Tensor] = field(default_factory=list)
    other_reference: list[Tensor] = field(default_factory=list)


@dataclass
class _Run:
    loaded: LoadedModel
    config: TrainConfig
    forget: _Rows
    retain: _Rows
    first_layer: int
    moved_layer: int
    state: dict[str, Tensor]
    processes: Processes
    optimizer: torch.optim.Optimizer
    most_tokens: int | None = None
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
    most_tokens: int | None = None,
) -> Generator[Event]:
    """Return the events of training `model` (from `with_fresh_lora`) in place; asking for them trains.

    `weights` maps row ids to one weight per answer token; None is the sequence form. With `checkpoint` the
    state is saved after every step and a run found there goes on. `watch` is the row whose greedy answer is
    shown as it changes. No forget rows: plain learning of the retain rows. `most_tokens`: how many forget
    tokens all steps together may train; a step that has more trains as many as are left of them, drawn by
    the seed, and ends the run.

    Raises, at the call and before anything is written, MaskError for weights that do not fit their row,
    RunError for a checkpoint of another run, and InputError, SettingError or ModelError where the objective
    needs what rows or model do not have; while training RunError for a checkpoint that cannot be written.
    """
    refuse_rows(forget_rows, retain_rows, config)
    forget = _Rows(train_rows(model, forget_rows, weights), _second_answers(model, forget_rows, config))
    retain = _Rows(train_rows(model, retain_rows, None))
    layer = layer_needed(model.model, config) if forget_rows else 0
    saves = None
    if checkpoint:
        saves = Saves(checkpoint, origin(model, forget.rows, retain.rows, config, forget.others))
        refuse_other_run(checkpoint, saves.origin, config.steps)
    return _events(model, forget, retain, config, layer, saves, watch, most_tokens)


@dataclass(frozen=True)
class Saves:
    """Where checkpoints go, and what they belong to."""

    folder: Path
    origin: Origin


def _events(
    model: LoadedModel,
    forget: _Rows,
    retain: _Rows,
    config: TrainConfig,
    layer: int,
    saves: Saves | None,
    watch: Row | None,
    most_tokens: int | None,
) -> Generator[Event]:
    run = _prepare(model, forget, retain, config, layer)
    run.most_tokens = most_tokens

    def save(progress: Progress) -> None:
        if saves and run.processes.is_main:
            save_checkpoint(saves.folder, model.model, run.optimizer, progress, saves.origin, good, run.state)

    progress = load_checkpoint(saves.folder, model.model, run.optimizer) if saves else Progress()
    retain_start = progress.retain_start
    reason = "all steps done"
    step, kept = progress.step, progress.good_step
    good = (load_kept(saves.folder, "good") if saves else {}) or _copied(model.model)
    run.state |= load_kept(saves.folder, "state") if saves else {}
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
            losses = loss, forget_loss, retain_loss
            yield StepDone(step, config.steps, *losses, seconds, retain_start, _trained_tokens(run, step))
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
        if enough := _enough(run, step, look):
            reason = enough
            break
    yield Finished(step, reason)


def _second_answers(model: LoadedModel, rows: Sequence[Row], config: TrainConfig) -> list[TrainRow]:
    """Return the second answer to each row, where the objective needs one, every token with weight 1."""
    answers = second_answers(rows, config)
    check_rows(model, answers)
    return train_rows(model, answers, None)


def _prepare(model: LoadedModel, forget: _Rows, retain: _Rows, config: TrainConfig, layer: int) -> _Run:
    causal = causal_model(model.model)
    first = first_layer(causal, config.layer_share)
    # 0: the pass begins at the ids, as always
    first = first if can_be_cut(causal, first) else 0
    if first:
        for part in (forget, retain):
            part.rows, part.others = (with_entering(model, rows, first) for rows in (part.rows, part.others))
    if "reference" in OBJECTIVES[config.objective].needs:
        forget.reference = _references(model, forget.rows, first)
        forget.other_reference = _references(model, forget.others, first)
    width = int(causal.config.get_text_config().hidden_size)
    drawn = torch.Generator().manual_seed(config.seed)
    state = dict(OBJECTIVES[config.objective].state(config.objective_of(), width, drawn))
    optimizer = torch.optim.AdamW(
        list(trainable(model.model).values()), lr=config.learning_rate, weight_decay=0.0
    )
    # Dropout off: with it the frozen target would be noise, and no resumed run the same again.
    model.model.eval()
    return _Run(model, config, forget, retain, first, layer, state, Processes(), optimizer)


def _references(model: LoadedModel, rows: list[TrainRow], first: int) -> list[Tensor]:
    starts = range(0, len(rows), REFERENCE_ROWS)
    batches = (train_batch(model, rows[start : start + REFERENCE_ROWS], first) for start in starts)
    return reference_log_probs(model.model, batches)


def _step(run: _Run, step: int) -> tuple[float, float, float]:
    """Take one optimiser step; return the loss, forget loss and retain cross-entropy (NaN: not measured)."""
    config, entry, settings = run.config, _objective(run), run.config.objective_of()
    run.optimizer.zero_grad(set_to_none=True)
    of_forget, of_retain = entry.combine(config.retain_weight, settings, run.state)
    if run.forget.rows and not config.retain_term:
        of_retain = 0.0
    forget_loss = _forget_term(run, step, of_forget)
    retain_loss, retain_term = _retain_term(run, _retain_batch(run, step), of_retain)
    run.processes.sum_gradients(trainable(run.loaded.model).values())
    torch.nn.utils.clip_grad_norm_(list(trainable(run.loaded.model).values()), 1.0)
    run.optimizer.step()
    if run.retain.rows:
        run.state = dict(entry.advance(run.state, settings, retain_term))
    # only a term without rows, or without weight, is left out: a measured NaN must reach the guard
    parts = ((of_forget, forget_loss, run.forget.rows), (of_retain, retain_term, of_retain))
    return sum(weight * value for weight, value, counts in parts if counts), forget_loss, retain_loss


def _objective(run: _Run) -> Objective:
    return OBJECTIVES[run.config.objective]


def _forget_batch(run: _Run, step: int) -> list[int]:
    return row_batch(run.config.seed, step, len(run.forget.rows), run.config.forget_batch)


def _forget_weights(run: _Run, step: int) -> list[Tensor]:
    """Return the weights of a step's forget rows, in the order of its batch.

    Where more tokens would be trained than are left of `most_tokens`, others are 0: as many as are left are
    drawn by seed and step, so that no row and no place in an answer is preferred.
    """
    weights = [run.forget.rows[place].weights for place in _forget_batch(run, step)]
    if run.most_tokens is None or not weights:
        return weights
    whole = torch.cat(weights)
    places = torch.nonzero(whole).flatten().numpy()
    left = max(0, run.most_tokens - _tokens_through(run, step - 1))
    dropped = np.random.default_rng([run.config.seed, step]).permutation(places)[left:]
    whole[dropped] = 0
    return list(whole.split([len(each) for each in weights]))


def _tokens_through(run: _Run, step: int) -> int:
    """Return how many forget tokens all steps up to one would train if each trained all of its own."""
    rows = (place for at in range(1, step + 1) for place in _forget_batch(run, at))
    return sum(int((run.forget.rows[place].weights > 0).sum()) for place in rows)


def _trained_tokens(run: _Run, step: int) -> int:
    """Return how many forget tokens of a step, of all processes, have a weight above 0."""
    return sum(int((weights > 0).sum()) for weights in _forget_weights(run, step))


def _retain_batch(run: _Run, step: int) -> list[int]:
    return row_batch(run.config.seed + 1, step, len(run.retain.rows), run.config.retain_batch)


@torch.no_grad()
def _retain_before(run: _Run, step: int) -> float:
    """Return the cross-entropy of a step's retain rows in nats as the run began: with the LoRA off."""
    mine = run.processes.share(_retain_batch(run, step))
    loss = _no_rows(run)
    if mine:
        with run.loaded.model.disable_adapter():
            loss = retain_cross_entropy(_tokens(run, run.retain, mine, frozenset()), None, {})
    return _backward(run, loss, 0.0)


def _no_rows(run: _Run) -> LossSum:
    """Return what a process without rows adds to the sums over all of them."""
    return LossSum(torch.zeros((), device=run.loaded.device), 0.0)


def _tokens(
    run: _Run,
    of: _Rows,
    places: Sequence[int],
    needs: frozenset[str],
    weights: Sequence[Tensor] | None = None,
) -> TokenBatch:
    """Return the rows at `places` as a term of the loss sees them; nothing has run yet.

    `weights`: in the place of the rows' own.
    """
    rows = [of.rows[place] for place in places]
    batch = train_batch(run.loaded, rows, run.first_layer)
    columns = batch.answer_mask
    second = _Rows(of.others, reference=of.other_reference)
    return token_batch(
        run.loaded.model,
        batch,
        padded([row.weights for row in rows] if weights is None else weights, columns),
        needs,
        layer=run.moved_layer,
        reference=lambda: padded([of.reference[place] for place in places], columns),
        other=lambda: _tokens(run, second, places, needs - {"other_answer"}),
    )


def _forget_term(run: _Run, step: int, weight: float) -> float:
    """Return the forget term over all processes, after adding its gradient; NaN without rows."""
    picked = _forget_batch(run, step)
    if not picked:
        return float("nan")
    mine = run.processes.share(picked)
    weights = run.processes.share(_forget_weights(run, step))
    fresh: dict[str, tuple[float | None, float | None]] = {}
    loss = _no_rows(run)
    if mine:
        tokens = _tokens(run, run.forget, mine, _objective(run).needs, weights)
        loss = _objective(run).function(tokens, run.config.objective_of(), run.state)
        for place, row in zip(mine, tokens.log_probs.detach().cpu(), strict=True):
            item = run.forget.rows[place]
            fresh[item.row.id] = fact_probabilities(item.row, item.encoding, row)
    # Only what this step measured: an older number of another process would win over a new one.
    run.latest |= run.processes.merged(fresh)
    return _backward(run, loss, weight)


def _retain_term(run: _Run, picked: list[int], weight: float) -> tuple[float, float]:
    """Add the retain term's gradient; return the picked rows' cross-entropy in nats and the term's value.

    Without forget rows the term is the cross-entropy: plain learning. Without a term only the former is
    measured.
    """
    if not picked:
        return float("nan"), 0.0
    mine = run.processes.share(picked)
    term = RETAINS[(run.config.retain_term if run.forget.rows else "") or "ce"]
    looked_at = weight > 0 or "retain_rows" in _objective(run).needs
    plain = not looked_at or term.function is retain_cross_entropy
    fresh: dict[str, float] = {}
    measured = loss = _no_rows(run)
    if mine:
        with torch.set_grad_enabled(weight > 0):
            tokens = _tokens(run, run.retain, mine, frozenset() if plain else term.needs)
            measured = retain_cross_entropy(tokens, None, {})
            loss = measured if plain else term.function(tokens, run.config.objective_of(), run.state)
        for place, row in zip(mine, tokens.log_probs.detach(), strict=True):
            item = run.retain.rows[place]
            fresh[item.row.id] = float(row[: item.encoding.answer_length].exp().mean())
    run.latest_retain |= run.processes.merged(fresh)
    if plain:
        value = _backward(run, loss, weight)
        return value, value
    return _backward(run, measured, 0.0), _backward(run, loss, weight)


def _backward(run: _Run, loss: LossSum, scale: float) -> float:
    """Return the term's value over all processes, after adding its gradient (divided by the global count)."""
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
    """Return the probabilities from the latest training pass over each row, and the greedy answer if due."""
    due = watch is not None and (step % run.config.eval_every == 0 or step == run.config.steps)
    text = _said(run.loaded, watch) if watch is not None and due else None
    return EvalDone(
        step=step,
        fact_joint=_mean([joint for joint, _ in run.latest.values()]),
        other=_mean([other for _, other in run.latest.values()]),
        retain=_mean(list(run.latest_retain.values())),
        answer_id=watch.id if watch is not None and due else None,
        answer_text=text,
    )


def _said(loaded: LoadedModel, row: Row) -> str:
    """Return the greedy answer to a row's question, with a sign at its end where it was cut."""
    taught = encode(loaded.tokenizer, row.question, row.answer).answer_length
    written = loaded.generate([row.question], longest_answer([taught]))[0]
    return f"{written.text} …" if written.cut else written.text


def _enough(run: _Run, step: int, look: EvalDone) -> str:
    """Return why training ends before its last step; "" where it goes on."""
    most, below = run.most_tokens, run.config.stop_fact_below
    if most is not None and _tokens_through(run, step) >= most:
        return f"{most} tokens trained"
    complete = len(run.latest) == len(run.forget.rows) > 0
    if complete and look.fact_joint is not None and look.fact_joint < below:
        return f"joint fact probability below {below:g}"
    return ""
