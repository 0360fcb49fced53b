"""What must start fast imports neither torch nor transformers nor peft; the page no scipy.stats."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.warm import Warm

ROOT = Path(__file__).resolve().parents[2]
LIGHT = (
    "tokenunlearn",
    "tokenunlearn.errors",
    "tokenunlearn.settings",
    "tokenunlearn.table",
    "tokenunlearn.text.spans",
    "tokenunlearn.data.demo",
    "tokenunlearn.fusion",
    "tokenunlearn.selection",
    "tokenunlearn.masks",
    "tokenunlearn.training.events",
    "tokenunlearn.runs.store",
    "tokenunlearn.runs.queue",
    "tokenunlearn.cli",
)


def test_light_modules_load_no_torch() -> None:
    refuse_heavy(LIGHT, {"torch", "transformers", "peft", "gradio"})


@pytest.mark.slow
def test_the_page_starts_without_what_only_figures_need(warm: Warm, tmp_path: Path) -> None:
    """Beside Gradio and torch, which the warm process has loaded, the page brings neither of these."""
    warm.split("tests.imported", ["app.page"], tmp_path / "log.txt").wait(60)
    loaded = set(json.loads((tmp_path / "log.txt").read_text("utf-8")))
    assert "app.page" in loaded and loaded & {"scipy.stats", "nltk"} == set()


def refuse_heavy(modules: Sequence[str], heavy: set[str]) -> None:
    """Import the modules one after another in a fresh interpreter; the first that loads a heavy one fails."""
    code = (
        "import importlib, sys\n"
        f"for module in {tuple(modules)}:\n"
        "    importlib.import_module(module)\n"
        f"    loaded = sorted({heavy} & set(sys.modules))\n"
        "    if loaded: sys.exit(f'{module} loads {loaded}')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
