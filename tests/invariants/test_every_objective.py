"""Every objective and retain term trained on a tiny model: weights of 0, resume, needs counted and unmet."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.tiny_rows import RETAIN, ROWS, tiny
from tokenunlearn.data.rows import Row
from tokenunlearn.errors import InputError, SettingError
from tokenunlearn.models.forward import causal_model
from tokenunlearn.models.hidden import hidden_states
from tokenunlearn.objectives import OBJECTIVES, RETAINS
from tokenunlearn.text.batching import collate
from tokenunlearn.text.encoding import encode
from tokenunlearn.training.checkpoint import load_kept, trainable
from tokenunlearn.training.config import TrainConfig
from tokenunlearn.training.events import Finished, Saved, StepDone
from tokenunlearn.training.loop import train
from tokenunlearn.training.session import with_fresh_lora
from tokenunlearn.training.token_batch import token_batch

pytestmark = pytest.mark.slow

SMALL = {"forget_batch": 2, "retain_batch": 2, "retain_bound": 20.0, "rank": 2, "learning_rate": 1e-2}
FORGET = tuple(replace(row, perturbed_answer=(f"{row.subject} was born in Lund.",)) for row in ROWS[:3])
# Objective × retain term: each with its own, and each retain term with an objective that takes it.
PAIRS = [(name, "own") for name in OBJECTIVES] + [("npo", "kl"), ("rmu", "kl"), ("rmu", "ce")]


def config_of(objective: str, retain: str = "own", **more: Any) -> TrainConfig:
    return TrainConfig(objective=objective, retain=retain, **{"steps": 2, **SMALL, **more})


def run(folder: Path, config: TrainConfig, forget=FORGET, weights=None, checkpoint=None, stop=None) -> Any:
    """The events of a run on a fresh tiny model, and the model."""
    model = with_fresh_lora(tiny(folder, loud=True), config)
    events = []
    for event in train(model, forget, RETAIN, weights, config, checkpoint):
        events.append(event)
        if isinstance(event, Saved) and event.step == stop:
            break
    return events, model


def steps(events: list[Any]) -> list[tuple[float, float, float]]:
    return [(e.loss, e.forget_loss, e.retain_loss) for e in events if isinstance(e, StepDone)]


@pytest.mark.parametrize(("objective", "retain"), PAIRS)
def test_a_step_then_on_as_if_never_stopped(tiny_folder, tmp_path, objective: str, retain: str) -> None:
    config = config_of(objective, retain)
    events, straight = run(tiny_folder, config, checkpoint=tmp_path / "straight")
    assert isinstance(events[-1], Finished) and np.isfinite(steps(events)).all()
    before, _ = run(tiny_folder, config, checkpoint=tmp_path / "broken", stop=1)
    after, resumed = run(tiny_folder, config, checkpoint=tmp_path / "broken")
    assert steps(before + after) == steps(events) and len(steps(events)) == 2
    one, two = trainable(straight.model), trainable(resumed.model)
    assert all(torch.equal(one[name], two[name]) for name in one)
    kept = [load_kept(tmp_path / name, "state") for name in ("straight", "broken")]
    at_first = OBJECTIVES[objective].state(config.objective_of(), 4, torch.Generator())
    assert kept[0].keys() == kept[1].keys() == at_first.keys()
    assert all(torch.equal(kept[0][name], kept[1][name]) for name in kept[0])


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_row_of_weight_zero_adds_nothing(tiny_folder, objective: str) -> None:
    """Its text may be another one: the first step is the same to the bit."""
    config = config_of(objective, steps=1)
    results = []
    for second in FORGET[1:]:
        forget = (FORGET[0], replace(second, id="second"))
        weights = {FORGET[0].id: np.ones(len(FORGET[0].answer)), "second": np.zeros(len(second.answer))}
        events, model = run(tiny_folder, config, forget, weights)
        results.append((steps(events), trainable(model.model)))
    (one, first), (two, other) = results
    np.testing.assert_allclose(one, two, rtol=1e-5)
    for name, value in first.items():
        torch.testing.assert_close(value, other[name], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("objective", "retain"), [("undial", "own"), ("npo", "kl"), ("rmu", "own")])
def test_a_base_with_dropout_trains_as_without(tiny_folder, objective: str, retain: str) -> None:
    config = config_of(objective, retain)
    expected, _ = run(tiny_folder, config)
    model = with_fresh_lora(tiny(tiny_folder, loud=True), config)
    for layer in causal_model(model.model).model.layers:
        layer.self_attn.attention_dropout = 0.5
    found = list(train(model, FORGET, RETAIN, None, config))
    assert steps(found) == steps(expected)


@contextmanager
def passes(model: Any) -> Iterator[list[int]]:
    """How many rows each pass through the last decoder layer has."""
    seen: list[int] = []
    hook = (
        causal_model(model)
        .model.layers[-1]
        .register_forward_hook(lambda _module, given, _output: seen.append(len(given[0])))
    )
    try:
        yield seen
    finally:
        hook.remove()


@pytest.mark.parametrize(("objective", "retain"), PAIRS)
def test_a_step_runs_what_is_needed_and_no_more(tiny_folder, objective: str, retain: str) -> None:
    config = config_of(objective, retain)
    model = with_fresh_lora(tiny(tiny_folder), config)
    events = train(model, FORGET, RETAIN, None, config)
    next(event for event in events if isinstance(event, StepDone))  # by now the reference is cached
    with passes(model.model) as seen:
        next(event for event in events if isinstance(event, StepDone))
    of_forget = OBJECTIVES[objective].needs
    of_retain = RETAINS[config.retain_term].needs if config.retain_term else frozenset()
    expected = 2 + ("other_answer" in of_forget)
    expected += sum(any(need.startswith("reference_") for need in needs) for needs in (of_forget, of_retain))
    assert seen == [2] * expected


def test_a_batch_gives_what_is_named_and_nothing_else(tiny_folder) -> None:
    loaded = tiny(tiny_folder)
    batch = collate([encode(loaded.tokenizer, row.question, row.answer) for row in FORGET[:2]], loaded.pad_id)
    tokens = token_batch(loaded.model, batch, torch.ones(batch.answer_mask.shape), {"hidden"}, layer=2)
    states = hidden_states(loaded, [encode(loaded.tokenizer, FORGET[0].question, FORGET[0].answer)], 2)[0]
    torch.testing.assert_close(tokens.hidden[0, : len(states)].detach(), torch.from_numpy(states))
    for name in ("reference", "reference_hidden", "other_answer"):
        with pytest.raises(LookupError, match=name):
            getattr(tokens, name)
    with pytest.raises(LookupError, match="logits"):
        tokens.per_token(lambda logits, _: logits.sum(-1), "logits")


def test_other_rows_than_those_needed_are_told_before_the_first_step(tiny_folder, tmp_path) -> None:
    cases: list[tuple[str, tuple[Row, ...], tuple[Row, ...], type[Exception], str]] = [
        ("alt_dpo", ROWS[:2], RETAIN, InputError, "Row ada has no second answer"),
        ("pdu", FORGET, (), InputError, "PDU has no rows to keep"),
    ]
    for objective, forget, retain, kind, words in cases:
        config = config_of(objective)
        model = with_fresh_lora(tiny(tiny_folder), config)
        with pytest.raises(kind, match=words):
            train(model, forget, retain, None, config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_layer_that_training_does_not_reach_is_told(tiny_folder) -> None:
    config = config_of("rmu", layer_share=0.5, objective_settings={"depth": 0.5})
    model = with_fresh_lora(tiny(tiny_folder), config)
    with pytest.raises(
        SettingError, match="Layers 2 to 2 are trained; layer 1 .*lies below them.*depth to 1"
    ):
        train(model, FORGET, RETAIN, None, config)
    train(model, FORGET, RETAIN, None, replace(config, objective_settings={"depth": 1.0}))
    with pytest.raises(SettingError, match="NPO names none"):
        config_of("npo", "hidden")


def test_rmu_moves_the_states_of_the_chosen_tokens(tiny_folder) -> None:
    """In kind what the paper claims: the states of chosen tokens come nearer to c·u, those to keep stay."""
    config = config_of("rmu", steps=30, retain_weight=5.0, objective_settings={"depth": 1.0, "steering": 5.0})
    encodings = {
        kind: [encode(tiny(tiny_folder).tokenizer, row.question, row.answer) for row in rows]
        for kind, rows in (("forget", FORGET[:2]), ("retain", RETAIN))
    }
    drawn = OBJECTIVES["rmu"].state(config.objective_of(), 16, torch.Generator().manual_seed(0))
    goal = 5 * drawn["u"].numpy()
    base = tiny(tiny_folder, loud=True)
    before = {kind: np.concatenate(hidden_states(base, each, 2)) for kind, each in encodings.items()}
    _, model = run(tiny_folder, config, FORGET[:2])
    after = {kind: np.concatenate(hidden_states(model, each, 2)) for kind, each in encodings.items()}
    near = [((states["forget"] - goal) ** 2).mean() for states in (before, after)]
    moved = [((after[kind] - before[kind]) ** 2).mean() for kind in ("forget", "retain")]
    assert near[1] < 0.8 * near[0] and moved[0] > 3 * moved[1]


def test_the_dual_variable_weighs_the_next_step(tiny_folder, tmp_path) -> None:
    """λ₀ = 2, η = 3, ε = .5: the first step minimises L_f + 2·L_r, and λ then is 2 + 3·(L_r − .5)."""
    own = {"dual_start": 2.0, "dual_step": 3.0, "tolerance": 0.5}
    events, _ = run(tiny_folder, config_of("pdu", objective_settings=own), checkpoint=tmp_path)
    first, second = steps(events)
    assert first[0] == pytest.approx(first[1] + 2 * first[2], rel=1e-5)
    dual = 2 + 3 * (first[2] - 0.5)
    assert second[0] == pytest.approx(second[1] + dual * second[2], rel=1e-5)
    kept = load_kept(tmp_path, "state")
    assert float(kept["dual"]) == pytest.approx(dual + 3 * (second[2] - 0.5), rel=1e-5)
