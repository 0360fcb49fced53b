"""probe with all that can be asked: membership, utility, jailbreak, a reference, depth; on the tiny model."""

import json
import re
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from tests.tiny_folder import make_tiny_adapter
from tests.tiny_rows import RETAIN, ROWS, WORLD
from tokenunlearn.cli import main
from tokenunlearn.probes.depth_words import depth_said
from tokenunlearn.runs.depth_job import read_depth
from tokenunlearn.runs.kinds import done_to
from tokenunlearn.runs.library import library_parts, load
from tokenunlearn.runs.queue import RunQueue
from tokenunlearn.runs.states import buttons
from tokenunlearn.runs.store import RunStore
from tokenunlearn.runs.worker import run_job
from tokenunlearn.training.events import MeasuredPart

pytestmark = pytest.mark.slow


@pytest.fixture
def command(tmp_path: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """`probe` of rows of every split, in a folder with the adapters `taught` and `forgot`."""
    monkeypatch.chdir(tmp_path)
    false = {"paraphrased_answer": ("It is so.",), "perturbed_answer": ("It is not.", "Never.")}
    rows = [
        *(replace(row, **false) for row in ROWS[:3]),
        *(replace(row, split="holdout") for row in ROWS[4:7]),
        *(replace(row, split="retain", **false) for row in RETAIN[:2]),
        replace(WORLD, **false),
    ]
    lines = [json.dumps(asdict(row)) for row in rows]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines), encoding="utf-8")
    for seed, name in enumerate(("taught", "forgot"), 1):
        make_tiny_adapter(tiny_folder, tmp_path / name, seed)
    model = ["--model", str(tiny_folder), "--precision", "fp32", "--max-new-tokens", "3"]
    return ["probe", "rows.jsonl", *model]


def words(capsys: pytest.CaptureFixture[str]) -> str:
    """What was written to stdout, columns a blank apart."""
    return " ".join(capsys.readouterr().out.split())


def test_all_that_can_be_asked(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--membership", "--utility", "--jailbreak"]
    assert main([*command, *asked, "--out", "never.json"]) == 0
    assert main([*command, *asked, "--adapter", "taught", "--out", "before.json"]) == 0
    capsys.readouterr()
    beside = ["--before", "before.json", "--reference", "never.json", "--depth", "taught"]
    beside += ["--plots", "pictures"]
    assert main([*command, *asked, "--adapter", "forgot", *beside, "--out", "after.json"]) == 0
    said = words(capsys)
    report = json.loads(Path("after.json").read_text("utf-8"))
    found = report["reference"]
    assert f"forget_quality {found['forget_quality']:.3g} (p of a Kolmogorov-Smirnov test, 3 rows" in said
    assert f"privleak {found['privleak']:.1f} per cent" in said
    # a random model states no fact, so that nothing tells garbled answers from good ones
    assert found["lacks"] == ["fluency", "fluency, before"] and found["overall"] is None
    assert "overall not measured" in said and "lacks fluency, fluency, before" in said
    assert f"memorization {found['memorization']:.3f}" in said
    for name in ("mia_min_k_plus_plus", "retain_truth", "jailbreak_rouge"):
        assert f"{name} {report['summary'][name]:.3f}" in said, name
    depth = report["depth"]
    # no layer of a model of random weights holds .05 nats of a fact
    assert depth["uds"] is None and "uds not measured (0 of 3 facts; source: adapter off)" in said
    first = depth["rows"]["ada"]["reference_drops"]
    mean = sum(row["reference_drops"][0] for row in depth["rows"].values()) / len(depth["rows"])
    assert len(first) == 2 and f" 1 {mean:.3f} " in said
    assert all(sentence in said for sentence in depth_said(depth))
    drawn = sorted(each.name for each in Path("pictures").glob("*.svg"))
    assert drawn == [*(f"depth-fact-{number}.svg" for number in (1, 2, 3)), "depth-layers.svg"]
    assert len(list(Path("pictures").glob("*.png"))) == 4
    a_run_of_the_page_measures(depth, command[3])


def a_run_of_the_page_measures(depth: dict[str, Any], model: str) -> None:
    """Assert that the run kind finds what the verb found, and leaves it with the run that it is of."""
    queue = RunQueue(RunStore(Path("runs").resolve()), lambda _: ["sleep", "60"])
    store = queue.store
    begun = {"model": model, "adapter": str(Path("taught").resolve()), "precision": "fp32"}
    rows = [asdict(row) for row in ROWS[:3]]
    of = store.create({"name": "tiny", **begun, "forget": rows, "retain": [], "world": []})
    shutil.copytree("forgot", store.path(of) / "adapter")
    store.change(of, state="finished")
    run_id = queue.start_run({"name": "depth", "depth": {"of": of}})
    job = load(store.config(run_id), store.path(run_id))
    assert next(job.train(False)) == MeasuredPart(1, 3)
    store.change(run_id, state="interrupted")
    assert buttons(store.state(run_id)) == ["Resume", "Discard…"] and read_depth(store.path(of)) == (None, "")
    queue.resume(run_id)
    assert run_job(queue, run_id, library_parts) == "finished"
    assert buttons(store.state(run_id)) == ["Probe"] and done_to(store.config(run_id)) == of
    found, _ = read_depth(store.path(of))
    assert found is not None and {name: found[name] for name in depth} == depth
    assert found["says"] == depth_said(depth) and found["model"]["adapter"] != "none"
    (store.path(of) / "depth.json").write_text("{")
    assert read_depth(store.path(of)) == (None, "depth.json is damaged. Measure again")


def test_what_is_not_asked_for_is_neither_measured_nor_said(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--out", "plain.json"]) == 0
    said = capsys.readouterr().out
    assert "mia_loss" not in said and "jailbreak" not in said and "extraction_strength" in said
    assert "precision Measured in fp32\n" in re.sub(" +", " ", said)
    plain = json.loads(Path("plain.json").read_text("utf-8"))
    assert plain["precision"] == "fp32"
    Path("half.json").write_text(json.dumps(plain | {"precision": "bf16"}), encoding="utf-8")
    assert main([*command, "--before", "half.json", "--reference", "plain.json", "--out", "again.json"]) == 0
    captured = capsys.readouterr()
    assert "the report from before was measured in bf16, this one in fp32" in captured.err
    said = re.sub(" +", " ", captured.out)
    assert "privleak not measured" in said and "utility not measured" in said


def test_refusals(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    Path("old.json").write_text(json.dumps({"answers": []}), encoding="utf-8")
    assert main([*command, "--reference", "old.json", "--out", "x.json"]) == 2
    assert "This is not a report. It has no figures by row" in capsys.readouterr().err
    assert main([*command, "--rival", "icul", "--depth", "taught", "--out", "x.json"]) == 2
    assert "A rival has no depth" in capsys.readouterr().err
    assert main([*command, "--plots", "pictures", "--out", "x.json"]) == 2
    assert "There is nothing to draw" in capsys.readouterr().err
    for folder in ("nowhere", ""):
        assert main([*command, "--depth", folder, "--out", "x.json"]) == 2
        said = capsys.readouterr().err
        assert "There is no adapter" in said and f"--depth {folder}".strip() in said
        assert "load:" not in said and "probe:" not in said  # before anything is opened


def test_a_reference_of_other_rows_is_refused(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, "--out", "plain.json"]) == 0
    report = json.loads(Path("plain.json").read_text("utf-8"))
    for name, other in (("row_id", "zz1"), ("expected", "Ada was born in Oslo.")):
        changed = [line | {name: other} if line["kind"] == "forget" else line for line in report["answers"]]
        Path("other.json").write_text(json.dumps(report | {"answers": changed}), encoding="utf-8")
        capsys.readouterr()
        assert main([*command, "--reference", "other.json", "--out", "x.json"]) == 2
        assert "The report is of other rows" in capsys.readouterr().err
