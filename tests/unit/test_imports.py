"""What must start fast imports neither torch nor transformers nor peft; the page no scipy.stats."""

import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("module", LIGHT)
def test_light_modules_load_no_torch(module: str) -> None:
    refuse_heavy(module, {"torch", "transformers", "peft", "gradio"})


@pytest.mark.slow
def test_the_page_starts_without_what_only_figures_need() -> None:
    refuse_heavy("app.page", {"scipy.stats", "nltk"})


def refuse_heavy(module: str, heavy: set[str]) -> None:
    code = (
        f"import sys, {module}\n"
        f"loaded = sorted({heavy} & set(sys.modules))\n"
        "sys.exit(f'loaded {loaded}' if loaded else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
