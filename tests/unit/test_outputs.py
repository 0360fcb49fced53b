"""No verb writes what it reads, what cannot be written, or what another process writes; each is tried."""

import argparse
import errno
import hashlib
import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.tiny_rows import RETAIN, ROWS, WORLD, write_rows
from tokenunlearn import cli, scoring
from tokenunlearn.cli import VERBS, build_parser, main
from tokenunlearn.cli.outputs import PICTURES, Output, add_output, settle, writing
from tokenunlearn.data.demo import ASSETS
from tokenunlearn.errors import RunError, SettingError
from tokenunlearn.experiments import sweep as sweeps
from tokenunlearn.experiments.sweep import ArmMeasured
from tokenunlearn.masks import token_table
from tokenunlearn.runs.disk import held_alone, write_bytes_atomically
from tokenunlearn.scoring import ScoredRow
from tokenunlearn.table import write_table
from tokenunlearn.training import teach as lessons
from tokenunlearn.training.events import StepDone

WRITES_NOTHING = {"list", "doctor"}
WRITES_AS_COMPARE = {"sweep"}  # its file says what; below
NO_FILE = {"STR", "INT", "FLOAT", "NAME[,NAME]", "WORD", "FIELD=COLUMN,…", "TOKEN=in|out"}
NO_FILE |= {"TEXT[,TEXT]", "ATTACK", "RIVAL", "NAME=VALUE", "SIGNAL.NAME=VALUE"}


@cache
def parsers() -> Mapping[str, argparse.ArgumentParser]:
    (verbs,) = (each for each in build_parser()._actions if isinstance(each, argparse._SubParsersAction))
    return verbs.choices


def outputs_of(verb: str) -> tuple[Output, ...]:
    return parsers()[verb].get_default("outputs")


def inputs_of(verb: str) -> Iterator[argparse.Action]:
    """The arguments that may name a file, as the help says; worked out apart from what the code notes."""
    written = {each.name for each in outputs_of(verb)}
    for action in parsers()[verb]._actions:
        if action.nargs != 0 and action.dest not in written and action.metavar not in NO_FILE:
            yield action


PAIRS = [
    (verb, output, action) for verb in VERBS for output in outputs_of(verb) for action in inputs_of(verb)
]
WRITTEN = [(verb, output) for verb in VERBS for output in outputs_of(verb)]


def named(pairs: list[tuple]) -> list[str]:
    return [f"{each[0]}-{each[1].flag}" + "".join(f"-{action.dest}" for action in each[2:]) for each in pairs]


def suffix_of(verb: str, output: Output) -> str:
    """A suffix that the output takes, found as a person would: by trying."""
    for suffix in ("", ".json", ".jsonl", ".parquet", ".html"):
        try:
            output.written(f"x{suffix}")
        except Exception:
            continue
        return suffix
    raise AssertionError(f"{verb} {output.flag} takes no suffix")


def words_of(
    verb: str, output: Output, place: str, action: argparse.Action | None = None, given: str = ""
) -> list[str]:
    """A command line that writes to `place` and reads `given`; what else it needs is not there."""
    words = [verb]
    for each in parsers()[verb]._actions:
        value = None
        if each.dest == output.name:
            value = place
        elif action is not None and each.dest == action.dest:
            value = {"NAME=MODEL": f"a={given}", "NAME[=VALUE]": f"mmlu={given}"}.get(
                str(each.metavar), given
            )
        elif each.required:
            other = next((one for one in outputs_of(verb) if one.name == each.dest), None)
            value = f"other{suffix_of(verb, other)}" if other else "nothing"
        if value is not None:
            words += [f"{each.option_strings[0]}={value}" if each.option_strings else value]
    return words


def refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(words) == 2, words
    said = capsys.readouterr()
    assert said.out == "" and "Traceback" not in said.err
    return said.err


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a run that can be attacked."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "adapter_config.json").write_text("{}")
    return tmp_path


def place_of(verb: str, output: Output) -> str:
    return "run" if verb == "attack" else f"x{suffix_of(verb, output)}"


def test_every_verb_says_what_it_writes() -> None:
    assert {verb for verb in VERBS if not outputs_of(verb)} == WRITES_NOTHING | WRITES_AS_COMPARE
    assert len(PAIRS) > 70
    for verb in VERBS:
        noted = set(parsers()[verb].get_default("inputs"))
        assert noted == {each.dest for each in inputs_of(verb)}
    # Nobody names a file to write past the one door.
    for path in Path(cli.__file__).parent.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r'add_argument\(\s*"--(out|plots)"', text), path


@pytest.mark.parametrize(("verb", "output", "action"), PAIRS, ids=named(PAIRS))
def test_no_verb_writes_over_what_it_reads(
    verb: str, output: Output, action: argparse.Action, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = place_of(verb, output)
    for path in output.written(place):
        if output.folder:
            path.mkdir()
            (path / "config.json").write_text("kept")
        else:
            path.write_text("kept")
        (folder / "link").unlink(missing_ok=True)
        (folder / "link").symlink_to(path)
        for given in (str(path.absolute()), "link"):
            words = words_of(verb, output, place, action, given)
            assert "is read" in refused(words, capsys), words
        if output.folder and not output.holds:
            words = words_of(verb, output, place, action, str(path / "config.json"))
            assert "lies in it" in refused(words, capsys)
        if output.folder and output.holds == PICTURES:
            (path / "a.svg").write_text("kept")
            assert "lies in it" in refused(words_of(verb, output, place, action, str(path / "a.svg")), capsys)
        if not output.folder:
            os.link(path, folder / "same")
            assert "is read" in refused(words_of(verb, output, place, action, "same"), capsys)
            (folder / "same").unlink()
            assert path.read_text() == "kept"
            assert "which is read" not in refused(
                words_of(verb, output, place, action, str(path.parent.absolute())), capsys
            ), "a second time, where it lies in a folder that is read"


@pytest.mark.parametrize(
    ("given", "name", "clashes"),
    [
        (["--adapter=run"], "x.json", False),
        (["--adapter=run"], "adapter_config.json", True),
        (["--model=run"], "generation_config.json", True),
        (["--model=run"], "deep/tokenizer.json", True),
        (["--model=run"], "deep/x.json", False),
        (["--set=mmlu=run"], "mmlu_test.json", True),
        (["--set=mmlu=run"], "deep/test-1.parquet", True),
        (["--set=mmlu=run"], "report.json", False),
        (["--set=examples=run"], "report.json", False),
        (["tofu_forget01=run"], "forget01_perturbed.json", True),
        (["tofu_forget01=run"], "report.json", False),
    ],
)
def test_of_a_folder_that_is_read_only_its_own_files_are_kept(
    given: list[str], name: str, clashes: bool, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for there in (False, True):
        place = folder / "run" / name
        place.parent.mkdir(exist_ok=True)
        if there:
            place.write_text("kept")
        said = refused(["probe", *given, f"--out=run/{name}"], capsys)
        assert ("which is read" in said) == clashes, said


def test_a_setting_or_the_name_of_a_set_is_no_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("npo", "relearning", "icul", "demo", "0.1"):
        (folder / name).mkdir()
    for words in (
        ["unlearn", "none.jsonl", "--objective", "npo", "--set", "beta=0.1", "--out", "npo"],
        ["unlearn", "none.jsonl", "--set", "beta=0.1", "--out", "0.1"],
        ["unlearn", "demo", "--retain-rows", "none.jsonl", "--out", "demo"],
    ):
        assert "There is no such file" in refused(words, capsys), words
    (folder / "3.json").write_text("kept")
    words = ["probe", "none.jsonl", "--rival", "icul", "--set", "examples=3.json", "--out", "3.json"]
    assert "is read" not in refused(words, capsys)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["unlearn", "--out", "runs/run-1"], "It is a run of the page"),
        (["teach", "--out", "runs/run-1/adapter"], "It is in run-1, a run of the page"),
        (["teach", "--out", "runs/run-1/mine"], "It is in run-1, a run of the page"),
        (["teach", "--out", "runs/run-2"], "It is a run of the page"),
        (["unlearn", "--out", "runs"], "It holds runs of the page"),
        (["gradients", "--out", "runs/run-1/gradients.json"], "It is in run-1, a run of the page"),
        (["gradients", "--out", "runs/run-2/config.json"], "It is in run-2, a run of the page"),
        (["gradients", "--out", "runs/run-1/adapter/adapter_config.json"], "It is in run-1"),
        (["compare", "--out", "runs/run-1/sweep.jsonl"], "It is in run-1, a run of the page"),
        (["score", "--out", "runs/run-1/tokens.parquet"], "It is in run-1, a run of the page"),
        (["gradients", "--out", "runs/.texts/t/draft.json"], "runs holds runs of the page"),
        (["gradients", "--out", "runs/.discarded/run-4/depth.json"], "runs holds runs of the page"),
        (["gradients", "--out", "here/gradients.json"], "It is in run-1, a run of the page"),
        (["gradients", "--out", "runs/run-1/mine.json"], ""),
        (["gradients", "--out", "runs/mine.json"], ""),
        (["perturb", "--plots", "runs/run-1/plots"], ""),
        (["report", "--out", "runs/run-1/report.html", "--json", "runs/run-1/report.json"], ""),
    ],
)
def test_nothing_of_the_page_s_runs_is_replaced(
    words: list[str], said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("run-1/adapter", "run-1/mine", "run-2", ".texts/t", ".discarded/run-4"):
        (folder / "runs" / name).mkdir(parents=True)
    (folder / "runs" / "run-1" / "state.json").write_text("{}")
    (folder / "here").symlink_to("runs/run-1")
    before = sorted(folder.rglob("*"))
    told = refused([words[0], "none.jsonl", *words[1:]], capsys)
    assert said in told if said else "of the page" not in told, told
    assert sorted(folder.rglob("*")) == before


def test_a_link_is_followed(folder: Path) -> None:
    rows = write_rows(folder / "rows.jsonl", ROWS[:1])
    (folder / "elsewhere").mkdir()
    for name in ("there", "none"):
        (folder / f"{name}.html").symlink_to(folder / "elsewhere" / f"{name}.html")
    (folder / "elsewhere" / "there.html").write_text("old")
    (folder / "loop.html").symlink_to("loop.html")
    given = argparse.ArgumentParser()
    add_output(given, "--out", ".html", help="")
    settle(given)
    for name in ("there", "none"):
        asked = given.parse_args(["--out", f"{name}.html"])
        with writing(asked):
            write_bytes_atomically(Path(asked.out), b"new")
        assert (folder / f"{name}.html").is_symlink()
        assert (folder / "elsewhere" / f"{name}.html").read_text() == "new"
    with (
        pytest.raises(SettingError, match=r"Cannot write loop\.html"),
        writing(given.parse_args(["--out=loop.html"])),
    ):
        pass
    (folder / "rows.html").symlink_to(rows)
    with (
        pytest.raises(SettingError, match="The suffix '.jsonl'"),
        writing(given.parse_args(["--out=rows.html"])),
    ):
        pass
    assert rows.read_text() and (folder / "rows.html").is_symlink()


@pytest.mark.parametrize(("verb", "output"), WRITTEN, ids=named(WRITTEN))
def test_what_cannot_be_written_and_what_another_process_writes_is_told_before_the_work(
    verb: str, output: Output, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = place_of(verb, output)
    if verb != "attack":
        suffix = suffix_of(verb, output)
        for impossible in (f"/proc/x{suffix}", f"{'n' * 249}{suffix}", f"none/x{suffix}"):
            assert "Cannot write" in refused(words_of(verb, output, impossible), capsys)
    before = sorted(folder.rglob("*"))
    for path in output.written(place):
        with held_alone(path):
            said = refused(words_of(verb, output, place), capsys)
        assert f"Another process ({os.getpid()}) writes this" in said and str(path) in said
    assert "Another process" not in refused(words_of(verb, output, place), capsys)
    assert sorted(folder.rglob("*")) == before


def test_the_rows_that_were_lost_stay(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = write_rows(folder / "rows.jsonl", ROWS[:2])
    kept = rows.read_bytes()
    assert "rows.jsonl is read" in refused(["score", "rows.jsonl", "--out", "rows.jsonl"], capsys)
    assert rows.read_bytes() == kept
    # Two of one command, the demo's own rows, and the file of settings that a sweep is.
    assert "--plots names it as well" in refused(
        ["probe", "rows.jsonl", "--depth", "run", "--plots", "a.json", "--out", "a.json"], capsys
    )
    demo = ASSETS / "demo" / "world.jsonl"
    assert "which is read" in refused(["score", "--demo", "--out", str(demo)], capsys)
    (folder / "night.toml").write_text('rows = "rows.jsonl"\nout = "rows.jsonl"\n')
    assert "rows.jsonl is read" in refused(["sweep", "night.toml"], capsys)
    assert rows.read_bytes() == kept


def test_a_file_that_may_only_be_read_is_kept(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if os.getuid() == 0:
        pytest.skip("root may write what may only be read")
    (folder / "a.json").write_text("kept")
    (folder / "a.json").chmod(0o444)
    assert "Permission denied" in refused(["gradients", "--demo", "--out", "a.json"], capsys)


def test_what_a_kill_left_of_an_output_is_removed_and_nothing_else(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "x" / "adapter").mkdir(parents=True)
    left = ["x/adapter/.adapter_model.safetensors.77.part", ".a.json.k3.part"]
    kept = ["x/adapter/mine.part", ".b.json.k3.part", ".a.json.notes", "plots/.part", "x/adapter/config.json"]
    (folder / "plots").mkdir()
    for name in (*left, *kept):
        (folder / name).write_text("half")
    refused(["teach", "none.jsonl", "--out", "x"], capsys)
    refused(["perturb", "none.jsonl", "--out", "a.json", "--plots", "plots"], capsys)
    assert not any((folder / name).exists() for name in left) and all(
        (folder / name).exists() for name in kept
    )
    (folder / "x" / "state.json").write_text("{}")
    assert "It is a run of the page" in refused(["unlearn", "none.jsonl", "--out", "x"], capsys)


def test_a_draft_of_another_program_or_of_a_file_that_is_being_written_stays(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "x" / "deep").mkdir(parents=True)
    kept = [folder / "x" / name for name in (".download.part", "deep/.notes.part", ".m.jsonl.k3.part")]
    for each in kept:
        each.write_text("half")
    (folder / "x" / ".a.json.k3.part").mkdir()
    with held_alone(folder / "x" / "m.jsonl"):
        refused(["teach", "none.jsonl", "--out", "x"], capsys)
        assert all(each.exists() for each in kept)
    refused(["teach", "none.jsonl", "--out", "x"], capsys)
    assert [each.exists() for each in kept] == [True, True, False] and (folder / "x/.a.json.k3.part").is_dir()


HOLDING = """import sys, time
from pathlib import Path
from typing import Any
from tokenunlearn.runs.disk import held_alone
with held_alone(Path('x')):
    print('held', flush=True)
    time.sleep(60)"""


@contextmanager
def held_by_another(folder: Path, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A process that holds `x`."""
    root = str(Path(__file__).parents[2])
    child = subprocess.Popen([sys.executable, "-c", HOLDING], stdout=subprocess.PIPE, cwd=folder, text=True,
                             env={**os.environ, "PYTHONPATH": root, **environment})  # fmt: skip
    assert child.stdout is not None and child.stdout.readline() == "held\n"
    yield child
    child.kill()
    child.wait()


def test_a_lock_is_found_whatever_the_folder_of_temporary_files_and_falls_with_its_process(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "tmp").mkdir()
    words = ["teach", "none.jsonl", "--out", "x"]
    with held_by_another(folder, TMPDIR=str(folder / "tmp")) as child:
        assert f"Another process ({child.pid}) writes this" in refused(words, capsys)
    assert "There is no such file" in refused(words, capsys)
    # What the killed one left is taken over, and removed.
    assert not list(folder.glob(".*"))


def test_a_folder_in_a_read_only_one_is_held_by_itself(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "x").mkdir()
    plain = os.open

    def read_only(name: Any, flags: int, *more: Any, **rest: Any) -> int:
        if flags & os.O_CREAT and Path(name).parent == folder:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(name))
        return plain(name, flags, *more, **rest)

    words = ["teach", "none.jsonl", "--out", "x"]
    with held_by_another(folder), monkeypatch.context() as patched:
        patched.setattr(os, "open", read_only)
        (lock,) = folder.glob(".*.lock")
        lock.rename(folder / "away")  # the one beside it is not to be seen from here
        assert "Another process" in refused(words, capsys)
    assert "There is no such file" in refused(words, capsys)


def test_a_lock_that_is_a_link_is_not_followed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "precious").write_text("kept")
    words = ["teach", "none.jsonl", "--out", "x"]
    with held_by_another(folder):
        (lock,) = folder.glob(".*.lock")
        assert lock.read_bytes() == b""
    lock.unlink()
    lock.symlink_to(folder / "precious")
    assert f"Its lock is a link. Remove {lock}" in refused(words, capsys)
    assert (folder / "precious").read_text() == "kept" and lock.is_symlink()
    lock.unlink()
    # Nor is the one that there was among the temporary files, whose name anybody could tell.
    name = hashlib.sha256(str(folder.resolve() / "x").encode()).hexdigest()[:16]
    old = Path(tempfile.gettempdir()) / f"tokenunlearn-{os.getuid()}-{name}.lock"
    old.symlink_to(folder / "precious")
    assert "There is no such file" in refused(words, capsys)
    old.unlink()
    assert (folder / "precious").read_text() == "kept"


def interrupting(events: Iterator, last: type, after: int) -> Iterator:
    """The same events; Ctrl-C, as a terminal sends it, as the one behind `after` of this kind is made."""
    for event in events:
        yield event
        after -= isinstance(event, last)
        if after == 0 and isinstance(event, last):
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("name", ["out.parquet", "out.jsonl", "out.csv"])
def test_a_disk_that_fills_up_meanwhile_is_told_with_its_file(name: str, tmp_path: Path) -> None:
    given = argparse.ArgumentParser()
    add_output(given, "--out", ".parquet", ".jsonl", ".csv", help="")
    settle(given)
    path, table = tmp_path / name, token_table({"r": [f"{number} of many" for number in range(2000)]})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with pytest.raises(RunError) as told, writing(given.parse_args(["--out", str(path)])):
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
        try:
            write_table(table, path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    said = str(told.value)
    assert said.startswith("Cannot write ") and "File too large. Raise its limit" in said
    assert said.endswith(f"Where: {path}.") and not list(tmp_path.iterdir())


@pytest.mark.slow
def test_ctrl_c_keeps_what_the_readme_says(
    folder: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    write_rows(folder / "rows.jsonl", (*ROWS[:3], WORLD), RETAIN[:2])
    model = ["--model", str(tiny_folder), "--precision", "fp32"]

    with monkeypatch.context() as patch:
        scored = scoring.iter_scores
        patch.setattr(scoring, "iter_scores", lambda *given: interrupting(scored(*given), ScoredRow, 1))
        words = ["score", "rows.jsonl", "--signals", "loss", "--out", "s.jsonl", *model]
        assert main(words) == 130
    lines = (folder / "s.jsonl").read_text().splitlines()[1:]
    assert list(dict.fromkeys(json.loads(line)["row_id"] for line in lines)) == [row.id for row in ROWS[:2]]

    quick = ["--steps", "1", "--rank", "2", "--retain-bound", "20", "--seeds", "1", "--out", "arms.jsonl"]
    words = ["compare", "rows.jsonl", "--arms", "chosen,random", *quick, *model]
    with monkeypatch.context() as patch:
        made = sweeps.sweep
        patch.setattr(sweeps, "sweep", lambda *given: interrupting(made(*given), ArmMeasured, 2))
        assert main(words) == 130

    def arms() -> set[str]:
        return {json.loads(line)["arm"] for line in (folder / "arms.jsonl").read_text().splitlines()[1:]}

    assert arms() == {"before", "chosen"}
    capsys.readouterr()
    assert main(words) == 0
    assert arms() == {"before", "chosen", "random"} and "chosen, seed 0" not in capsys.readouterr().err

    words = [
        "teach",
        "rows.jsonl",
        "--epochs",
        "2",
        "--rank",
        "2",
        "--rehearse",
        "0",
        "--out",
        "taught",
        *model,
    ]
    assert main(words) == 0
    kept = {path.name: path.read_bytes() for path in (folder / "taught").iterdir()}
    with monkeypatch.context() as patch:
        taught = lessons.teach
        patch.setattr(lessons, "teach", lambda *given: interrupting(taught(*given), StepDone, 1))
        assert main([*words, "--seed", "7"]) == 130
        assert main([*words[:-5], "new", *model, "--seed", "7"]) == 130
    assert {path.name: path.read_bytes() for path in (folder / "taught").iterdir()} == kept
    assert not (folder / "new").exists()
