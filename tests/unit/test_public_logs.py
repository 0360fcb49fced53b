"""Published evaluation logs recomputed to 1e-9 (see ../shared/data/SOURCES.md, section 3)."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tokenunlearn.metrics.privacy import membership_auc, privleak
from tokenunlearn.metrics.tofu import (
    choice_probability,
    forget_quality,
    forget_truth_score,
    kept_truth_score,
    model_utility,
    rouge_l_recall,
    truth_ratio,
)

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
EVALUATIONS = ["ou_1b_full_forget01", "ou_1b_retain99", "ou_1b_full_forget10", "ou_1b_retain90"]
UNLEARNED = ["GradAscent", "GradDiff", "NPO", "RMU", "retain90"]
PAIRS = [
    (f"{family}_full_{split}", f"{family}_{retain}")
    for family in (
        "Llama-2-7b-chat-hf",
        "Llama-3.1-8B-Instruct",
        "Llama-3.2-1B-Instruct",
        "Llama-3.2-3B-Instruct",
    )
    for split, retain in (("forget01", "retain99"), ("forget05", "retain95"), ("forget10", "retain90"))
]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"the public logs are not at {DATA}"),
]


def load(name: str) -> Any:
    return json.loads((DATA / name).read_text(encoding="utf-8"))


def column(log: dict, metric: str, field: str) -> list:
    return [entry[field] for entry in log[metric]["value_by_index"].values()]


def ratios_of(log: dict, group: str) -> np.ndarray:
    """Truth ratios from losses; real authors and world facts put the plain answer for the paraphrase."""
    right = "Q_A_PARA_Prob" if group in ("forget", "retain") else "Q_A_Prob"
    return truth_ratio(
        column(log, f"{group}_{right}", "avg_loss"), column(log, f"{group}_Q_A_PERT_Prob", "avg_loss")
    )


@pytest.mark.parametrize("name", EVALUATIONS)
def test_rouge_recall_of_every_kept_text(name: str) -> None:
    log, checked = load(f"{name}_EVAL.json"), 0
    for metric in ("forget_Q_A_ROUGE", "retain_Q_A_ROUGE", "ra_Q_A_ROUGE", "wf_Q_A_ROUGE"):
        for entry in log[metric]["value_by_index"].values():
            if "generation" in entry:
                recall = rouge_l_recall(entry["ground_truth"], entry["generation"])
                assert recall == pytest.approx(entry["rougeL_recall"], abs=1e-9)
                checked += 1
    assert checked == 60


@pytest.mark.parametrize("name", EVALUATIONS)
@pytest.mark.parametrize("group", ["forget", "retain", "ra", "wf"])
def test_truth_ratio_of_every_row_and_its_aggregate(name: str, group: str) -> None:
    log = load(f"{name}_EVAL.json")
    metric = "forget_truth_ratio" if group == "forget" else f"{group}_Truth_Ratio"
    ratios = ratios_of(log, group)
    # Published R come from float32 losses, so a large R (11.6) can be held to 1e-9 only relatively.
    np.testing.assert_allclose(ratios, column(log, metric, "score"), rtol=1e-9, atol=1e-9)
    score = forget_truth_score(ratios) if group == "forget" else kept_truth_score(ratios)
    assert score == pytest.approx(log[metric]["agg_value"], abs=1e-9)


@pytest.mark.parametrize("name", UNLEARNED)
def test_unlearned_models_truth_ratio_auc_and_privleak(name: str) -> None:
    log = load("unlearned_1b_forget10_logs.json")[name]
    ratios = truth_ratio(log["forget_Q_A_PARA_Prob"], log["forget_Q_A_PERT_Prob"])
    np.testing.assert_allclose(ratios, log["forget_truth_ratio"], rtol=1e-9, atol=1e-9)
    published = log["agg"]
    assert forget_truth_score(ratios) == pytest.approx(published["forget_truth_ratio"], abs=1e-9)
    for metric in ("mia_min_k", "mia_min_k_plus_plus"):
        auc = membership_auc(log[metric]["forget"], log[metric]["holdout"])
        assert auc == pytest.approx(published[metric], abs=1e-9)
    auc = membership_auc(log["mia_min_k"]["forget"], log["mia_min_k"]["holdout"])
    assert privleak(auc) == pytest.approx(published["privleak"], abs=1e-9)


@pytest.mark.parametrize(("target", "retain"), PAIRS)
def test_forget_quality_auc_and_privleak_of_twelve_pairs(target: str, retain: str) -> None:
    logs, summary = load("ou_truth_ratio_mink_all.json"), load("ou_summaries.json")[f"tofu_{target}"]
    quality = forget_quality(logs[target]["forget_truth_ratio"], logs[retain]["forget_truth_ratio"])
    # Relative as well: the values go down to 1e-27, where an absolute bound would say nothing.
    assert quality == pytest.approx(summary["forget_quality"], rel=1e-9, abs=0)
    auc, reference = (
        membership_auc(logs[each]["min_k_forget"], logs[each]["min_k_holdout"]) for each in (target, retain)
    )
    assert auc == pytest.approx(summary["mia_min_k"], abs=1e-9)
    assert privleak(auc, reference) == pytest.approx(summary["privleak"], abs=1e-9)


def test_forget10_tells_the_two_means_apart() -> None:
    model, retain = load("ou_1b_full_forget10_EVAL.json"), load("ou_1b_retain90_EVAL.json")
    assert forget_quality(ratios_of(model, "forget"), ratios_of(retain, "forget")) == pytest.approx(
        3.9054713571083378e-22, rel=1e-9
    )
    arithmetic = [
        truth_ratio(
            column(log, "forget_Q_A_PARA_Prob", "avg_loss"),
            column(log, "forget_Q_A_PERT_Prob", "avg_loss"),
            mean="arithmetic",
        )
        for log in (model, retain)
    ]
    assert forget_quality(*arithmetic) == pytest.approx(1.399e-20, rel=1e-3)


@pytest.mark.parametrize("name", EVALUATIONS)
def test_model_utility_from_the_rows(name: str) -> None:
    log = load(f"{name}_EVAL.json")
    parts = {"retain probability": np.mean(column(log, "retain_Q_A_Prob", "prob"))}
    for group in ("ra", "wf"):
        normalised = [
            choice_probability(right, wrong)
            for right, wrong in zip(
                column(log, f"{group}_Q_A_Prob", "avg_loss"),
                column(log, f"{group}_Q_A_PERT_Prob", "avg_loss"),
                strict=True,
            )
        ]
        parts[f"{group} probability"] = np.mean(normalised)
    for group in ("retain", "ra", "wf"):
        parts[f"{group} rouge"] = np.mean(column(log, f"{group}_Q_A_ROUGE", "rougeL_recall"))
        parts[f"{group} truth"] = kept_truth_score(ratios_of(log, group))
    assert len(parts) == 9
    # exp of a rounded float32 loss is off by up to 9e-8, so the rows reproduce the figure to 1e-8 ...
    assert model_utility(parts) == pytest.approx(log["model_utility"]["agg_value"], abs=1e-8)
    # ... and with the published normalised probabilities to the bit.
    for group in ("ra", "wf"):
        parts[f"{group} probability"] = log[f"{group}_Q_A_Prob_normalised"]["agg_value"]
    assert model_utility(parts) == pytest.approx(log["model_utility"]["agg_value"], abs=1e-9)


def test_model_utility_of_150_unlearned_models() -> None:
    names = [
        f"{group}_{part}" for group in ("retain", "ra", "wf") for part in ("q_prob", "q_rouge", "truth_ratio")
    ]
    models = load("uds_method_results.json")["models"]
    assert len(models) == 152
    for entry in models:
        utility = model_utility({name: entry[name] for name in names})
        assert utility == pytest.approx(entry["model_utility"], abs=1e-9)


@pytest.mark.parametrize("corpus", ["News", "Books"])
def test_muse_auc_and_privleak(corpus: str) -> None:
    logs = load("ou_muse_logs.json")
    target, retrain = logs[f"{corpus}_target"], logs[f"{corpus}_retrain"]
    aucs = [
        membership_auc(log["mia_min_k"]["forget"], log["mia_min_k"]["holdout"]) for log in (target, retrain)
    ]
    assert aucs == pytest.approx([log["summary"]["mia_min_k"] for log in (target, retrain)], abs=1e-9)
    assert privleak(*aucs) == pytest.approx(target["summary"]["privleak"], abs=1e-9)
    assert privleak(aucs[1]) == pytest.approx(retrain["summary"]["privleak"], abs=1e-9)
