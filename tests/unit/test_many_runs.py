"""A pulse beside many runs opens the files of those that have changed, and of no other."""

import builtins
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app import parts
from app.actions import compare
from tests.page_service import live_service
from tests.recorded_page import ANSWER, finished_run


def test_a_pulse_opens_no_file_of_a_run_that_has_not_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = live_service(tmp_path)
    store = service.queue.store
    # The newest is a control: which run it was started with is no reason to open any.
    arms = (*["chosen"] * 12, "random")
    ids = [finished_run(store, arm, 0.1, "forgot", ANSWER) for arm in arms]
    opened: list[str] = []

    def counting(real: Callable[..., Any]) -> Callable[..., Any]:
        def counted(path: Any, *given: Any, **named: Any) -> Any:
            inside = isinstance(path, str | os.PathLike) and str(store.root) in str(path)
            if inside and Path(path).suffix != ".lock":
                opened.append(f"{Path(path).parent.name}/{Path(path).name}")
            return real(path, *given, **named)

        return counted

    monkeypatch.setattr(os, "open", counting(os.open))
    monkeypatch.setattr(builtins, "open", counting(io.open))
    monkeypatch.setattr(io, "open", builtins.open)
    first = parts.look(service)
    assert len(opened) == 3 * len(ids), "state, config and note of each, once"
    opened.clear()
    assert parts.look(service).runs == first.runs and opened == []
    store.change(ids[3], message="other")
    opened.clear()
    parts.look(service)
    assert set(opened) <= {f"{ids[3]}/{name}" for name in ("state.json", "note.json")} and len(opened) == 2
    store.write_json(ids[5], "config.json", {"name": "other", "forget": []})
    opened.clear()
    parts.look(service)
    assert {each.partition("/")[0] for each in opened} == {ids[5]}
    compare.runs(service)
    opened.clear()
    compare.runs(service)
    large = ("config.json", "probes.json", "metrics.jsonl", "depth.json")
    assert not [each for each in opened if each.endswith(large)]
