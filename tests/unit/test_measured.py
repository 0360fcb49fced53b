"""What a run cannot change is measured once, and measured anew when anything that decides it changes."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from tests.tiny_rows import RETAIN, ROWS, tiny
from tokenunlearn.data.splits import Splits
from tokenunlearn.probes.evidence import ProbeSettings
from tokenunlearn.probes.report import probe_report
from tokenunlearn.rescoring import unscored
from tokenunlearn.runs import disk, measured
from tokenunlearn.runs.kept_scores import scores_path
from tokenunlearn.runs.measured import before_report, kept
from tokenunlearn.runs.store import MEASURED
from tokenunlearn.scoring import ScoreConfig

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = ProbeSettings(max_new_tokens=4)


def test_the_second_run_reads_what_the_first_measured(tiny_folder: Path, tmp_path: Path, monkeypatch) -> None:
    model = tiny(tiny_folder)
    first = before_report(tmp_path, model, Splits(ROWS[:2], RETAIN[:1], ()), SETTINGS)
    assert first == probe_report(model, Splits(ROWS[:2], RETAIN[:1], ()), SETTINGS)
    asked: list[object] = []
    monkeypatch.setattr(measured, "probe_report", lambda *given: asked.append(given) or {"new": len(asked)})
    assert before_report(tmp_path, model, Splits(ROWS[:2], RETAIN[:1], ()), SETTINGS) == first and not asked
    (file,) = (tmp_path / MEASURED).glob("report-*.json")
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
    path, calls = tmp_path / "folder" / "report-1.json", []

    def measure() -> dict[str, object]:
        calls.append(1)
        time.sleep(0.2)
        return {"summary": {"world": float(len(calls))}}

    with ThreadPoolExecutor(3) as threads:
        found = list(threads.map(lambda _: kept(path, measure), range(3)))
    assert found == [{"summary": {"world": 1.0}}] * 3 == [json.loads(path.read_text())] * 3
    assert len(calls) == 1


HOLDS = """
import sys, time
from pathlib import Path
from tokenunlearn.runs.disk import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_who_was_frozen_while_it_measured_is_not_waited_for_without_an_end(
    tmp_path: Path, monkeypatch
) -> None:
    path, told = tmp_path / "report-1.json", list[str]()
    monkeypatch.setattr(disk, "_HOLDER_SECONDS", 0.05)
    monkeypatch.setattr(measured, "LOCK_SECONDS", 0.4)
    other = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(path.with_suffix(".lock"))],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    )
    try:
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        with ThreadPoolExecutor(1) as threads:
            asked = threads.submit(kept, path, lambda: {"summary": {"world": 1.0}}, told.append)
            time.sleep(0.8)
            waits = f"waiting for process {other.pid}, which measures the same"
            assert not asked.done() and set(told) == {waits}, "who works is waited for"
            other.send_signal(signal.SIGSTOP)
            assert asked.result(10) == {"summary": {"world": 1.0}} == json.loads(path.read_text())
        said = f"process {other.pid} has begun this and is stopped, so it is measured here as well"
        assert told[-1] == said and set(told) == {waits, said}
    finally:
        other.kill()
        other.communicate()  # which closes its pipe as well


def test_the_oldest_of_a_kind_goes_and_the_other_kind_stays(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(measured, "KEPT_FILES", 2)
    for age, name in enumerate(("scores-new", "scores-old", "scores-older", "report-oldest")):
        (tmp_path / f"{name}.json").write_text("{}", encoding="utf-8")
        os.utime(tmp_path / f"{name}.json", (1_000_000 - age, 1_000_000 - age))
    measured.forget_old(tmp_path / "scores-new.json")
    assert {file.stem for file in tmp_path.iterdir()} == {"scores-new", "scores-old", "report-oldest"}
