"""Objectives beyond their one case: gradients, padding, rows without weight, shards that add up."""

import pytest
import torch

from tokenunlearn.objectives import OBJECTIVES, TokenBatch
from tokenunlearn.objectives.batch import LossSum, mean_one
from tokenunlearn.objectives.preference import NPOSettings, npo
from tokenunlearn.objectives.retain import retain_cross_entropy, retain_divergence

NAMES = list(OBJECTIVES)


def batch(rows: int = 4, tokens: int = 5, seed: int = 0) -> TokenBatch:
    generator = torch.Generator().manual_seed(seed)
    draw = torch.rand(3, rows, tokens, generator=generator)
    mask = torch.ones(rows, tokens, dtype=torch.bool)
    mask[1, 3:] = False
    return TokenBatch(
        (0.9 * draw[0] + 0.05).log().requires_grad_(), (0.9 * draw[1] + 0.05).log(), draw[2], mask
    )


def value(name: str, tokens: TokenBatch) -> LossSum:
    entry = OBJECTIVES[name]
    return entry.function(tokens, entry.settings())


def part(tokens: TokenBatch, rows: slice) -> TokenBatch:
    reference = tokens.reference[rows] if tokens.reference is not None else None
    return TokenBatch(tokens.log_probs[rows], reference, tokens.weights[rows], tokens.mask[rows])


@pytest.mark.parametrize("name", NAMES)
def test_descending_lowers_weighted_tokens_and_moves_no_other(name: str) -> None:
    tokens = batch()
    tokens.weights[0, 2] = 0.0
    value(name, tokens).total.backward()
    gradient = tokens.log_probs.grad
    chosen = (tokens.weights > 0) & tokens.mask
    assert (gradient[chosen] > 0).all() and (gradient[~chosen] == 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_what_stands_in_padding_does_not_matter(name: str) -> None:
    tokens = batch()
    other = torch.where(tokens.mask, tokens.log_probs, torch.tensor(float("nan")))
    weights = torch.where(tokens.mask, tokens.weights, torch.tensor(7.0))
    changed = TokenBatch(other, tokens.reference, weights, tokens.mask)
    one, two = value(name, tokens), value(name, changed)
    assert one.total.item() == two.total.item() and one.count == two.count


@pytest.mark.parametrize("name", NAMES)
def test_shards_add_up(name: str) -> None:
    tokens = batch()
    whole = value(name, tokens)
    shards = [value(name, part(tokens, slice(0, 1))), value(name, part(tokens, slice(1, 4)))]
    assert sum(shard.total.item() for shard in shards) == pytest.approx(whole.total.item(), abs=1e-5)
    assert sum(shard.count for shard in shards) == pytest.approx(whole.count, abs=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_chosen_is_nothing_to_learn(name: str) -> None:
    tokens = batch()
    empty = TokenBatch(tokens.log_probs, tokens.reference, torch.zeros(4, 5), tokens.mask)
    loss = value(name, empty)
    loss.total.backward()
    assert loss.total.item() == 0 and torch.count_nonzero(tokens.log_probs.grad) == 0


@pytest.mark.parametrize("name", NAMES)
def test_two_choices_of_scale(name: str) -> None:
    """Only NPO without mean-one weights presses harder when all weights are doubled."""
    tokens = batch()
    doubled = TokenBatch(tokens.log_probs, tokens.reference, 2 * tokens.weights, tokens.mask)
    one, two = value(name, tokens), value(name, doubled)
    assert two.total.item() / two.count == pytest.approx(one.total.item() / one.count, abs=1e-6)


def test_npo_takes_weights_as_they_are_when_told() -> None:
    tokens = TokenBatch(torch.tensor([[0.5, 0.5]]).log(), torch.tensor([[0.25, 0.25]]).log(),
                        torch.tensor([[2.0, 0.0]]), torch.ones(1, 2, dtype=torch.bool))  # fmt: skip
    # β = 1: Σ w(lp − ref) = 2 ln 2 → σ(−ln 4) = 1/5 → 2 ln 5
    assert npo(tokens, NPOSettings(1.0, False)).total.item() == pytest.approx(3.2188758, abs=1e-6)
    with pytest.raises(ValueError, match="reference"):
        npo(TokenBatch(tokens.log_probs, None, tokens.weights, tokens.mask), NPOSettings())


def test_mean_one_counts_answer_tokens_only() -> None:
    mask = torch.tensor([[True, True, True, False], [True, True, False, False]])
    found = mean_one(torch.tensor([[1.0, 0, 0, 9], [0, 0, 0, 0]]), mask)
    assert found.tolist() == [[3, 0, 0, 0], [0, 0, 0, 0]]


def test_retain_terms_by_hand() -> None:
    tokens = TokenBatch(
        torch.tensor([[0.5, 0.25]]).log(), None, torch.zeros(1, 2), torch.tensor([[True, True]])
    )
    found = retain_cross_entropy(tokens)
    # (ln 2 + ln 4), weights play no part
    assert found.total.item() == pytest.approx(2.0794415, abs=1e-6) and found.count == 2
    reference, current = torch.tensor([[0.5, 0.5]]).log(), torch.tensor([[0.25, 0.75]]).log()
    divergence = retain_divergence(current, reference)
    # ½ ln(½/¼) + ½ ln(½/¾) = ½ ln 2 + ½ ln ⅔ = 0.1438410362
    assert divergence.total.item() == pytest.approx(0.1438410, abs=1e-6) and divergence.count == 1
    assert retain_divergence(reference + 5, reference).total.item() == pytest.approx(0, abs=1e-6)


def test_the_registry_is_read_only_and_sourced() -> None:
    with pytest.raises(TypeError):
        OBJECTIVES["mine"] = OBJECTIVES["npo"]  # type: ignore[index]
    assert all(entry.label and entry.source for entry in OBJECTIVES.values())
    assert {name for name, entry in OBJECTIVES.items() if entry.needs_reference} == {"npo"}
    assert not OBJECTIVES["ga"].retains and OBJECTIVES["grad_diff"].retains
