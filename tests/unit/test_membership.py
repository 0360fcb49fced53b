"""Membership against rows held out: scores and AUC by hand, the vocabulary's moments, what is asked."""

import math
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import mannwhitneyu

from tests.tiny_rows import RETAIN, ROWS, tiny
from tokenunlearn.data.rows import Row
from tokenunlearn.data.splits import Splits
from tokenunlearn.metrics.privacy import (
    closeness,
    membership_auc,
    membership_shares,
    min_k_score,
    zlib_score,
)
from tokenunlearn.models.forward import Told, causal_model, run_told
from tokenunlearn.models.language_model import Standardises, TokenLogProbs, Written
from tokenunlearn.models.loading import LoadedModel
from tokenunlearn.probes.evidence import ProbeSettings
from tokenunlearn.probes.report import probe_report
from tokenunlearn.text.encoding import encode

NAMES = ("mia_loss", "mia_zlib", "mia_min_k", "mia_min_k_plus_plus")
ASKED = ProbeSettings(membership=True, truth_ratio=False, paraphrases=0, paraphrased_answers=0)
HELD_OUT = tuple(replace(row, split="holdout") for row in ROWS[4:])


def test_the_share_of_rows_held_out_that_score_higher_by_hand() -> None:
    # 1: all three are higher; 3: one is, one is equal; 5: none.
    shares = membership_shares([1, 3, 5, math.nan], [2, 3, 4, math.nan])
    assert shares[:3] == pytest.approx([1, 0.5, 0]) and math.isnan(shares[3])
    assert membership_auc([1, 3, 5, math.nan], [2, 3, 4]) == pytest.approx(0.5)
    assert np.isnan(membership_shares([1.0], [math.nan])).all() and math.isnan(membership_auc([1.0], []))


def test_the_mean_share_is_the_auc_of_scipy_with_ties() -> None:
    random = np.random.default_rng(3)
    for _ in range(50):
        forget, holdout = random.integers(0, 9, 17) / 2, random.integers(2, 11, 13) / 2
        wins = mannwhitneyu(holdout, forget, method="asymptotic").statistic
        assert membership_auc(forget, holdout) == pytest.approx(wins / (17 * 13), abs=1e-12)


def test_zlib_score_by_hand() -> None:
    size = len(zlib.compress("Zoë lives in Ulm.".encode()))
    assert zlib_score([-1.0, -3.0], "Zoë lives in Ulm.") == pytest.approx(2 / size)
    assert math.isnan(zlib_score([], ""))


def test_closeness_to_the_reference() -> None:
    assert closeness(0.5, 0.5) == 1 and closeness(0.75, 0.5) == 0.5 and closeness(1.0, 0.4) == 0
    assert math.isnan(closeness(math.nan, 0.5)) and math.isnan(closeness(0.5, 0.0))


def test_a_log_prob_standardised_over_two_tokens_by_hand() -> None:
    """Mean .8·ln .8 + .2·ln .2, deviation √(.8·.2)·ln 4: the likely token is .5 above, the other 2 below."""
    from tokenunlearn.models.forward import _told_standardised

    logits = torch.tensor([[0.8, 0.2, 0.0]] * 2).log()
    log_probs, likeliest, standardised = _told_standardised(logits, torch.tensor([0, 1]))
    assert log_probs.tolist() == pytest.approx([math.log(0.8), math.log(0.2)])
    assert likeliest.tolist() == [0, 0]
    assert standardised.tolist() == pytest.approx([0.5, -2.0], abs=1e-6)
    # A place where all but one token is impossible has no deviation: 1e-6 nats², as in the reference code.
    _, _, sure = _told_standardised(torch.tensor([[0.0, -40.0]]), torch.tensor([1]))
    assert sure.tolist() == pytest.approx([-40 / 1e-3], rel=1e-5)


def plain_standardised(model: LoadedModel, question: str, answer: str) -> np.ndarray:
    """As the published code words it, in float64 on the logits of the plain model."""
    encoding = encode(model.tokenizer, question, answer)
    with torch.no_grad():
        logits = causal_model(model.model)(torch.tensor([encoding.ids])).logits[0].double()
    first = encoding.prompt_length - 1
    vocabulary = logits[first : first + encoding.answer_length].log_softmax(-1)
    truth = vocabulary.gather(-1, torch.tensor(encoding.answer_ids)[:, None])[:, 0]
    mean = (vocabulary.exp() * vocabulary).sum(-1)
    variance = (vocabulary.exp() * vocabulary.square()).sum(-1) - mean.square()
    return ((truth - mean) / variance.clamp(min=1e-6).sqrt()).numpy()


def test_the_aucs_of_a_model_from_its_plain_logits(tiny_folder: Path) -> None:
    model = tiny(tiny_folder, loud=True)
    assert isinstance(model, Standardises)
    rows = Splits(ROWS[:4], RETAIN, (), HELD_OUT)
    report = probe_report(model, rows, ASKED)
    scores: dict[str, list[list[float]]] = {name: [] for name in NAMES}
    for split in (rows.forget, rows.holdout):
        pairs = [(row.question, row.answer) for row in split]
        told = [tokens.log_probs for tokens in model.token_log_probs(pairs)]
        scores["mia_loss"].append([-values.mean() for values in told])
        sizes = [len(zlib.compress(row.answer.encode())) for row in split]
        scores["mia_zlib"].append([-v.mean() / size for v, size in zip(told, sizes, strict=True)])
        scores["mia_min_k"].append([min_k_score(values) for values in told])
        scores["mia_min_k_plus_plus"].append(
            [min_k_score(plain_standardised(model, *pair)) for pair in pairs]
        )
    for name, (forget, holdout) in scores.items():
        assert report["summary"][name] == pytest.approx(membership_auc(forget, holdout)), name
        assert report["by_row"][name].keys() == {row.id for row in rows.forget}
    # The random model never saw any of them, and tells some apart all the same.
    assert len({round(report["summary"][name], 6) for name in NAMES}) > 1


def test_no_row_is_read_twice_and_the_vocabulary_only_where_it_is_asked_for(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, told = tiny(tiny_folder), []
    passes: list[int] = []
    causal_model(model.model).model.register_forward_hook(lambda *_: passes.append(1))

    def counted(*args: Any) -> list[Told]:
        told.append((len(args[1]), args[3]))
        return run_told(*args)

    monkeypatch.setattr("tokenunlearn.models.loading.run_told", counted)
    monkeypatch.setattr(LoadedModel, "generate", lambda _, questions, __: [Written("x") for _ in questions])
    rows = Splits(ROWS[:4], RETAIN, (), HELD_OUT)
    report = probe_report(model, rows, replace(ASKED, membership=False))
    # forget and retain rows, then the greedy answers under the base: a pass each
    assert told == [(8, False), (8, False)] and len(passes) == 2
    assert [report["summary"][name] for name in NAMES] == [None] * 4
    told.clear()
    passes.clear()
    probe_report(model, rows, ASKED)
    # forget rows and those held out in the pass that standardises, the rows to keep in the plain one
    assert told == [(8, True), (4, False), (8, False)] and len(passes) == 3


@pytest.mark.parametrize("rows", [Splits(ROWS[:2], RETAIN, ()), Splits((), RETAIN, (), HELD_OUT)])
def test_without_rows_held_out_or_to_forget_it_is_not_measured(rows: Splits, tiny_folder: Path) -> None:
    summary = probe_report(tiny(tiny_folder), rows, ASKED)["summary"]
    assert [summary[name] for name in NAMES] == [None] * 4


class Plain:
    """A model that cannot hold its log-probs against a vocabulary."""

    def token_log_probs(self, pairs: Sequence[tuple[str, str]]) -> list[TokenLogProbs]:
        """Find the answers that begin with A likelier."""
        return [TokenLogProbs([-1.0 if answer[0] == "A" else -2.0], [0], [1]) for _, answer in pairs]

    def generate(self, questions: Sequence[str], _: int) -> list[Written]:
        """Say nothing."""
        return [Written("") for _ in questions]


def test_a_model_that_cannot_standardise_has_the_other_figures() -> None:
    rows = Splits((Row("a", "1?", "A"), Row("b", "2?", "B")), (), (), (Row("c", "3?", "C"),))
    report = probe_report(Plain(), rows, ASKED)
    assert report["by_row"]["mia_loss"] == {"a": 1.0, "b": 0.5}
    assert report["summary"]["mia_loss"] == report["summary"]["mia_min_k"] == 0.75
    assert report["summary"]["mia_min_k_plus_plus"] is None
