"""The report of one run: what is left, the second wording, the step, and what was started with it."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.recorded_page import finished_run
from tokenunlearn.documents.record import Report, report_of
from tokenunlearn.documents.report_page import report_page
from tokenunlearn.documents.sources import open_source
from tokenunlearn.probes.report import badge_counts
from tokenunlearn.runs.store import RunStore

ANSWER = "He came from Lyon, and never said why."


def reworded(store: RunStore, run_id: str) -> dict[str, Any]:
    """The probes of a run, with the fact asked in other words: there the answer is garbled."""
    probes = store.read_json(run_id, "probes.json")
    for side, answer in (("before", None), ("after", "was was was was")):
        line = dict(probes[side]["answers"][0], kind="paraphrase", question="In other words?")
        probes[side]["answers"].append(line | ({"answer": answer} if answer else {}))
    store.write_json(run_id, "probes.json", probes)
    return probes


def made(store: RunStore, run_id: str) -> tuple[Report, str]:
    report = report_of(open_source(store.path(run_id)), "report", "today")
    return report, " ".join(re.sub("<[^>]*>", " ", report_page(report)).split())


def test_it_says_what_the_probe_tab_says_and_the_second_wording_with_its_answer(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    run_id = finished_run(store, "chosen", 0.01, "forgot", ANSWER)
    probes = reworded(store, run_id)
    store.change(run_id, step=7, steps=40)
    report, text = made(store, run_id)
    answers = report.record["answers"]
    assert answers["counts"] == badge_counts(probes["before"], probes["after"])
    assert list(answers["counts"]) == ["forgot, fluent", "forgot, fluent, garbled when reworded"]
    assert answers["counts_again"] == {"forgot, fluent": 0, "garbled": 1}
    (said,) = report.record["left"][:1]
    assert said == "Asked in other words, the answer is garbled: that shows nothing."
    for words in (
        said,
        "In other words?",
        "was was was was",
        "after step 7 of 40",
        "no control stands beside it",
    ):
        assert words in text, words


def test_before_after_and_change_add_up_as_they_are_read(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    run_id = finished_run(store, "chosen", 0.0016, "forgot", ANSWER)
    probes = store.read_json(run_id, "probes.json")
    probes["before"]["summary"] |= {"fact_joint": 0.9843, "other": 0.9304, "retain": 0.5}
    probes["after"]["summary"] |= {"other": 0.9306, "retain": 0.25}
    store.write_json(run_id, "probes.json", probes)
    _, text = made(store, run_id)
    for shown in (
        "fact, joint ↓ 0.9843 0.0016 −0.9827 ",  # 0.984, 0.002 and −0.983 do not add up
        "other tokens ↑ 0.9304 0.9306 +0.0002 ",
        "retain ↑ 0.500 0.250 −0.250 ",
    ):
        assert shown in text


def test_what_was_started_with_it_stands_beside_it(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    run_id = finished_run(store, "chosen", 0.01, "forgot", ANSWER)
    other = finished_run(store, "random", 0.5, "forgot", ANSWER)
    alone = finished_run(store, "lowest", 0.5, "forgot", ANSWER)
    config = store.config(alone)
    store.write_json(alone, "config.json", config | {"group": "another"})
    report, text = made(store, run_id)
    (beside,) = report.record["beside"]
    assert beside["label"] == f"random, same count ({other})" and beside["after"]["fact_joint"] == 0.5
    assert beside["counts"] == {"forgot, fluent": 0, "partly forgot, by its probability only": 1}
    assert "What was started with it, one run each: no statistics" in text and beside["label"] in text
    assert "nor do the runs beside it, which are one each" in text
    (store.path(other) / "config.json").write_text("{")  # damaged: no reason for no report
    assert made(store, run_id)[0].record["beside"] == []


@pytest.mark.parametrize("typed", [".", "./", "deeper/..", "../run-1/", "../link"])
def test_a_run_is_found_however_its_folder_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    store = RunStore(tmp_path)
    folder = store.path(finished_run(store, "chosen", 0.01, "forgot", ANSWER))
    (folder / "deeper").mkdir()
    (tmp_path / "link").symlink_to(folder)
    monkeypatch.chdir(folder)
    assert open_source(Path(typed)).name == open_source(folder).name
