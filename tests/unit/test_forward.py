"""Passes at answer positions against the plain model's own logits."""

import numpy as np
import pytest
import torch

from tests.tiny_rows import ROWS, tiny
from tokenunlearn.models import forward
from tokenunlearn.models.forward import batch_log_probs, run_pass, run_told
from tokenunlearn.text.batching import collate
from tokenunlearn.text.encoding import encode


@pytest.fixture(scope="module")
def loaded(tiny_folder):
    return tiny(tiny_folder)


@pytest.fixture(scope="module")
def encodings(loaded):
    return [encode(loaded.tokenizer, row.question, row.answer) for row in ROWS[:3]]


def plain_log_softmax(loaded, encoding):
    """float64 [answer tokens, vocab] straight from the model's logits."""
    with torch.no_grad():
        logits = loaded.model(torch.tensor([encoding.ids])).logits[0].double()
    return logits.log_softmax(-1)[encoding.predicting[:-1]].numpy()


def test_log_probs_entropies_and_alternatives_are_the_plain_models(loaded, encodings) -> None:
    for encoding, found in zip(encodings, run_pass(loaded.model, encodings, loaded.pad_id), strict=True):
        expected = plain_log_softmax(loaded, encoding)
        picked = expected[np.arange(encoding.answer_length), list(encoding.answer_ids)]
        np.testing.assert_allclose(found.log_probs, picked, atol=1e-5)
        np.testing.assert_allclose(found.entropies, -(np.exp(expected) * expected).sum(-1), atol=1e-5)
        np.testing.assert_allclose(found.top_log_probs, np.sort(expected)[:, :-6:-1], atol=1e-5)
        np.testing.assert_array_equal(found.top_ids[:, 0], expected.argmax(-1))
        np.testing.assert_array_equal(found.ranks, 1 + (expected > picked[:, None]).sum(1))
        assert found.log_probs.dtype == np.float64


def test_what_probes_are_told_is_a_part_of_what_scoring_measures(loaded, encodings) -> None:
    scores = run_pass(loaded.model, encodings, loaded.pad_id, include_end=True)
    for whole, told in zip(scores, run_told(loaded.model, encodings, loaded.pad_id), strict=True):
        np.testing.assert_array_equal(told.log_probs, whole.log_probs)
        np.testing.assert_array_equal(told.likeliest, whole.top_ids[:, 0])
        assert told.log_probs.dtype == np.float64


def test_chunks_change_nothing(loaded, encodings, monkeypatch) -> None:
    whole = run_pass(loaded.model, encodings, loaded.pad_id)
    monkeypatch.setattr(forward, "CHUNK", 7)
    for one, other in zip(whole, run_pass(loaded.model, encodings, loaded.pad_id), strict=True):
        np.testing.assert_allclose(one.log_probs, other.log_probs, atol=1e-6)
        np.testing.assert_array_equal(one.top_ids, other.top_ids)


def test_models_that_change_logits_take_the_full_path(loaded, encodings) -> None:
    plain = run_pass(loaded.model, encodings, loaded.pad_id)
    loaded.model.config.final_logit_softcapping = 30.0
    try:
        full = run_pass(loaded.model, encodings, loaded.pad_id)
    finally:
        del loaded.model.config.final_logit_softcapping
    for one, other in zip(plain, full, strict=True):
        np.testing.assert_allclose(one.log_probs, other.log_probs, atol=1e-5)


def test_training_and_scoring_agree_and_gradients_flow(loaded, encodings) -> None:
    batch = collate(encodings, loaded.pad_id)
    log_probs = batch_log_probs(loaded.model, batch)
    scores = run_pass(loaded.model, encodings, loaded.pad_id)
    for row, encoding, found in zip(log_probs.detach(), encodings, scores, strict=True):
        np.testing.assert_allclose(row[: encoding.answer_length].numpy(), found.log_probs, atol=1e-5)
    assert (log_probs.detach()[~batch.answer_mask] == 0).all()
    log_probs.sum().backward()
    assert loaded.model.lm_head.weight.grad.abs().sum() > 0
    loaded.model.zero_grad()


def test_a_hidden_token_is_not_seen(loaded) -> None:
    one, other = (encode(loaded.tokenizer, f"Was {name} here?", "Yes.") for name in ("Ada", "Eva"))
    where = list(range(one.question_start + 4, one.question_start + 7))
    seen = run_pass(loaded.model, [one, other], loaded.pad_id)
    hidden = run_pass(loaded.model, [one, other], loaded.pad_id, hidden=[where, where])
    assert np.abs(seen[0].log_probs - seen[1].log_probs).max() > 1e-4
    np.testing.assert_allclose(hidden[0].log_probs, hidden[1].log_probs, atol=1e-6)


def test_no_rows_give_no_scores(loaded) -> None:
    assert run_pass(loaded.model, [], loaded.pad_id) == []


def test_entropy_survives_an_impossible_token() -> None:
    logits = torch.tensor([[0.0, 0.0, float("-inf")]])
    log_prob, entropy, *_ = forward._scores(logits, torch.tensor([0]))
    assert entropy.item() == pytest.approx(np.log(2)) and log_prob.item() == pytest.approx(-np.log(2))


def test_rows_that_begin_alike_are_scored_together_as_alone(loaded) -> None:
    pairs = [(row.question, row.answer) for row in ROWS[:3]]
    pairs += [(ROWS[0].question, answer) for answer in ("He was born in Bath.", "Pau.", ROWS[1].answer)]
    encodings = [encode(loaded.tokenizer, question, answer) for question, answer in pairs]
    packed = run_pass(loaded.model, encodings, loaded.pad_id, include_end=True)
    for encoding, found in zip(encodings, packed, strict=True):
        (alone,) = run_pass(loaded.model, [encoding], loaded.pad_id, include_end=True)
        assert len(found.log_probs) == encoding.answer_length + 1
        np.testing.assert_allclose(found.log_probs, alone.log_probs, rtol=0, atol=2e-6)
        np.testing.assert_array_equal(found.top_ids, alone.top_ids)
        (plain,) = run_pass(loaded.model, [encoding], loaded.pad_id, hidden=[[0]])
        assert np.abs(plain.log_probs - found.log_probs[:-1]).max() > 1e-4
        (plain,) = run_pass(loaded.model, [encoding], loaded.pad_id, hidden=[[]])
        np.testing.assert_allclose(found.log_probs[:-1], plain.log_probs, rtol=0, atol=2e-6)
