"""What must not matter does not: batching, order, padding, a mask of nothing, a cached reference, a pause."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from tests.tiny_rows import RETAIN, ROWS, tiny
from tests.token_batches import drawn, state_of, value_of
from tokenunlearn import scoring
from tokenunlearn.models.adapters import lora_model, lora_of, save_adapter
from tokenunlearn.models.forward import batch_log_probs, run_pass
from tokenunlearn.objectives import OBJECTIVES, TokenBatch
from tokenunlearn.passes import Beside
from tokenunlearn.scoring import ScoreConfig, score
from tokenunlearn.signals import SIGNALS
from tokenunlearn.text.batching import collate
from tokenunlearn.text.encoding import encode
from tokenunlearn.text.masking import aligned, swap_subject
from tokenunlearn.training.reference import reference_log_probs

pytestmark = pytest.mark.slow

ALL = ScoreConfig(signals=tuple(SIGNALS))
BESIDE = Beside(RETAIN)
SHORT = tuple(row for row in ROWS if len(row.subject.split()) == 2)


@pytest.fixture(scope="module")
def loaded(tiny_folder):
    return tiny(tiny_folder)


@pytest.fixture(scope="module")
def encodings(loaded):
    return [encode(loaded.tokenizer, row.question, row.answer) for row in ROWS]


def with_adapter(tiny_folder, seed: int = 1):
    """The tiny model under a LoRA that really changes it."""
    model = lora_model(tiny(tiny_folder).model, 4, 8.0)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                parameter.copy_(0.2 * torch.randn(parameter.shape, generator=generator))
    return model.eval()


def assert_same(first, second, tolerance: float) -> None:
    for one, other in zip(first, second, strict=True):
        np.testing.assert_allclose(one.log_probs, other.log_probs, rtol=0, atol=tolerance)
        np.testing.assert_allclose(one.entropies, other.entropies, rtol=0, atol=tolerance)


def test_a_batch_of_8_is_8_batches_of_1(loaded, encodings) -> None:
    together = run_pass(loaded.model, encodings, loaded.pad_id, token_budget=10**6)
    alone = [run_pass(loaded.model, [encoding], loaded.pad_id)[0] for encoding in encodings]
    one_each = run_pass(loaded.model, encodings, loaded.pad_id, token_budget=1)
    assert len(encodings) == 8
    assert_same(together, alone, 2e-6)
    assert_same(together, one_each, 2e-6)


def test_hidden_tokens_go_with_their_rows(loaded, encodings) -> None:
    hidden = [[encoding.question_start + 2, encoding.prompt_length] for encoding in encodings]
    together = run_pass(loaded.model, encodings, loaded.pad_id, hidden=hidden, token_budget=10**6)
    alone = [
        run_pass(loaded.model, [encoding], loaded.pad_id, hidden=[where])[0]
        for encoding, where in zip(encodings, hidden, strict=True)
    ]
    assert_same(together, alone, 2e-6)


def test_the_order_of_rows_is_irrelevant_to_every_signal(loaded) -> None:
    forward, backward = (score(loaded, rows, ALL, BESIDE) for rows in (SHORT, SHORT[::-1]))
    for row in SHORT:
        one, other = (table[table.row_id == row.id].reset_index(drop=True) for table in (forward, backward))
        for name in (*SIGNALS, "random_key", "gold", "word_id"):
            np.testing.assert_allclose(one[name], other[name], rtol=0, atol=5e-6, err_msg=f"{row.id} {name}")


def test_the_groups_of_scoring_are_irrelevant(loaded, monkeypatch) -> None:
    whole = score(loaded, ROWS, ALL, BESIDE)
    monkeypatch.setattr(scoring, "GROUP", 1)
    single = score(loaded, ROWS, ALL, BESIDE)
    for name in SIGNALS:
        np.testing.assert_allclose(whole[name], single[name], rtol=0, atol=5e-6, err_msg=name)


@pytest.mark.parametrize("pad_id", [0, 5, 40])
def test_what_fills_the_padding_is_irrelevant(loaded, encodings, pad_id: int) -> None:
    expected = run_pass(loaded.model, encodings, loaded.pad_id, token_budget=10**6)
    assert_same(expected, run_pass(loaded.model, encodings, pad_id, token_budget=10**6), 0)


def test_adapter_off_is_the_base_to_the_bit(tiny_folder, loaded, encodings) -> None:
    model = with_adapter(tiny_folder)
    base = run_pass(loaded.model, encodings, loaded.pad_id)
    assert_same(base, run_pass(model, encodings, loaded.pad_id, adapter_off=True), 0)
    on = run_pass(model, encodings, loaded.pad_id)
    assert max(np.abs(a.log_probs - b.log_probs).max() for a, b in zip(base, on, strict=True)) > 1e-3


@torch.no_grad()
def sequence_form(name: str, batch: TokenBatch) -> float:
    """The published loss, row by row, without any token weight."""
    settings, mask = OBJECTIVES[name].settings(), batch.mask
    if name == "undial":
        reference, targets = logits_of(batch, "reference_logits"), batch.targets[mask]
        goal = (reference - settings.strength * functional.one_hot(targets, reference.shape[1])).softmax(-1)
        return float(functional.cross_entropy(logits_of(batch, "logits"), goal))
    if name == "ce_u":
        logits = logits_of(batch, "logits")
        others = logits.masked_fill(
            functional.one_hot(batch.targets[mask], logits.shape[1]).bool(), -torch.inf
        )
        return float(functional.cross_entropy(logits, others.softmax(-1)))
    if name == "pdu":
        return float(np.mean([(max(z) - np.mean(z)) ** 2 for z in logits_of(batch, "logits").tolist()]))
    if name == "rmu":
        goal = settings.steering * state_of(name)["u"]
        losses = [
            functional.mse_loss(row[on], goal.expand(int(on.sum()), -1))
            for row, on in zip(batch.hidden, mask, strict=True)
        ]
        return float(torch.stack(losses).mean())
    tokens = batch.log_probs[mask].double()
    if name == "satimp":
        return float((settings.forget_weight * tokens.exp() ** 5 * (1 - tokens.exp()) * tokens).mean())
    if name in ("ga", "grad_diff"):
        return float(tokens.mean())
    if name == "wga":
        return float((tokens.exp() ** settings.confidence_power * tokens).mean())
    beta = settings.beta
    if name == "simnpo":
        inner = [torch.sigmoid(-beta * lp[on].mean()) for lp, on in zip(batch.log_probs, mask, strict=True)]
        return float(settings.forget_weight * (-2 / beta * torch.stack(inner).log()).mean())
    if name == "tnpo":
        ratio = (tokens - batch.reference[mask].double()).exp()
        return float((2 / beta * torch.log(1 + ratio**beta)).mean())
    rejected = sums(batch)
    if name == "npo":
        return float((2 / beta * torch.log(1 + rejected.exp() ** beta)).mean())
    assert name in ("idk_dpo", "alt_dpo"), f"write the sequence form of {name} here"
    # TRL's sigmoid loss, of chosen and rejected log-ratios, times OpenUnlearning's 2/β
    trl = -functional.logsigmoid(beta * (sums(batch.other_answer) - rejected))
    return float(2 / beta * trl.mean())


def logits_of(batch: TokenBatch, name: str) -> torch.Tensor:
    """All logits of a kind, float64 [tokens vocab]."""
    return batch.sources[name]()(slice(None)).double()


def sums(batch: TokenBatch) -> torch.Tensor:
    """lp − lp_ref of each row, summed over its answer: float64 [rows]."""
    rows = zip(batch.log_probs.double(), batch.reference.double(), batch.mask, strict=True)
    return torch.stack([(lp - ref)[on].sum() for lp, ref, on in rows])


@pytest.mark.parametrize("name", OBJECTIVES)
def test_all_ones_weights_are_the_sequence_form(name: str) -> None:
    batch = drawn(name, rows=6, tokens=9, seed=4, ones=True)
    loss = value_of(name, batch)
    assert float(loss.total.detach()) / loss.count == pytest.approx(sequence_form(name, batch), rel=2e-6)


def test_masking_the_empty_set_moves_nothing(loaded, encodings) -> None:
    plain = run_pass(loaded.model, encodings, loaded.pad_id)
    assert_same(plain, run_pass(loaded.model, encodings, loaded.pad_id, hidden=[[]] * len(encodings)), 0)


def test_a_name_swapped_for_itself_moves_nothing(loaded, encodings) -> None:
    plain = run_pass(loaded.model, encodings, loaded.pad_id)
    for row, encoding, before in zip(ROWS, encodings, plain, strict=True):
        swap = swap_subject(row.question, row.answer, row.subject, row.subject)
        assert (swap.question, swap.answer) == (row.question, row.answer)
        swapped = encode(loaded.tokenizer, swap.question, swap.answer)
        found = aligned(encoding, swapped, swap.replaced)
        scored = found >= 0
        assert scored.sum() == len(row.answer) - len(row.subject)
        after = run_pass(loaded.model, [swapped], loaded.pad_id)[0].log_probs[found[scored]]
        np.testing.assert_allclose(after, before.log_probs[scored], rtol=0, atol=2e-6)


def test_the_cached_reference_is_the_live_one(tiny_folder, loaded, encodings) -> None:
    model = with_adapter(tiny_folder)
    starts = range(0, len(encodings), 3)
    cached = reference_log_probs(model, (collate(encodings[at : at + 3], loaded.pad_id) for at in starts))
    with torch.no_grad(), model.disable_adapter():
        batch = collate(encodings, loaded.pad_id)
        live = batch_log_probs(model, batch)
    frozen = run_pass(loaded.model, encodings, loaded.pad_id)
    for one, row, mask, base in zip(cached, live, batch.answer_mask, frozen, strict=True):
        torch.testing.assert_close(one, row[mask], rtol=0, atol=2e-6)
        np.testing.assert_allclose(one[:-1].numpy(), base.log_probs, rtol=0, atol=2e-6)


@pytest.mark.parametrize("training", [True, False])
def test_mode_and_random_state_are_given_back(tiny_folder, training: bool) -> None:
    loaded = tiny(tiny_folder)
    encodings = [encode(loaded.tokenizer, row.question, row.answer) for row in RETAIN]
    loaded.model.train(training)
    state = torch.get_rng_state()
    run_pass(loaded.model, encodings, loaded.pad_id)
    reference_log_probs(loaded.model, [collate(encodings, loaded.pad_id)])
    loaded.generate([row.question for row in RETAIN], 3)
    with pytest.raises(IndexError):
        run_pass(loaded.model, encodings, loaded.pad_id, hidden=[[10**6]] * len(encodings))
    assert loaded.model.training is training and torch.equal(torch.get_rng_state(), state)


def test_a_joined_adapter_is_the_trained_model_in_plain_peft(tiny_folder, tmp_path, encodings) -> None:
    from peft import PeftModel

    save_adapter(with_adapter(tiny_folder, 1), tmp_path / "target", None)
    target = tiny(tiny_folder, tmp_path / "target").model
    merged = lora_of(target)
    trained = lora_model(target.merge_and_unload(), 2, 4.0)
    generator = torch.Generator().manual_seed(9)
    with torch.no_grad():
        for name, parameter in trained.named_parameters():
            if "lora_" in name:
                parameter.copy_(0.2 * torch.randn(parameter.shape, generator=generator))
    save_adapter(trained, tmp_path / "both", merged)
    plain = PeftModel.from_pretrained(tiny(tiny_folder).model, str(tmp_path / "both"))
    assert_same(run_pass(trained, encodings, 2), run_pass(plain, encodings, 2), 1e-4)
    target = run_pass(tiny(tiny_folder, tmp_path / "target").model, encodings, 2)
    after = run_pass(plain, encodings, 2)
    moved = [np.abs(a.log_probs - b.log_probs).max() for a, b in zip(target, after, strict=True)]
    assert min(moved) > 1e-3
