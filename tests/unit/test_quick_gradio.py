"""Gradio is imported without its upkeep of stub files, and is otherwise as it was."""

import importlib
from pathlib import Path

import pytest

SOURCE = """
import gradio as gr


class Shouted(gr.Textbox):
    EVENTS = ["shout"]
"""


def test_a_component_is_defined_without_a_stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shouted_component.py").write_text(SOURCE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    shouted = importlib.import_module("shouted_component")
    assert not (tmp_path / "shouted_component.pyi").exists()
    # The rest of what Gradio does with the class is done.
    assert callable(shouted.Shouted.shout) and [str(event) for event in shouted.Shouted.EVENTS] == ["shout"]
