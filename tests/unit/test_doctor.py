"""The doctor on real folders: what is wrong is named, with how to mend it; what is right is no fault."""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.actions.status import chips
from app.health import Health
from tests.page_service import live_service
from tokenunlearn import doctor
from tokenunlearn.cli import main
from tokenunlearn.doctor import FINE, NOTE, STALE_SECONDS, WRONG, Finding, ailments, examined, leftovers
from tokenunlearn.models.embedded import file_hash
from tokenunlearn.runs.store import RunStore


def old(path: Path) -> Path:
    then = time.time() - STALE_SECONDS - 1
    os.utime(path, (then, then))
    return path


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A folder with one run that is damaged, and one that waits."""
    store = RunStore(tmp_path / "runs")
    for name in ("first", "second"):
        store.create({"name": name})
    state = tmp_path / "runs" / "run-1" / "state.json"
    state.write_text(state.read_text()[:40])
    return tmp_path / "runs"


def named(findings: list[Finding], name: str) -> Finding:
    (found,) = (each for each in findings if each.name == name)
    return found


def test_all_is_looked_at_and_each_fault_says_how_to_mend_it(tmp_path: Path) -> None:
    findings = examined(tmp_path / "none")
    assert {each.name for each in findings} >= {
        "installation", "packages", "processor", "memory", "disk, runs", "disk, cache",
        "disk, temporary files", "embedded model", "assets", "runs",
    }  # fmt: skip
    assert not (tmp_path / "none").exists()
    assert {each.state for each in findings} <= {FINE, NOTE, WRONG}
    assert all(each.fix for each in findings if each.state == WRONG)
    for name in ("installation", "packages", "processor", "assets", "runs"):
        assert named(findings, name).state == FINE, named(findings, name)


def test_a_damaged_run_ends_the_command_with_1_and_is_said_in_the_header_of_the_page(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--runs", str(runs), "--json"]) == 1
    (run,) = (each for each in json.loads(capsys.readouterr().out) if each["name"] == "run-1")
    assert run["state"] == WRONG and "state.json" in run["found"] and "Discard" in run["fix"]
    health, service = Health(), live_service(runs.parent / "page")
    health.look(RunStore(runs))
    service.health = health
    assert run in chips(service)["ailments"]
    (runs / "run-1" / "state.json").unlink()
    (runs / "run-1" / "config.json").unlink()
    (runs / "run-1" / "versions.json").unlink()
    (runs / "run-1").rmdir()
    health.look(RunStore(runs))
    assert run not in health.found


def test_what_a_kill_left_is_found_and_swept_but_nothing_that_is_being_written(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = (
        ".texts/t1/.draft.json.x1.part", ".measured/.report-1.json.y.part", "run-2/adapter/.weights.3.part",
        "run-2/.tokens.parquet.draft",
    )  # fmt: skip
    for place in (*places, ".texts/t1/.draft.json.now.part", "run-2/kept.part"):
        (runs / place).parent.mkdir(parents=True, exist_ok=True)
        (runs / place).write_text("half")
    (runs / ".new-half_abc").mkdir()
    (runs / ".new-half_abc" / "config.json").write_text("{}")
    (runs / "run-2" / ".merged-busy").mkdir()  # a large file of it is being written
    (runs / "run-2" / ".merged-busy" / "model.safetensors").write_text("half")
    for place in (".new-half_abc/config.json", "run-2/.merged-busy"):
        old(runs / place)
    left = [old(runs / place) for place in (*places, ".new-half_abc")]
    old(runs / "run-2" / "kept.part")
    assert leftovers(runs) == sorted(left)
    assert main(["doctor", "--runs", str(runs), "--sweep"]) == 1
    said = capsys.readouterr()
    assert all(f"removed {path}" in said.err for path in left) and "WRONG run-1: " in said.out
    assert leftovers(runs) == [] and not any(path.exists() for path in left)
    assert (runs / ".texts/t1/.draft.json.now.part").exists() and (runs / "run-2/kept.part").exists()
    assert (runs / "run-2/.merged-busy/model.safetensors").exists()


def test_nothing_of_other_work_in_the_folder_of_runs_is_swept(runs: Path) -> None:
    (runs / "notes").mkdir()
    (runs / ".new-theme").mkdir()
    (runs / "elsewhere").mkdir()
    (runs / "run-9").symlink_to(runs / "elsewhere")
    others = ("notes/.letter.draft", "notes/.film.part", ".thesis.draft", "elsewhere/.a.part", ".new-theme/x")
    for place in others:
        (runs / place).write_text("mine")
        old(runs / place)
    old(runs / ".new-theme")
    assert leftovers(runs) == []


def test_what_cannot_be_removed_is_said_with_the_command_for_this_folder(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (runs / ".new-half_abc").mkdir()
    left = old(runs / ".new-half_abc")

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    cache = tmp_path / "cache" / ".converting-1"
    cache.mkdir(parents=True)
    (cache / "config.json").write_text("half")
    old(cache / "config.json")
    old(cache)
    monkeypatch.setattr("tokenunlearn.models.embedded.cache_root", lambda: tmp_path / "cache")
    monkeypatch.setattr(doctor.shutil, "rmtree", refuse)
    main(["doctor", "--runs", str(runs), "--sweep"])
    said = capsys.readouterr()
    for path in (left, cache):
        assert f"{path} cannot be removed: Permission denied" in said.err
    assert "removed /" not in said.err
    assert f"python -m tokenunlearn doctor --sweep --runs {runs}; the page" in said.out


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda folder: (folder / "rows.jsonl").write_text("other"), "Not as they were shipped"),
        (lambda folder: (folder / "rows.jsonl").unlink(), "Not as they were shipped"),
        (lambda folder: (folder / "manifest.json").write_text("[]"), "cannot be read"),
        (lambda folder: (folder / "manifest.json").write_text('{"files": 3}'), "cannot be read"),
        (lambda folder: (folder / "manifest.json").unlink(), "cannot be read"),
    ],
)
def test_assets_that_are_not_as_they_were_shipped(
    damage: Callable[[Path], object], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rows.jsonl").write_text("rows")
    listed = {"rows.jsonl": file_hash(tmp_path / "rows.jsonl")}
    (tmp_path / "manifest.json").write_text(json.dumps({"files": listed}))
    monkeypatch.setattr(doctor, "ASSETS", tmp_path)
    store = RunStore(tmp_path / "runs")
    assert not [each for each in ailments(store) if each.name == "assets"]
    damage(tmp_path)
    assert words in named(ailments(store), "assets").found


@pytest.mark.parametrize("module", ["torch", "psutil", "packaging.requirements"])
def test_what_is_not_installed_hides_nothing_else(
    module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    findings = examined(tmp_path)
    (wrong,) = (each for each in findings if each.state == WRONG and module in each.found)
    assert "make install" in wrong.fix and named(findings, "assets").state == FINE


def test_folders_that_take_nothing(tmp_path: Path) -> None:
    assert "cannot be written" in named(examined(Path("/proc/none")), "disk, runs").found
    (tmp_path / "file").write_text("")
    assert named(examined(tmp_path / "file"), "runs").found.endswith("is no folder")
