"""Fixtures for every test: fixed seeds, paths, reference data that may be absent, a Chromium."""

import gc
import os
import random
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
import transformers.utils.logging  # noqa: F401 it keeps the standard error of now, which no test closes

import app  # noqa: F401 before a test imports Gradio, which then loads in half the time
from tests import loaded
from tests.shapes import check_shaped_only
from tests.warm import LIBRARIES_AT, Warm
from tokenunlearn.waiting import wait_asleep

check_shaped_only()
wait_asleep()

# Set before anything imports them: no network, no telemetry in any test.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

# A thousand modules are loaded before the first test: looking for garbage among them takes seconds each time.
gc.disable()

# How long one example takes says how busy the machine is.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("TOKENUNLEARN_SHARED", ROOT.parent / "shared"))


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """End a process of xdist at once, when all is told: to look for garbage five times takes it 5 s."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        os._exit(0)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config, specs: list[Any]) -> None:
    """Split the processes of xdist off one that has loaded the libraries: it takes each ten seconds."""
    address = str(Path(tempfile.mkdtemp()) / "libraries")
    held = loaded.start(ROOT, address)
    os.environ[LIBRARIES_AT] = address
    for spec in specs:
        spec.python = shlex.join([sys.executable, "-IS", str(ROOT / "tests" / "split_python.py")])

    def end() -> None:
        held.close()
        shutil.rmtree(Path(address).parent, ignore_errors=True)

    config.add_cleanup(end)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the browser's files, then those that have slow tests: what is short fills the end."""
    browser, slow = (
        {item.path for item in items if item.get_closest_marker(name)} for name in ("browser", "slow")
    )
    items.sort(key=lambda item: (item.path not in browser, item.path not in slow))


def pytest_collection_finish() -> None:
    """Collect garbage from here on, and only what the tests make."""
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def seed() -> int:
    """The seed that every generator starts a test with; torch only where a test has loaded it."""
    random.seed(0)
    np.random.seed(0)
    torch = sys.modules.get("torch")
    if torch is not None:
        # torch.manual_seed also notes for CUDA from where it was called: 2 ms a test.
        torch.default_generator.manual_seed(0)
    return 0


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def cases() -> Path:
    """The folder of case tables that pytest and node share."""
    return ROOT / "tests" / "cases"


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """A function from a file name to its path in ../shared/data; or a skip where it is absent."""

    def find(name: str) -> Path:
        path = SHARED / "data" / name
        if not path.exists():
            pytest.skip(f"reference data {path} is not on this machine")
        return path

    return find


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium; the test is skipped where there is none (`make test` installs one)."""
    names = (
        os.environ.get("CHROMIUM"),
        "chromium-headless-shell",
        "chromium",
        "chromium-browser",
        "google-chrome",
    )
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium on this machine: set CHROMIUM or install one")
    return found


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random two-layer model, for tests of the whole way through the command line."""
    from tests.tiny_folder import make_tiny_folder

    return make_tiny_folder(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    """The process that pages and workers are split off from, with what both need already loaded."""
    # With the tests' limit to one thread: a second one, beside another test, waits more than it computes.
    own = tmp_path_factory.getbasetemp()  # under xdist the folder of all its processes is one above
    warm = Warm(ROOT, own.parent if "PYTEST_XDIST_WORKER" in os.environ else own)
    yield warm
    warm.close()
