"""Deletion and insertion: areas by hand, curves against slow passes of plain transformers, replacements."""

import json
import math
import re
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from app.actions import measure
from tests.tiny_rows import ROWS, tiny, write_rows
from tokenunlearn.cli import main
from tokenunlearn.data.rows import row_to_dict
from tokenunlearn.documents.drawing import Dot
from tokenunlearn.documents.perturbation import perturbation_drawings
from tokenunlearn.errors import InputError, SettingError
from tokenunlearn.experiments.perturbation import (
    FUSED,
    OWN,
    PARAPHRASED,
    RANDOM,
    SINGLE,
    PerturbConfig,
    _summary,
    order_columns,
    perturbation,
)
from tokenunlearn.experiments.perturbation_words import perturbation_lines, perturbation_said
from tokenunlearn.masks import columns_from_table, make_mask
from tokenunlearn.metrics.perturbation import area_over, falling, removal_counts
from tokenunlearn.models.resampling import drawn_instead
from tokenunlearn.runs.library import library_parts, load
from tokenunlearn.runs.queue import RunQueue
from tokenunlearn.runs.result_faults import perturb_fault
from tokenunlearn.runs.store import RunStore
from tokenunlearn.runs.worker import run_job
from tokenunlearn.scoring import ScoreConfig, score
from tokenunlearn.selection import Rule
from tokenunlearn.text.encoding import Encoding, encode
from tokenunlearn.text.numbers import signed
from tokenunlearn.training.events import Measured, MeasuredPart

pytestmark = pytest.mark.slow


def test_areas_and_orders_by_hand() -> None:
    # Three tokens that take 3, 1 and 2 nats when they go, each by itself: from −1 to −7.
    effects = {0: 3.0, 1: 1.0, 2: 2.0}

    def curve(order: list[int]) -> list[float]:
        return [-1 - sum(effects[at] for at in order[:gone]) for gone in removal_counts(3, 3)]

    assert falling([3.0, 1.0, 2.0]).tolist() == [0, 2, 1]
    assert falling([1.0, 1.0, 2.0]).tolist() == [2, 0, 1]  # ties go to the earlier token
    assert area_over(-1.0, curve([0, 2, 1])) == (0 + 3 + 5 + 6) / 4
    assert area_over(-1.0, curve([1, 2, 0])) == (0 + 1 + 3 + 6) / 4
    assert removal_counts(5, 10).tolist() == [0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert removal_counts(20, 4).tolist() == [0, 5, 10, 15, 20]


TWO = tuple(replace(row, paraphrased_question=(f"{row.subject} was born where?",)) for row in ROWS[:2])
QUICK = PerturbConfig(steps=4)


@pytest.fixture(scope="module")
def loaded(tiny_folder: Path) -> Any:
    return tiny(tiny_folder, loud=True)


def scores_of(loaded: Any, rows: tuple[Any, ...]) -> pd.DataFrame:
    """A score that falls from left to right; the names in the answers have none."""
    parts = []
    for row in rows:
        length = encode(loaded.tokenizer, row.question, row.answer).answer_length
        values = -np.arange(length, dtype=np.float64)
        values[: len(row.subject)] = np.nan
        parts.append(pd.DataFrame({"row_id": row.id, FUSED: values}))
    return pd.concat(parts, ignore_index=True)


def done(loaded: Any, settings: PerturbConfig, rows: tuple[Any, ...] = TWO) -> dict[str, Any]:
    scores = scores_of(loaded, rows)
    scores = scores[["row_id"]] if settings.over == "question" else scores
    *steps, last = perturbation(loaded, rows, scores, settings)
    assert isinstance(last, Measured) and [each.part for each in steps] == list(range(1, len(steps) + 1))
    return dict(last.report)


@torch.no_grad()
def slowly(loaded: Any, encoding: Encoding, fact: range, gone: list[int]) -> float:
    """The fact's mean log-prob by one plain call, the tokens at these positions masked from attention."""
    ids = torch.tensor([encoding.ids])
    mask = torch.ones_like(ids)
    mask[0, gone] = 0
    places = torch.arange(ids.shape[1])[None]
    logits = loaded.model(input_ids=ids, attention_mask=mask, position_ids=places).logits[0].log_softmax(-1)
    at = [encoding.prompt_length + token for token in fact]
    return float(np.mean([logits[place - 1, encoding.ids[place]].item() for place in at]))


def test_curves_are_those_of_single_passes(loaded: Any) -> None:
    report = done(loaded, QUICK)
    assert set(report["wordings"]) == {OWN, PARAPHRASED} and report["left_out"] == {}
    for wording, question in ((OWN, TWO[0].question), (PARAPHRASED, TWO[0].paraphrased_question[0])):
        found = report["wordings"][wording]
        order = found["orders"][FUSED]
        encoding = encode(loaded.tokenizer, question, TWO[0].answer)
        fact = range(*TWO[0].gold[0])  # the tiny tokenizer has a token a character
        # scored, before the fact, and not the one that predicts its first token
        tokens = range(len(TWO[0].subject), fact.start - 1)
        places = [encoding.prompt_length + token for token in tokens]
        whole = slowly(loaded, encoding, fact, [])
        counts = removal_counts(len(places), 4)
        deleted = [slowly(loaded, encoding, fact, places[:count]) for count in counts]
        kept = [slowly(loaded, encoding, fact, places[count:]) for count in counts]
        assert order["deletion"]["by_row"][0] == pytest.approx(area_over(whole, deleted), abs=1e-4)
        assert order["insertion"]["by_row"][0] == pytest.approx(area_over(whole, kept), abs=1e-4)
        alone = [whole - slowly(loaded, encoding, fact, [place]) for place in places]
        best = [places[at] for at in np.argsort(-np.array(alone), kind="stable")]
        deleted = [slowly(loaded, encoding, fact, best[:count]) for count in counts]
        assert found["orders"][SINGLE]["deletion"]["by_row"][0] == pytest.approx(
            area_over(whole, deleted), abs=1e-4
        )
        # all curves of a row begin in full context and end where all is gone
        ends = {
            name: (each["deletion"]["mean"][0], each["deletion"]["mean"][-1])
            for name, each in found["orders"].items()
        }
        ends[RANDOM] = (found[RANDOM]["mean"][0], found[RANDOM]["mean"][-1])
        assert len({(round(one, 5), round(other, 5)) for one, other in ends.values()}) == 1
        assert found["log_prob"] == pytest.approx(ends[FUSED][0])
        difference = np.subtract(order["deletion"]["by_row"], order["insertion"]["by_row"]).mean()
        assert order["above_reverse"]["mean"] == pytest.approx(difference)
        for curve in ("deletion", "insertion"):
            apart = order[curve]["area"] - found[RANDOM]["area"]
            assert order["above_random"][curve]["mean"] == pytest.approx(apart)
        beside = order["above_random"]["deletion"]
        assert beside["low"] < beside["mean"] < beside["high"] and beside["p_adjusted"] >= beside["p_value"]
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_an_order_without_spread_is_told_and_counts_where_the_others_are_adjusted() -> None:
    """Random orders that are all alike; one order off by the same on both rows, one by more on the second."""
    drops = {f"{RANDOM} 0": (1, 1), f"{RANDOM} 1": (1, 1), FUSED: (2, 2), SINGLE: (2, 3)}

    def row(name: str, at: int) -> dict[str, Any]:
        curves = {
            order: {curve: [0.0, -drop[at], 0.0] for curve in ("deletion", "insertion")}
            for order, drop in drops.items()
        }
        return {"row_id": name, "tokens": 2, "passes": 4, "log_prob": 0.0, "curves": curves}

    found = _summary([row("a", 0), row("b", 1)])
    alike, varied = (found["orders"][name]["above_random"]["deletion"] for name in (FUSED, SINGLE))
    assert (alike["low"], alike["p_value"], alike["p_adjusted"]) == (None, None, None)
    assert varied["p_adjusted"] == pytest.approx(2 * varied["p_value"])
    said = perturbation_said({"wordings": {OWN: found}, "left_out": {}})
    assert said[0].endswith("a difference has no spread to judge by.")


def test_a_random_order_is_as_good_as_its_reverse(loaded: Any) -> None:
    """Every order of three tokens and its reverse: what deletion takes at random is what insertion takes."""
    rows = tuple(replace(row, gold=((len(row.subject) + 4, len(row.subject) + 7),)) for row in TWO)
    one, many = (
        done(loaded, replace(QUICK, steps=3, draws=draws, paraphrases=0), rows)["wordings"][OWN]
        for draws in (5, 300)
    )
    assert one["tokens"] == 3
    encodings = [encode(loaded.tokenizer, row.question, row.answer) for row in rows]
    exact = []
    for row, encoding in zip(rows, encodings, strict=True):
        fact = range(*row.gold[0])
        places = [encoding.prompt_length + len(row.subject) + at for at in range(3)]
        whole = slowly(loaded, encoding, fact, [])
        curves = [
            [slowly(loaded, encoding, fact, list(order[:gone])) for gone in range(4)]
            for order in permutations(places)
        ]
        exact.append(np.mean([area_over(whole, curve) for curve in curves]))
    assert many[RANDOM]["by_row"] == pytest.approx(exact, rel=0.1)


def test_the_question_is_removed_by_what_each_token_does(loaded: Any) -> None:
    found = done(loaded, replace(QUICK, over="question", paraphrases=0))["wordings"]
    assert set(found) == {OWN} and list(found[OWN]["orders"]) == [SINGLE]
    assert found[OWN]["tokens"] == np.mean([len(row.question) for row in TWO])


def test_replacements_are_drawn_by_the_model_without_the_true_token(loaded: Any) -> None:
    encoding = encode(loaded.tokenizer, TWO[0].question, TWO[0].answer)
    places = [encoding.prompt_length + 2, encoding.prompt_length + 5]
    never = {0, 1, 2}
    drawn = drawn_instead(loaded.model, encoding, places, never, 4000, 7)
    with torch.no_grad():
        logits = loaded.model(input_ids=torch.tensor([encoding.ids])).logits[0]
    for column, place in enumerate(places):
        wanted = logits[place - 1].softmax(-1).double().numpy()
        wanted[[encoding.ids[place], *never]] = 0
        wanted /= wanted.sum()
        seen = np.bincount(drawn[:, column], minlength=len(wanted)) / len(drawn)
        assert np.abs(seen - wanted).max() < 0.03  # a proportion over 4,000 draws: ± .008
        assert seen[wanted == 0].sum() == 0
    np.testing.assert_array_equal(drawn, drawn_instead(loaded.model, encoding, places, never, 4000, 7))


def test_replaced_tokens_are_gone_from_their_own_place_too(loaded: Any) -> None:
    settings = replace(QUICK, removal="resample", resamples=2, paraphrases=0)
    found, hidden = (
        done(loaded, each)["wordings"][OWN] for each in (settings, replace(QUICK, paraphrases=0))
    )
    assert found["tokens"] == hidden["tokens"] + 1  # with the token that predicts the fact
    assert found["log_prob"] == pytest.approx(hidden["log_prob"], abs=1e-4)
    assert found["orders"][FUSED]["deletion"]["by_row"] != hidden["orders"][FUSED]["deletion"]["by_row"]


def test_what_cannot_be_measured_says_so(loaded: Any) -> None:
    without = (TWO[0], replace(TWO[1], gold=()))
    report = done(loaded, QUICK, without)
    assert report["left_out"] == {TWO[1].id: "no marked fact"}
    one = report["wordings"][OWN]
    assert one["rows"] == 1 and one["orders"][FUSED]["deletion"]["low"] is None
    assert perturb_fault({**report, "says": perturbation_said(report)}) == ""
    # one question that the row's own scores do not fit is left out alone
    short = replace(TWO[0], paraphrased_question=("",))
    report = done(loaded, replace(QUICK, over="question"), (short, TWO[1]))
    assert report["left_out"] == {f"{short.id}, {PARAPHRASED}": "no question"}
    assert [found["rows"] for found in report["wordings"].values()] == [2, 1]
    early = tuple(replace(row, gold=((0, 3),)) for row in TWO)
    with pytest.raises(InputError, match="fewer than two scored tokens before the fact"):
        done(loaded, QUICK, early)
    table = pd.DataFrame({"row_id": ["a", "a"], "contrast": [math.nan, math.nan]})
    with pytest.raises(SettingError, match="contrast has no score"):
        order_columns(table, np.zeros(2), PerturbConfig(signals=("contrast",)))


def test_the_verb_prints_and_keeps_what_it_measured(
    tiny_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, out = write_rows(tmp_path / "rows.jsonl", TWO), tmp_path / "perturb.json"
    asked = ["perturb", str(rows), "--model", str(tiny_folder), "--precision", "fp32", "--out", str(out)]
    assert main([*asked, "--draws", "2"]) == 2
    assert "--draws" in capsys.readouterr().err and not out.exists()
    plots = ["--plots", str(tmp_path / "plots")]
    assert main([*asked, "--signals", "entropy", "--steps", "2", "--paraphrases", "0", *plots]) == 0
    printed, kept = capsys.readouterr().out, json.loads(out.read_text())
    assert kept["says"] == printed.splitlines()[-len(kept["says"]) :]
    assert list(kept["wordings"][OWN]["orders"]) == [FUSED, "entropy", SINGLE]
    assert sorted(each.name for each in (tmp_path / "plots").iterdir()) == ["perturb-1.png", "perturb-1.svg"]
    a_run_of_the_page_measures(kept, tiny_folder, tmp_path)


def a_run_of_the_page_measures(kept: dict[str, Any], folder: Path, place: Path) -> None:
    """Assert that the run kind finds what the verb found, and begins again after a stop."""
    queue = RunQueue(RunStore(place / "runs"), lambda _: ["sleep", "60"])
    table = score(tiny(folder), TWO, ScoreConfig(signals=("knowledge_swap", "entropy")))
    chosen = make_mask(columns_from_table(table), Rule())
    config = {
        "name": "tiny, deletion and insertion",
        "model": str(folder),
        "precision": "fp32",
        "perturb": kept["settings"],
        "forget": [row_to_dict(row) for row in TWO],
        "retain": [],
        "world": [],
    }
    run_id = queue.start_run(config, chosen, table)
    begun = next(load(queue.store.config(run_id), queue.store.path(run_id)).train(False))
    assert begun == MeasuredPart(1, 2)
    queue.store.change(run_id, state="interrupted")
    queue.resume(run_id)
    assert run_job(queue, run_id, library_parts) == "finished"
    assert queue.store.read_json(run_id, "perturb.json") == kept
    shown, fault = measure.found(SimpleNamespace(queue=queue), run_id, "perturb")  # type: ignore[arg-type]
    assert shown is not None and shown["kind"] == "perturb" and not fault
    (wording,) = shown["wordings"]
    assert wording["caption"].startswith("own question: 2 rows") and shown["says"] == kept["says"]
    # The curves hold the order, its reverse and random orders, in two panels an order.
    lines = perturbation_lines(kept)
    assert all(cell in lines[2] for cell in wording["lines"][0]) and wording["svg"].count("<text") > 12
    queue.store.write_json(run_id, "perturb.json", {**kept, "wordings": {OWN: {"rows": 2}}})
    shown, fault = measure.found(SimpleNamespace(queue=queue), run_id, "perturb")  # type: ignore[arg-type]
    assert shown is None and fault.startswith("perturb.json is damaged: wordings › own question › ")
    unmarked = [{**row, "gold": []} for row in config["forget"]]
    with pytest.raises(InputError, match="No row has its fact marked"):
        load({**queue.store.config(run_id), "forget": unmarked}, queue.store.path(run_id))


def test_the_curves_hold_an_order_its_reverse_and_random_ones(loaded: Any) -> None:
    report = done(loaded, QUICK)
    drawings = perturbation_drawings(report)
    assert [each.name for each in drawings] == ["perturb-1", "perturb-2"]
    dots = [each for each in drawings[0].shapes if isinstance(each, Dot) and each.radius < 3]
    # Three lines of steps + 1 points in each of two panels an order.
    assert len(dots) == len(report["wordings"][OWN]["orders"]) * 2 * 3 * (QUICK.steps + 1)
    random, reverse, own = (dots[at : at + 5] for at in (0, 5, 10))
    # All three begin with the whole context and end without any: their ends meet.
    for each in (0, -1):
        assert len({round(line[each].y, 6) for line in (random, reverse, own)}) == 1
    kept_alone = dots[15:30][10:]
    assert kept_alone[0].y == pytest.approx(own[-1].y) and kept_alone[-1].y == pytest.approx(own[0].y)


def test_a_rounded_nothing_has_no_sign_and_a_minus_is_a_true_one(loaded: Any) -> None:
    report = done(loaded, QUICK)
    found = report["wordings"][OWN]
    found[RANDOM]["area"] = found["orders"][FUSED]["deletion"]["area"] = -0.001
    found["log_prob"] = -0.3
    text = "\n".join([*perturbation_said(report), *perturbation_lines(report)])
    assert "loses 0.00 nats a token over the curve, 0.00 in random order" in text
    assert "fact −0.30 nats" in text
    assert [signed(each, "+.2f") for each in (-0.004, 0.004, -1, 1, -math.inf)] == [
        "0.00", "0.00", "−1.00", "+1.00", "−inf",
    ]  # fmt: skip
    assert "−0.00" not in text and not re.search(r"-\d", text)


def test_two_rows_show_nothing_whatever_their_p_value_is(loaded: Any) -> None:
    report = done(loaded, QUICK)
    order = report["wordings"][OWN]["orders"][FUSED]
    order["above_random"]["deletion"] |= {"mean": 2.0, "low": 0.83, "high": 3.17, "p_adjusted": 0.029}
    for rows, words in ((3, "; more is shown ("), (2, "; no difference is shown, it takes 3 rows (")):
        order["deletion"]["by_row"] = [1.0] * rows
        assert words in "\n".join(perturbation_said(report))
