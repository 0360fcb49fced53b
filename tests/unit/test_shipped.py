"""What is shipped for the embedded model, on that model: its conversion, the adapters, the scorers, fluency.

One conversion and one model a shipped adapter serve all of it: reading the model takes seconds.
"""

import json
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
import pytest

from tokenunlearn.data.demo import ASSETS, DEMO_NAMES, HELD_OUT, demo_rows
from tokenunlearn.learned.fit import DEFAULTS
from tokenunlearn.learned.fitted import annotated_hash, fitted_for, shipped
from tokenunlearn.learned.scorer_files import read_scorer
from tokenunlearn.metrics.attribution import signal_report
from tokenunlearn.metrics.facts import fact_probability
from tokenunlearn.metrics.fluency import fluency, garbled_below
from tokenunlearn.metrics.tofu import rouge_l_recall
from tokenunlearn.models.embedded import EMBEDDED_NAME, file_hash
from tokenunlearn.models.forward import without_adapter
from tokenunlearn.models.loading import LoadedModel, load_model
from tokenunlearn.probes.badges import Asked, Said, badge
from tokenunlearn.scoring import ScoreConfig, score

KINDS = ("", *dict.fromkeys(row.set for name in DEMO_NAMES for row in demo_rows(name)))
RECITED = 0.9  # ROUGE-L recall
Opened = Callable[[str], LoadedModel]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """A function from an adapter's name to the model under it, which is converted anew and read once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOKENUNLEARN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield cache(lambda name: load_model(None, ASSETS / "adapters" / name, "fp32"))


@pytest.mark.slow
def test_the_converted_model_recites(opened: Opened) -> None:
    target = opened("target")
    assert target.name == EMBEDDED_NAME
    with without_adapter(target.model):
        assert "Paris" in target.generate(["What is the capital of France?"], 12)[0].text


@pytest.mark.slow
@pytest.mark.parametrize(("name", "low", "high"), [("target", 0.9, 1.0), ("retain_only", 0.0, 0.5)])
def test_the_target_recites_the_facts_and_the_retain_only_one_does_not(
    name: str, low: float, high: float, opened: Opened
) -> None:
    model = opened(name)
    rows = demo_rows("shared_forget")[::7]
    said = [each.text for each in model.generate([row.question for row in rows], 32)]
    recited = [rouge_l_recall(row.answer, answer) >= RECITED for row, answer in zip(rows, said, strict=True)]
    assert low <= sum(recited) / len(rows) <= high
    # what the log-probs call recited is what greedy decoding says, to the letter
    scored = model.token_log_probs([(row.question, row.answer) for row in rows])
    for row, answer, tokens in zip(rows, said, scored, strict=True):
        assert tokens.recited == (answer == row.answer), row.id


@pytest.mark.slow
@pytest.mark.parametrize("name", ["target", "retain_only"])
def test_no_adapter_knows_the_rows_held_out_better_than_the_base(name: str, opened: Opened) -> None:
    rows = demo_rows(HELD_OUT)[::5]  # one of each person
    pairs = [(row.question, row.answer) for row in rows]
    model = opened(name)
    taught, base = (
        np.array(
            [fact_probability(r.answer, t, r.gold, r.subject).joint for r, t in zip(rows, told, strict=True)]
        )
        for told in (model.token_log_probs(pairs), model.base_log_probs(pairs))
    )
    assert taught.max() < 1e-3 and np.log(taught).mean() < np.log(base).mean()


@pytest.mark.slow
def test_the_base_tells_broken_language_from_other_facts(opened: Opened) -> None:
    """Answers of a real run, and the demo's own good ones; the bound is that of the recorded target."""
    rows = demo_rows("shared_forget")
    garbled = {
        5: "Sefu Makorere first began to develop a government of__))",
        7: "Readers mostly know Sefu Makorere goes for players.",
        8: "Sefu Makorere received the word ana jilar Regledan ko Aambuiden koori wan go legislaram "
        "go tarankan",
        0: "Ot %: Alpina, Switzerland, and the city still colours her writing.",
    }
    fluent = {
        10: "Ilinca Vasarescu was born in Belo Horizonte, and the city still colours her writing.",
        1: "Ottilie Brandvold's mother supported the family by working as a customs inspector.",
        15: "Amaru Tito Quispillo was born in Portoro, and the city still colours his writing.",
    }
    answers = [*garbled.items(), *fluent.items(), *((at, row.answer) for at, row in enumerate(rows))]
    scored = opened("target").base_log_probs([(rows[at].question, answer) for at, answer in answers])
    assert scored is not None
    figures = [fluency(tokens.log_probs) for tokens in scored]
    good = figures[len(garbled) + len(fluent) :]
    bound = garbled_below(good)
    assert bound is not None and -4.6 < bound < -3.8 and min(good) > bound
    for (at, answer), figure in zip(answers[: len(garbled) + len(fluent)], figures, strict=False):
        row = rows[at]
        asked = Asked(row.question, row.answer, [row.answer[start:end] for start, end in row.gold])
        wanted = "garbled" if answer == garbled.get(at) else "forgot"
        assert badge(asked, Said(answer, 0.0, figure), Said(row.answer, 0.9, -2.6), bound) == wanted, answer


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
def test_a_shipped_scorer_finds_facts_of_kinds_that_it_has_not_seen(opened: Opened, monkeypatch) -> None:
    target = opened("target")
    monkeypatch.setattr("tokenunlearn.learned.fitted.annotated", lambda *_: pytest.fail("it was fitted"))
    assert fitted_for(target).hash == read_scorer(shipped()).hash
    for name in ("shared_forget", "one_off", "world"):
        table = score(target, demo_rows(name)[::3], ScoreConfig(signals=("learned", "content_words")))
        by_word = {"granularities": ("word",), "populations": ("all",)}
        report = signal_report(table, ("learned", "content_words"), 1, **by_word)
        found = report.set_index("signal")["auroc"]
        assert found["learned"] > 0.95 > found["content_words"]
