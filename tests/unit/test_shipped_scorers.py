"""The scorers that are shipped for the embedded model: of today's rows, and what they find on rows unseen."""

import json

import pytest

from tokenunlearn.data.demo import ASSETS, DEMO_NAMES, demo_rows
from tokenunlearn.learned.fit import DEFAULTS
from tokenunlearn.learned.fitted import annotated_hash, fitted_for, shipped
from tokenunlearn.learned.scorer_files import read_scorer
from tokenunlearn.metrics.attribution import signal_report
from tokenunlearn.models.embedded import file_hash
from tokenunlearn.models.loading import load_model
from tokenunlearn.scoring import ScoreConfig, score

KINDS = ("", *dict.fromkeys(row.set for name in DEMO_NAMES for row in demo_rows(name)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_shipped_scorer_is_of_todays_rows_and_settings(kind: str) -> None:
    """Where this fails: `python assets/build.py --only learned`."""
    scorer = read_scorer(shipped(kind))
    rows = f"{annotated_hash()} without {kind}" if kind else annotated_hash()
    assert scorer.made_of["annotated"] == rows
    assert scorer.made_of["C"] == f"{DEFAULTS.C:g}" and scorer.layer == round(DEFAULTS.layer_share * 30)
    listed = json.loads((ASSETS / "manifest.json").read_text("utf-8"))
    name = shipped(kind).name
    assert listed["files"][f"learned/{name}"] == file_hash(shipped(kind))
    assert listed["learned"][name]["hash"] == scorer.hash


@pytest.mark.slow
def test_it_finds_facts_of_kinds_that_it_has_not_seen(monkeypatch) -> None:
    monkeypatch.setattr("tokenunlearn.learned.fitted.annotated", lambda *_: pytest.fail("it was fitted"))
    model = load_model(precision="fp32")
    assert fitted_for(model).hash == read_scorer(shipped()).hash
    for name in ("shared_forget", "one_off", "world"):
        table = score(model, demo_rows(name), ScoreConfig(signals=("learned", "content_words")))
        by_word = {"granularities": ("word",), "populations": ("all",)}
        report = signal_report(table, ("learned", "content_words"), 1, **by_word)
        found = report.set_index("signal")["auroc"]
        assert found["learned"] > 0.95 > found["content_words"]
