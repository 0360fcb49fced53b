"""Terms of the loss beyond their one case: gradients, padding, rows without weight, shards that add up."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from tests.token_batches import LOGITS, batch_of, drawn, leaves_of, state_of, value_of
from tokenunlearn.data.demo import refusals
from tokenunlearn.data.rows import Row
from tokenunlearn.errors import InputError
from tokenunlearn.objectives import NEEDS, OBJECTIVES, RETAINS, TokenBatch
from tokenunlearn.objectives.batch import mean_one
from tokenunlearn.objectives.distribution import PDUSettings, dual_step, lagrangian
from tokenunlearn.objectives.representation import RMUSettings, control_vector
from tokenunlearn.objectives.second_answers import perturbed, refusal
from tokenunlearn.training.config import TrainConfig

NAMES = [*OBJECTIVES, *RETAINS]


def per_answer(values: Tensor, mask: Tensor) -> Tensor:
    """Values [tokens …] or [batch answers …] as one number per answer, the sum of absolute values."""
    if values.shape[:2] == mask.shape:
        return values.reshape(*mask.shape, -1).abs().sum(-1)
    return torch.zeros(mask.shape).masked_scatter(mask, values.abs().sum(-1))


def part(batch: TokenBatch, rows: slice) -> TokenBatch:
    """Some rows of the batch."""
    starts = [0, *batch.mask.sum(1).cumsum(0).tolist()]
    tokens = slice(starts[rows.start], starts[rows.stop])
    given = {}
    for name, source in batch.sources.items():
        value = source()
        if name in LOGITS:
            given[name] = value(tokens)
        else:
            given[name] = part(value, rows) if isinstance(value, TokenBatch) else value[rows]
    return batch_of(batch.weights[rows], batch.mask[rows], batch.targets[rows], **given)


@pytest.mark.parametrize("name", NAMES)
def test_descending_moves_weighted_tokens_and_no_other(name: str) -> None:
    batch = drawn(name)
    batch.weights[0, 2] = 0.0
    value_of(name, batch).total.backward()
    chosen = (batch.weights > 0) & batch.mask
    leaves = leaves_of(batch)
    second = leaves.pop("other_answer", None)
    moved = torch.zeros(batch.mask.shape)
    for leaf in leaves.values():
        if leaf.grad is not None:
            moved += per_answer(leaf.grad, batch.mask)
    assert (moved[chosen] > 0).all() and (moved[~chosen] == 0).all()
    if "log_probs" in leaves and name in OBJECTIVES and leaves["log_probs"].grad is not None:
        assert (leaves["log_probs"].grad[chosen] > 0).all(), "the chosen tokens become less likely"
    assert second is None or (second.grad[batch.mask] < 0).all(), "the second answer becomes likelier"


def test_the_goal_of_ce_u_carries_no_gradient() -> None:
    """Of a fixed goal q the gradient by the logits is softmax(z) − q, here of one token of weight 1."""
    logits = torch.tensor([[1.0, 0.0, -1.0]], requires_grad=True)
    batch = batch_of([[1.0]], [[True]], [[0]], log_probs=torch.zeros(1, 1), logits=logits)
    value_of("ce_u", batch).total.backward()
    goal = torch.tensor([[float("-inf"), 0.0, -1.0]]).softmax(-1)
    torch.testing.assert_close(logits.grad, logits.detach().softmax(-1) - goal)


@pytest.mark.parametrize("name", NAMES)
def test_what_stands_in_padding_does_not_matter(name: str) -> None:
    batch = drawn(name)
    nothing = torch.tensor(float("nan"))
    given = {}
    for key, source in batch.sources.items():
        value = source()
        if isinstance(value, Tensor):
            mask = batch.mask if value.dim() == 2 else batch.mask[..., None]
            value = torch.where(mask, value, nothing)
        given[key] = value(slice(None)) if key in LOGITS else value
    weights = torch.where(batch.mask, batch.weights, torch.tensor(7.0))
    one, two = value_of(name, batch), value_of(name, batch_of(weights, batch.mask, batch.targets, **given))
    assert one.total.item() == two.total.item() and one.count == two.count


@pytest.mark.parametrize("name", NAMES)
def test_shards_add_up(name: str) -> None:
    batch = drawn(name)
    whole = value_of(name, batch)
    shards = [value_of(name, part(batch, slice(0, 1))), value_of(name, part(batch, slice(1, 4)))]
    assert sum(shard.total.item() for shard in shards) == pytest.approx(whole.total.item(), rel=1e-5)
    assert sum(shard.count for shard in shards) == pytest.approx(whole.count, abs=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_chosen_is_nothing_to_learn(name: str) -> None:
    batch = drawn(name)
    empty = replace(batch, weights=torch.zeros(4, 5))
    loss = value_of(name, empty)
    loss.total.backward()
    grads = [leaf.grad for leaf in leaves_of(batch).values() if leaf.grad is not None]
    assert loss.total.item() == 0 and grads and all(torch.count_nonzero(grad) == 0 for grad in grads)


@pytest.mark.parametrize("name", NAMES)
def test_a_row_without_weight_adds_nothing(name: str) -> None:
    batch = drawn(name)
    batch.weights[2] = 0
    loss = value_of(name, batch)
    loss.total.backward()
    others = [part(batch, slice(0, 2)), part(batch, slice(3, 4))]
    assert loss.total.item() == pytest.approx(
        sum(value_of(name, each).total.item() for each in others), rel=1e-5
    )
    for leaf in leaves_of(batch).values():
        assert leaf.grad is None or per_answer(leaf.grad, batch.mask)[2].sum() == 0


@pytest.mark.parametrize("name", NAMES)
def test_doubled_weights_press_no_harder(name: str) -> None:
    batch = drawn(name)
    one, two = value_of(name, batch), value_of(name, replace(batch, weights=2 * batch.weights))
    assert two.total.item() / two.count == pytest.approx(one.total.item() / one.count, rel=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_what_an_entry_does_not_name_it_cannot_read(name: str) -> None:
    entry = OBJECTIVES.get(name) or RETAINS[name]
    assert entry.needs <= set(NEEDS) and entry.help and not entry.help.endswith(".")
    for need in entry.needs - {"retain_rows"}:
        batch = drawn(name)
        lacking = replace(batch, sources={key: of for key, of in batch.sources.items() if key != need})
        with pytest.raises(LookupError, match=need):
            value_of(name, lacking)


@pytest.mark.parametrize("name", ["undial", "pdu", "kl"])
def test_logits_in_chunks_are_logits_at_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, parts = drawn(name), drawn(name)
    value_of(name, whole).total.backward()
    monkeypatch.setattr("tokenunlearn.objectives.batch.CHUNK", 4)
    value_of(name, parts).total.backward()
    one, two = (leaves_of(batch)["logits"].grad for batch in (whole, parts))
    torch.testing.assert_close(one, two)


def test_npo_takes_weights_as_they_are_when_told() -> None:
    batch = batch_of(
        [[2.0, 0.0]], [[1, 1]], log_probs=torch.tensor([[0.5, 0.5]]).log(),
        reference=torch.tensor([[0.25, 0.25]]).log(),
    )  # fmt: skip
    # β = 1: Σ w(lp − ref) = 2 ln 2 → σ(−ln 4) = 1/5 → 2 ln 5
    found = value_of("npo", batch, beta=1.0, weights_mean_one=False)
    assert found.total.item() == pytest.approx(3.2188758, abs=1e-6)


def test_tnpo_has_the_gradient_of_the_published_weights() -> None:
    """G-effect's code: ascent weighted by 2p^β / (p^β + p_ref^β), the weight without gradient."""
    batch = drawn("tnpo", ones=True)
    value_of("tnpo", batch).total.backward()
    p, reference = batch.log_probs.detach().exp() ** 4, batch.reference.exp() ** 4
    expected = torch.where(batch.mask, 2 * p / (p + reference), torch.zeros(()))
    torch.testing.assert_close(batch.log_probs.grad, expected)


def test_undial_stands_still_where_the_goal_is_reached() -> None:
    batch = drawn("undial", ones=True)
    reference = batch.sources["reference_logits"]()(slice(None))
    goal = reference.clone()
    goal[torch.arange(len(goal)), batch.targets[batch.mask]] -= 10.0
    logits = goal.requires_grad_()
    there = batch_of(batch.weights, batch.mask, batch.targets, logits=logits, reference_logits=reference)
    value_of("undial", there).total.backward()
    assert logits.grad.abs().max() < 1e-6


def test_mean_one_counts_answer_tokens_only() -> None:
    mask = torch.tensor([[True, True, True, False], [True, True, False, False]])
    found = mean_one(torch.tensor([[1.0, 0, 0, 9], [0, 0, 0, 0]]), mask)
    assert found.tolist() == [[3, 0, 0, 0], [0, 0, 0, 0]]


def test_the_dual_variable_by_hand() -> None:
    """λ ← max(0, 10 + 5·(0.7 − 0.3)) = 12; a retain loss of 0 takes 5·0.3 = 1.5 off; never below 0."""
    settings = PDUSettings(forget_weight=2.0, dual_start=10.0, dual_step=5.0, tolerance=0.3, warm_up=1)
    state = OBJECTIVES["pdu"].state(settings, 8, torch.Generator())
    seen = []
    for retain in (9.0, 0.7, 0.0):  # the first step is the warm-up
        state = dual_step(state, settings, retain)
        seen.append(round(float(state["dual"]), 5))
    assert seen == [10.0, 12.0, 10.5]
    assert lagrangian(5.0, settings, state) == (2.0, 10.5)
    assert float(dual_step({**state, "dual": torch.tensor(0.1)}, settings, 0.0)["dual"]) == 0.0


def test_the_control_vector_is_a_unit_drawn_by_the_seed() -> None:
    one, two, other = (
        control_vector(RMUSettings(), 576, torch.Generator().manual_seed(seed))["u"] for seed in (0, 0, 1)
    )
    assert torch.equal(one, two) and not torch.equal(one, other)
    assert float(one.norm()) == pytest.approx(1, abs=1e-6) and float(one.min()) >= 0


def test_refusals_are_drawn_by_row_and_seed() -> None:
    rows = [Row(f"r{number}", "Who?", "Ada.") for number in range(40)]
    drawn_ = [refusal(row, 0) for row in rows]
    assert drawn_ == [refusal(row, 0) for row in rows] and drawn_ != [refusal(row, 1) for row in rows]
    assert len(set(drawn_)) > 10 and set(drawn_) <= set(refusals())
    assert len(set(refusals())) == len(refusals()) >= 20
    assert all(len(each.split()) <= 9 and each.endswith(".") and each.isascii() for each in refusals())


def test_a_row_without_a_second_answer_is_named() -> None:
    assert perturbed(Row("r1", "Who?", "Ada.", perturbed_answer=("Bob.",)), 3) == "Bob."
    with pytest.raises(InputError, match="Row r1 has no second answer"):
        perturbed(Row("r1", "Who?", "Ada."), 0)


def test_the_registry_is_read_only_and_sourced() -> None:
    with pytest.raises(TypeError):
        OBJECTIVES["mine"] = OBJECTIVES["npo"]  # type: ignore[index]
    assert all(entry.label and entry.source for entry in (*OBJECTIVES.values(), *RETAINS.values()))
    assert all(entry.retains in ("", *RETAINS) for entry in OBJECTIVES.values())
    assert not OBJECTIVES["ga"].retains and OBJECTIVES["grad_diff"].retains == "ce"
    assert all(("other_answer" in entry.needs) == (entry.other is not None) for entry in OBJECTIVES.values())
    assert all(hasattr(entry.settings(), "depth") for entry in OBJECTIVES.values() if "hidden" in entry.needs)


def test_the_retain_term_is_the_objectives_own_unless_another_is_asked_for() -> None:
    found = [
        TrainConfig(objective=name, retain=retain).retain_term
        for name in ("npo", "rmu", "ga")
        for retain in ("own", "ce", "kl")
    ]
    assert found == ["ce", "ce", "kl", "hidden", "ce", "kl", "", "ce", "kl"]
    assert state_of("npo") == {}
