"""Invariants of a run: a pause changes nothing, divergence brings good weights back, terms do as told."""

import numpy as np
import pytest
import torch

from tests.tiny_rows import RETAIN, ROWS, tiny
from tokenunlearn.data.rows import Row
from tokenunlearn.training import loop
from tokenunlearn.training.checkpoint import trainable
from tokenunlearn.training.config import TrainConfig
from tokenunlearn.training.events import Diverged, Saved, StepDone
from tokenunlearn.training.loop import train
from tokenunlearn.training.session import with_fresh_lora

pytestmark = pytest.mark.slow

SMALL = {"forget_batch": 2, "retain_batch": 2, "retain_bound": 20.0, "rank": 4, "learning_rate": 1e-2}


def weights_of(model) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in trainable(model.model).items()}


def losses(events) -> list[tuple[float, float]]:
    return [(event.forget_loss, event.retain_loss) for event in events if isinstance(event, StepDone)]


def mean_log_prob(model, rows: tuple[Row, ...]) -> float:
    found = model.token_log_probs([(row.question, row.answer) for row in rows])
    return float(np.mean([tokens.log_probs.mean() for tokens in found]))


@pytest.mark.parametrize("objective", ["npo", "simnpo"])
def test_resumed_is_straight_to_the_bit(tiny_folder, tmp_path, objective: str) -> None:
    config = TrainConfig(objective=objective, steps=6, **SMALL)
    straight = with_fresh_lora(tiny(tiny_folder), config)
    expected = losses(train(straight, ROWS[:5], RETAIN, None, config, tmp_path / "straight"))

    found = []
    first = with_fresh_lora(tiny(tiny_folder), config)
    for event in train(first, ROWS[:5], RETAIN, None, config, tmp_path / "broken"):
        found.append(event)
        if isinstance(event, Saved) and event.step == 3:
            break
    second = with_fresh_lora(tiny(tiny_folder), config)
    found += list(train(second, ROWS[:5], RETAIN, None, config, tmp_path / "broken"))
    assert losses(found) == expected and len(expected) == 6
    one, two = weights_of(straight), weights_of(second)
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_looking_changes_nothing(tiny_folder) -> None:
    results = []
    for every, watch in ((1, ROWS[0]), (100, None)):
        config = TrainConfig(steps=3, eval_every=every, **SMALL)
        model = with_fresh_lora(tiny(tiny_folder), config)
        found = losses(train(model, ROWS[:3], RETAIN, None, config, watch=watch))
        results.append((found, weights_of(model)))
    assert results[0][0] == results[1][0]
    assert all(torch.equal(results[0][1][name], results[1][1][name]) for name in results[0][1])


def test_ones_for_every_token_are_no_weights(tiny_folder) -> None:
    config = TrainConfig(steps=3, **SMALL)
    ones = {row.id: np.ones(len(row.answer)) for row in ROWS[:3]}
    models = [with_fresh_lora(tiny(tiny_folder), config) for _ in range(2)]
    first, second = (
        losses(train(model, ROWS[:3], RETAIN, weights, config))
        for model, weights in zip(models, (None, ones), strict=True)
    )
    assert first == second


def test_divergence_brings_back_weights_that_were_measured_good(tiny_folder) -> None:
    """The loss of step 3 condemns what step 2 made, so the weights after step 1 are the good ones."""
    config = TrainConfig(steps=9, **SMALL)
    model = with_fresh_lora(tiny(tiny_folder), config)
    kept = {}
    for event in train(model, ROWS[:3], RETAIN, None, config):
        if isinstance(event, StepDone):
            kept[event.step] = weights_of(model)
            if event.step == 2:  # as an exploding step would leave them
                with torch.no_grad():
                    next(iter(trainable(model.model).values())).fill_(float("nan"))
    assert isinstance(event, Diverged) and (event.step, event.kept_step) == (3, 1)
    found = weights_of(model)
    assert all(torch.equal(found[name], kept[1][name]) for name in found)


def test_the_retain_bound_brings_back_weights_within_it(tiny_folder) -> None:
    config = TrainConfig(objective="ga", steps=60, **{**SMALL, "learning_rate": 0.1})
    model = with_fresh_lora(tiny(tiny_folder, loud=True), config)
    events = (event for event in train(model, ROWS[:2], RETAIN, None, config) if isinstance(event, StepDone))
    first = next(events)
    assert any(event.retain_loss > first.retain_loss + 0.5 for event in events)
    config = TrainConfig(objective="ga", steps=60, **{**SMALL, "learning_rate": 0.1, "retain_bound": 0.5})
    model = with_fresh_lora(tiny(tiny_folder, loud=True), config)
    *_, event = train(model, ROWS[:2], RETAIN, None, config)
    assert isinstance(event, Diverged)
    assert event.kept_step == max(event.step - 2, 0)


def test_ascent_really_lowers_and_retain_really_keeps(tiny_folder) -> None:
    after = {}
    before = tiny(tiny_folder, loud=True)
    start = mean_log_prob(before, ROWS[:2]), mean_log_prob(before, RETAIN[:2])
    for objective in ("ga", "grad_diff"):
        config = TrainConfig(objective=objective, steps=12, **SMALL)
        model = with_fresh_lora(tiny(tiny_folder, loud=True), config)
        list(train(model, ROWS[:2], RETAIN[:2], None, config))
        after[objective] = mean_log_prob(model, ROWS[:2]), mean_log_prob(model, RETAIN[:2])
    assert after["ga"][0] < start[0] - 0.2 and after["grad_diff"][0] < start[0] - 0.02
    assert after["ga"][1] < start[1] - 0.05, "without a retain term the rest goes too"
    assert after["grad_diff"][1] > start[1] - 0.01


def test_chosen_tokens_fall_further_than_the_others(tiny_folder) -> None:
    config = TrainConfig(objective="npo", steps=12, retain_weight=0.0, **SMALL)
    row = ROWS[3]
    chosen = np.zeros(len(row.answer))
    chosen[slice(*row.gold[0])] = 1
    model = with_fresh_lora(tiny(tiny_folder), config)
    (before,) = tiny(tiny_folder).token_log_probs([(row.question, row.answer)])
    list(train(model, [row], [], {row.id: chosen}, config))
    fall = before.log_probs - model.token_log_probs([(row.question, row.answer)])[0].log_probs
    assert fall[chosen == 1].mean() > fall[chosen == 0].mean() + 0.1


@pytest.mark.parametrize("retain", ["ce", "kl"])
def test_starting_above_the_frozen_layers_changes_nothing(tiny_folder, monkeypatch, retain: str) -> None:
    config = TrainConfig(steps=4, layer_share=0.5, retain=retain, **SMALL)
    runs = []
    for cut in (True, False):
        if not cut:
            monkeypatch.setattr(loop, "can_be_cut", lambda *_: False)
        model = with_fresh_lora(tiny(tiny_folder), config)
        runs.append((losses(train(model, ROWS[:5], RETAIN, None, config)), weights_of(model)))
    (cut_losses, cut_weights), (whole_losses, whole_weights) = runs
    np.testing.assert_allclose(cut_losses, whole_losses, rtol=1e-5)
    assert cut_weights and all(".layers.1." in name for name in cut_weights)
    for name, value in cut_weights.items():
        torch.testing.assert_close(value, whole_weights[name], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(("objective", "retain"), [("ga", "own"), ("ga", "ce"), ("npo", "ce"), ("npo", "kl")])
def test_the_loss_is_what_was_minimised(tiny_folder, objective: str, retain: str) -> None:
    config = TrainConfig(objective=objective, retain=retain, retain_weight=0.5, steps=1, **SMALL)
    model = with_fresh_lora(tiny(tiny_folder), config)
    (done,) = (e for e in train(model, ROWS[:2], RETAIN, None, config) if isinstance(e, StepDone))
    # GA has no retain term of its own; KL starts at 0, because the fresh LoRA changes nothing yet
    added = {"own": 0.0, "kl": 0.0, "ce": 0.5 * done.retain_loss}[retain]
    assert done.loss == pytest.approx(done.forget_loss + added, abs=1e-5)
    assert done.retain_loss > 1
