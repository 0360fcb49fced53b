"""What a run cannot change is measured once, and measured anew when anything that decides it changes."""

import json
import os
import threading
import time
from dataclasses import replace
from pathlib import Path

from tests.tiny_rows import RETAIN, ROWS, tiny
from tokenunlearn.data.splits import Splits
from tokenunlearn.probes.evidence import ProbeSettings
from tokenunlearn.probes.report import probe_report
from tokenunlearn.rescoring import unscored
from tokenunlearn.runs import measured
from tokenunlearn.runs.kept_scores import scores_path
from tokenunlearn.runs.measured import before_report, kept
from tokenunlearn.scoring import ScoreConfig

SETTINGS = ProbeSettings(max_new_tokens=4)


def test_the_second_run_reads_what_the_first_measured(tiny_folder: Path, tmp_path: Path, monkeypatch) -> None:
    model = tiny(tiny_folder)
    first = before_report(tmp_path, model, Splits(ROWS[:2], RETAIN[:1], ()), SETTINGS)
    assert first == probe_report(model, Splits(ROWS[:2], RETAIN[:1], ()), SETTINGS)
    asked: list[object] = []
    monkeypatch.setattr(measured, "probe_report", lambda *given: asked.append(given) or {"new": len(asked)})
    assert before_report(tmp_path, model, Splits(ROWS[:2], RETAIN[:1], ()), SETTINGS) == first and not asked
    (file,) = (tmp_path / measured.FOLDER).glob("report-*.json")
    whole = file.read_text()
    odd = (json.dumps({**first, "summary": 5}), whole.replace('"kind"', '"k"'))
    for damage in ("{", "[" * 100_000, "[]", *odd):
        file.write_text(damage)  # as one that is not there
        asked.clear()
        assert before_report(tmp_path, model, Splits(ROWS[:2], RETAIN[:1], ()), SETTINGS) == {"new": 1}
    asked.clear()
    # other rows, settings, precision or source: measured again
    other_rows = (replace(ROWS[0], answer="Else."), ROWS[1])
    assert before_report(tmp_path, model, Splits(other_rows, RETAIN[:1], ()), SETTINGS) == {"new": 1}
    assert before_report(tmp_path, model, Splits(ROWS[:2], RETAIN[:1], ()), ProbeSettings()) == {"new": 2}
    changed = replace(model, precision="bf16")
    assert before_report(tmp_path, changed, Splits(ROWS[:2], RETAIN[:1], ()), SETTINGS) == {"new": 3}
    monkeypatch.setattr(measured, "source_hash", lambda: "later")
    assert before_report(tmp_path, model, Splits(ROWS[:2], RETAIN[:1], ()), SETTINGS) == {"new": 4}


def test_kept_scores_belong_to_model_rows_and_settings(tiny_folder: Path, tmp_path: Path) -> None:
    model, config = tiny(tiny_folder), ScoreConfig()
    rows = unscored(model, ROWS[:2], config)
    here = scores_path(tmp_path, model, rows, config)
    assert here == scores_path(tmp_path, tiny(tiny_folder), unscored(model, ROWS[:2], config), ScoreConfig())
    others = [
        scores_path(tmp_path, replace(model, precision="bf16"), rows, config),
        scores_path(tmp_path, model, unscored(model, ROWS[1:3], config), config),
        scores_path(tmp_path, model, rows, ScoreConfig(seed=3)),
    ]
    assert len({here, *others}) == 4


def test_who_comes_second_waits_and_reads(tmp_path: Path) -> None:
    path, calls = tmp_path / "folder" / "report.json", []

    def measure() -> dict[str, int]:
        calls.append(1)
        time.sleep(0.2)
        return {"calls": len(calls)}

    threads = [threading.Thread(target=kept, args=(path, measure)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert json.loads(path.read_text()) == {"calls": 1} and len(calls) == 1


def test_the_oldest_of_a_kind_goes_and_the_other_kind_stays(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(measured, "KEPT_FILES", 2)
    for age, name in enumerate(("scores-new", "scores-old", "scores-older", "report-oldest")):
        (tmp_path / f"{name}.json").write_text("{}", encoding="utf-8")
        os.utime(tmp_path / f"{name}.json", (1_000_000 - age, 1_000_000 - age))
    measured.forget_old(tmp_path / "scores-new.json")
    assert {file.stem for file in tmp_path.iterdir()} == {"scores-new", "scores-old", "report-oldest"}
