"""The pieces of a run: guard, order of rows, masks that fit, checkpoints, settings, one process's share."""

import math
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.tiny_rows import RETAIN, ROWS, tiny
from tokenunlearn.errors import MaskError, RunError, SettingError
from tokenunlearn.metrics.facts import fact_probability
from tokenunlearn.models.adapters import lora_of
from tokenunlearn.models.forward import run_pass
from tokenunlearn.models.language_model import TokenLogProbs
from tokenunlearn.settings import from_dict, to_dict
from tokenunlearn.text.encoding import encode
from tokenunlearn.training.checkpoint import Progress, load_checkpoint, save_checkpoint, trainable
from tokenunlearn.training.config import TrainConfig
from tokenunlearn.training.distribution import Processes
from tokenunlearn.training.events import Diverged, EvalDone, Finished, Saved, StepDone
from tokenunlearn.training.guard import divergence
from tokenunlearn.training.loop import train
from tokenunlearn.training.session import fact_probabilities, padded, row_batch, train_rows, with_fresh_lora

SMALL = {"forget_batch": 2, "retain_batch": 2, "retain_bound": 20.0, "rank": 2}


@pytest.mark.parametrize(
    "loss, retain, start, words",
    [
        (1.0, 1.0, 1.0, None),
        (1.0, math.nan, 1.0, None),
        (1.0, 9.0, math.nan, None),
        (math.nan, 1.0, 1.0, "loss became nan"),
        (-math.inf, 1.0, 1.0, "loss became -inf"),
        (1.0, 2.5, 0.25, "rose from 0.25 at the start to 2.50 nats, by more than 2.00"),
        (1.0, math.inf, 0.25, "rose from 0.25 at the start to inf nats"),
        (1.0, 2.25, 0.25, None),
        (1.0, 7.0, 5.25, None),
        (1.0, 5.0, 9.0, None),
    ],
)
def test_guard(loss: float, retain: float, start: float, words: str | None) -> None:
    found = divergence(loss, retain, start, 2.0)
    assert found is None if words is None else words in found


def test_every_row_comes_once_an_epoch_and_a_step_needs_no_state() -> None:
    order = [index for step in range(1, 6) for index in row_batch(3, step, 5, 2)]
    assert sorted(order[:5]) == sorted(order[5:]) == list(range(5))
    assert row_batch(3, 4, 5, 2) == order[6:8] and row_batch(4, 1, 50, 9) != row_batch(3, 1, 50, 9)
    assert row_batch(3, 1, 20, 20) != row_batch(3, 2, 20, 20)  # each epoch has an order of its own
    assert row_batch(0, 1, 0, 4) == [] and sorted(row_batch(0, 1, 3, 99)) == [0, 1, 2]


def test_weights_must_fit_their_rows(tiny_folder) -> None:
    loaded, row = tiny(tiny_folder), ROWS[0]
    count = len(row.answer)
    plain, chosen, ones = (
        train_rows(loaded, [row], weights)[0].weights.tolist()
        for weights in (None, {row.id: np.eye(1, count)[0]}, {row.id: np.ones(count)})
    )
    assert plain == ones == [1.0] * (count + 1) and chosen == [1.0] + [0.0] * count
    for weights in ({}, {row.id: np.ones(count - 1)}):
        with pytest.raises(MaskError, match=f"{count} answer tokens") as caught:
            train_rows(loaded, [row], weights)
        assert caught.value.where == row.id


def test_padded() -> None:
    found = padded([torch.tensor([1.0]), torch.tensor([2.0, 3.0])], torch.zeros(2, 3))
    assert found.tolist() == [[1, 0, 0], [2, 3, 0]]


def test_live_fact_probability_is_the_probes(tiny_folder) -> None:
    row = ROWS[0]
    encoding = encode(tiny(tiny_folder).tokenizer, row.question, row.answer)
    log_probs = np.log(np.linspace(0.3, 0.9, len(row.answer)))
    two = type(row)(**{**row.__dict__, "gold": ((9, 12), (21, 25))})
    places = np.arange(len(row.answer))
    expected = fact_probability(
        row.answer, TokenLogProbs(log_probs, places, places + 1), two.gold, row.subject
    )
    found = fact_probabilities(two, encoding, torch.tensor([*log_probs, -5.0]))
    assert found == pytest.approx((expected.joint, expected.other), rel=1e-12)
    # the mean over both spans, not their product
    spans = [np.exp(log_probs[slice(*span)].sum()) for span in two.gold]
    assert found[0] == pytest.approx(np.mean(spans))
    assert fact_probabilities(type(row)("x", row.question, row.answer), encoding, log_probs)[0] is None


def test_a_step_descends_the_stated_loss(tiny_folder, tmp_path) -> None:
    """GradDiff, by plain autograd: −CE of the forget tokens + λ·CE of those to keep, clipped to norm 1."""
    config = TrainConfig(objective="grad_diff", retain_weight=3.0, steps=1, **{**SMALL, "layer_share": 1.0})
    model = with_fresh_lora(tiny(tiny_folder), config)
    rows = [
        [each[at] for at in row_batch(seed, 1, 2, 2)] for seed, each in enumerate((ROWS[:2], RETAIN[1:3]))
    ]

    def mean_loss(picked) -> torch.Tensor:
        losses = []
        for row in picked:
            encoding = encode(model.tokenizer, row.question, row.answer)
            logits = model.model(torch.tensor([encoding.ids])).logits[0, encoding.predicting]
            said = torch.tensor([*encoding.answer_ids, *encoding.end_ids])
            losses.append(torch.nn.functional.cross_entropy(logits, said, reduction="none"))
        return torch.cat(losses).mean()

    (3 * mean_loss(rows[1]) - mean_loss(rows[0])).backward()
    gradients = {name: each.grad.clone() for name, each in trainable(model.model).items()}
    norm = torch.cat([each.flatten() for each in gradients.values()]).norm()
    list(train(model, ROWS[:2], RETAIN[1:3], None, config, tmp_path))
    saved = load_file(tmp_path / "checkpoint.safetensors")
    for name, gradient in gradients.items():
        moment = saved[f"exp_avg/{name}"] / 0.1  # after one step of Adam: (1 − β₁) times the gradient
        torch.testing.assert_close(moment, gradient / norm.clamp_min(1), rtol=1e-3, atol=1e-6)


def test_one_process_shares_with_nobody() -> None:
    one = Processes()
    assert one.is_main and one.share([4, 2]) == [4, 2] and one.sum(3.5) == 3.5
    assert one.merged({"a": 1}) == {"a": 1}


@pytest.mark.parametrize("index, expected", [(0, [7, 9]), (1, [8]), (2, [])])
def test_rows_are_dealt_once(index: int, expected: list[int]) -> None:
    processes = Processes()
    processes.index, processes.count = index, 2 if index < 2 else 4
    assert processes.share([7, 8, 9][: 2 if index == 2 else 3]) == expected


def test_a_checkpoint_brings_weights_and_moments_back(tiny_folder, tmp_path) -> None:
    config = TrainConfig(**SMALL)
    models = [with_fresh_lora(tiny(tiny_folder), config).model for _ in range(2)]
    optimizers = [torch.optim.AdamW(trainable(model).values(), lr=0.1) for model in models]
    for parameter in trainable(models[0]).values():
        parameter.grad = torch.ones_like(parameter)
    optimizers[0].step()
    assert load_checkpoint(tmp_path, models[1], optimizers[1]).step == 0
    save_checkpoint(tmp_path, models[0], optimizers[0], Progress(7, 0.1), {})
    assert load_checkpoint(tmp_path, models[1], optimizers[1]) == Progress(7, 0.1)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.safetensors"]
    for one, two in zip(trainable(models[0]).values(), trainable(models[1]).values(), strict=True):
        assert torch.equal(one, two)
        states = [optimizer.state[p] for optimizer, p in zip(optimizers, (one, two), strict=True)]
        assert all(
            torch.equal(torch.as_tensor(states[0][k]), torch.as_tensor(states[1][k])) for k in states[0]
        )


def test_a_step_is_told_before_its_checkpoint_is_written_and_kept_by_whoever_stops_there(
    tiny_folder, tmp_path
) -> None:
    """A kill in between does the step once more; in the other order the curve would have a hole."""
    model = with_fresh_lora(tiny(tiny_folder), TrainConfig(**SMALL))
    events = train(model, ROWS[:2], RETAIN[:2], None, TrainConfig(steps=3, **SMALL), tmp_path)
    for expected in (1, 2):
        event = next(each for each in events if isinstance(each, StepDone))
        assert event.step == expected
        saved = expected - 1
        assert (tmp_path / "checkpoint.safetensors").exists() == (saved > 0)
        if saved:
            assert checkpoint_step(model, tmp_path) == saved
    events.close()
    assert checkpoint_step(model, tmp_path) == 2


def checkpoint_step(model, folder) -> int:
    """The step of the checkpoint, read into a model of its own."""
    fresh = deepcopy(model.model)
    return load_checkpoint(folder, fresh, torch.optim.AdamW(trainable(fresh).values())).step


def test_a_checkpoint_of_other_layers_is_refused(tiny_folder, tmp_path) -> None:
    from tokenunlearn.models.adapters import lora_model

    first, other = (lora_model(tiny(tiny_folder).model, 2, 4.0, layers) for layers in (None, [0]))
    save_checkpoint(tmp_path, first, torch.optim.AdamW(trainable(first).values()), Progress(1), {})
    with pytest.raises(RunError, match="does not fit"):
        load_checkpoint(tmp_path, other, torch.optim.AdamW(trainable(other).values()))


def test_settings_go_to_a_dict_and_back_and_know_their_objective() -> None:
    config = TrainConfig(objective="npo", objective_settings={"beta": 0.5}, steps=3)
    assert from_dict(TrainConfig, to_dict(config)) == config and config.objective_of().beta == 0.5
    wrong: list[dict] = [{"objective": "np"}, {"learning_rate": math.nan}, {"steps": 0}]
    wrong += [{"objective_settings": value} for value in ({"betta": 1}, {"beta": 99}, [1])]
    for settings in wrong:
        with pytest.raises(SettingError):
            TrainConfig(**settings)


def test_events_come_in_order(tiny_folder, tmp_path) -> None:
    config = TrainConfig(steps=3, eval_every=2, **SMALL)
    model = with_fresh_lora(tiny(tiny_folder), config)
    events = list(train(model, ROWS[:2], RETAIN[:2], None, config, tmp_path, ROWS[0]))
    kinds = [type(event) for event in events]
    assert kinds == [StepDone, Saved, StepDone, Saved, EvalDone, StepDone, Saved, EvalDone, Finished]
    assert [event.step for event in events] == [1, 1, 2, 2, 2, 3, 3, 3, 3]
    looks = [event for event in events if isinstance(event, EvalDone)]
    assert all(look.answer_id == ROWS[0].id and look.answer_text is not None for look in looks)
    assert all(0 < look.fact_joint < 1 and 0 < look.retain < 1 for look in looks)


def test_a_step_says_how_many_tokens_it_trained(tiny_folder) -> None:
    """Of the rows of its batch; any weight above 0 counts one, and so does a trained end of turn."""
    config = TrainConfig(steps=3, forget_batch=2, retain_batch=2, retain_bound=20, rank=2)

    def trained(count, weights):
        model = with_fresh_lora(tiny(tiny_folder), config)
        events = train(model, ROWS[:count], RETAIN[:2], weights, config)
        return [event.tokens for event in events if isinstance(event, StepDone)]

    assert [len(row.answer) for row in ROWS[:2]] == [26, 26]
    assert trained(2, None) == [54, 54, 54]
    weights = {row.id: np.zeros(len(row.answer)) for row in ROWS[:3]}
    for count, row in enumerate(ROWS[:3], 1):
        weights[row.id][:count] = 0.1 * count
    by_place = [1, 2, 3]
    steps = [row_batch(config.seed, step, 3, 2) for step in (1, 2, 3)]
    assert trained(3, weights) == [sum(by_place[place] for place in places) for places in steps]
    assert sum(trained(3, weights)) == 2 * (1 + 2 + 3)  # six rows are two epochs


def test_the_norm_outlives_a_checkpoint(tiny_folder, tmp_path) -> None:
    config = TrainConfig(steps=2, **SMALL)
    model = with_fresh_lora(tiny(tiny_folder), config)
    assert lora_of(model.model).norm == 0
    list(train(model, ROWS[:2], RETAIN[:2], None, config, tmp_path))
    again = with_fresh_lora(tiny(tiny_folder), config)
    list(train(again, ROWS[:2], RETAIN[:2], None, config, tmp_path))
    assert lora_of(again.model).norm == lora_of(model.model).norm > 0


def test_a_run_ends_when_the_fact_is_forgotten(tiny_folder) -> None:
    config = TrainConfig(steps=9, stop_fact_below=0.9, **SMALL)
    events = list(train(with_fresh_lora(tiny(tiny_folder), config), ROWS[:2], RETAIN[:2], None, config))
    assert events[-1] == Finished(1, "joint fact probability below 0.9")


def test_the_guard_looks_at_the_rise_above_the_start(tiny_folder, tmp_path) -> None:
    """The retain loss of a random model is near log 61 = 4.1 nats from the start; that is no divergence."""
    quiet = TrainConfig(steps=2, **{**SMALL, "retain_bound": 0.1, "learning_rate": 1e-5})
    model = with_fresh_lora(tiny(tiny_folder), quiet)
    events = list(train(model, ROWS[:2], RETAIN[:2], None, quiet))
    first, second = (event for event in events if isinstance(event, StepDone))
    assert first.retain_loss > 4 and first.retain_start == second.retain_start == first.retain_loss
    assert isinstance(events[-1], Finished)

    loud = replace(quiet, objective="ga", steps=60, learning_rate=0.1)
    model = with_fresh_lora(tiny(tiny_folder, loud=True), loud)
    *_, last = train(model, ROWS[:2], RETAIN[:2], None, loud, tmp_path)
    assert isinstance(last, Diverged) and last.kept_step == max(last.step - 2, 0)
    assert last.retain_loss > last.retain_start + 0.1
    assert f"from {last.retain_start:.2f} at the start to {last.retain_loss:.2f} nats" in last.reason
    # A checkpoint of a run that diverged does not go on: it would diverge again.
    with pytest.raises(RunError, match=f"diverged after step {last.kept_step}: the retain loss rose"):
        train(with_fresh_lora(tiny(tiny_folder, loud=True), loud), ROWS[:2], RETAIN[:2], None, loud, tmp_path)


def test_the_guard_compares_rows_with_themselves(tiny_folder) -> None:
    """Rows that were worse known than those of the first step from the start are no divergence."""
    config = TrainConfig(steps=6, **{**SMALL, "retain_bound": 0.1, "retain_batch": 1, "learning_rate": 1e-6})
    events = list(
        train(with_fresh_lora(tiny(tiny_folder, loud=True), config), ROWS[:2], RETAIN, None, config)
    )
    losses = [event.retain_loss for event in events if isinstance(event, StepDone)]
    assert max(losses) > losses[0] + 0.1 and isinstance(events[-1], Finished)

    loud = replace(config, objective="ga", steps=60, learning_rate=0.1)
    model = with_fresh_lora(tiny(tiny_folder, loud=True), loud)
    *_, last = train(model, ROWS[:2], RETAIN, None, loud)
    assert isinstance(last, Diverged) and last.retain_loss > last.retain_start + 0.1
    row = RETAIN[row_batch(loud.seed + 1, last.step, len(RETAIN), 1)[0]]
    (alone,) = tiny(tiny_folder, loud=True).token_log_probs([(row.question, row.answer)])
    end = train_rows(model, [row], None)[0].encoding
    with model.model.disable_adapter():
        (whole,) = run_pass(model.model, [end], model.pad_id, include_end=True)
    assert np.allclose(whole.log_probs[:-1], alone.log_probs, atol=1e-4)
    assert last.retain_start == pytest.approx(-whole.log_probs.mean(), abs=1e-4)


def test_a_run_that_goes_on_from_bad_weights_puts_the_same_good_ones_back(tiny_folder, tmp_path) -> None:
    """The weights of a checkpoint are measured by the next step only: they may be what the guard stops."""
    config = TrainConfig(objective="ga", **{**SMALL, "steps": 60, "retain_bound": 0.1, "learning_rate": 0.1})

    whole_model = with_fresh_lora(tiny(tiny_folder, loud=True), config)
    *_, whole = train(whole_model, ROWS[:2], RETAIN[:2], None, config)
    assert isinstance(whole, Diverged) and whole.step > 1

    model = with_fresh_lora(tiny(tiny_folder, loud=True), config)
    events = train(model, ROWS[:2], RETAIN[:2], None, config, tmp_path)
    next(each for each in events if isinstance(each, StepDone) and each.step == whole.step - 1)
    events.close()
    model = with_fresh_lora(tiny(tiny_folder, loud=True), config)
    *_, last = train(model, ROWS[:2], RETAIN[:2], None, config, tmp_path)
    assert (last.step, last.kept_step) == (whole.step, whole.kept_step)
    wanted = trainable(whole_model.model)
    assert all(torch.equal(value, wanted[name]) for name, value in trainable(model.model).items())
