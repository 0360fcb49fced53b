"""A file system without locks: work goes on, and it is said once that nothing is guarded."""

import errno
import fcntl
import os
from pathlib import Path
from typing import Any

import pytest

from tokenunlearn import file_locks
from tokenunlearn.doctor import NOTE, examined
from tokenunlearn.runs.disk import held_alone, locked


@pytest.fixture(params=[errno.ENOLCK, errno.EOPNOTSUPP, errno.EBADF])
def without_locks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the system says on each lock."""

    def refuse(*_: Any) -> None:
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(fcntl, "flock", refuse)
    file_locks._say_unguarded.cache_clear()
    return os.strerror(request.param)


@pytest.fixture
def warned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the log is warned of."""
    said = list[str]()
    monkeypatch.setattr(file_locks.LOG, "warning", lambda words, *given: said.append(words % given))
    return said


def test_it_is_said_once_for_a_folder_and_work_goes_on(
    without_locks: str, tmp_path: Path, warned: list[str]
) -> None:
    for wait in (None, 0.1):
        with locked(tmp_path / ".lock", wait), held_alone(tmp_path / "out.jsonl"):
            (tmp_path / "out.jsonl").write_text("{}")
    assert len(warned) == 1 and str(tmp_path) in warned[0] and without_locks in warned[0]


def test_the_doctor_says_so_too(without_locks: str, tmp_path: Path) -> None:
    found = {each.name: each for each in examined(tmp_path)}
    assert found["locks, runs"].state == NOTE and without_locks in found["locks, runs"].found


def test_where_there_are_locks_nothing_is_said(tmp_path: Path, warned: list[str]) -> None:
    with held_alone(tmp_path / "out.jsonl"):
        assert file_locks.lock_fault(tmp_path) == ""
    assert not warned
