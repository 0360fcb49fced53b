"""What `pip install .` gives: a wheel, built here and used from outside the repository.

It is unpacked beside the present environment, whose packages it takes; nothing is installed into that.
"""

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.served import page_of

# Where a package is not called as the module that is imported.
PACKAGE_OF = {"PIL": "pillow", "sklearn": "scikit-learn"}

# Runs the installed command once for each list of arguments, then says where its packages lie.
TWICE = """
import json, runpy, sys
command, calls = sys.argv[1], json.loads(sys.argv[2])
for arguments in calls:
    sys.argv = [command, *arguments]
    try:
        runpy.run_path(command, run_name="__main__")
    except SystemExit as end:
        assert not end.code, end.code
import app, tokenunlearn
print(json.dumps([tokenunlearn.__file__, app.__file__]))
"""


@pytest.fixture(scope="module")
def installed(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the unpacked wheel and nothing else."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    ended(folder, *pip, "wheel", str(root), "--no-deps", "--no-build-isolation", "-w", str(folder / "built"))
    wheel = next((folder / "built").glob("*.whl"))
    ended(folder, *pip, "install", "--no-deps", "--no-compile", "--target", str(folder / "site"), str(wheel))
    return folder / "site"


def ended(folder: Path, *command: str, site: Path | None = None) -> str:
    """What a command printed that ended well in `folder`; the modules of `site` come before all others."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"PYTHONPATH": str(site)} if site else {}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_command_scores_the_demo_from_the_wheel(
    installed: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    command = str(installed / "bin" / "tokenunlearn")
    scored = ["score", "--demo", "--model", str(tiny_folder), "--signals", "entropy", "--out", "scores.jsonl"]
    said = ended(
        tmp_path, sys.executable, "-c", TWICE, command, json.dumps([["list"], scored]), site=installed
    )
    *listed, places = said.splitlines()
    assert any(line.split()[:1] == ["npo"] for line in listed)
    assert all(Path(path).is_relative_to(installed) for path in json.loads(places))
    assert len((tmp_path / "scores.jsonl").read_text("utf-8").splitlines()) > 600


@pytest.fixture
def address(installed: Path, tmp_path: Path) -> Iterator[str]:
    """The page that the installed command serves."""
    program = str(installed / "bin" / "tokenunlearn-app")
    environment = {**os.environ, "PYTHONPATH": str(installed)}

    def command(port: int) -> list[str]:
        return [program, "--port", str(port), "--no-model"]

    log = tmp_path / "log.txt"
    with page_of(command, tmp_path, environment, log, lambda process: process.terminate()) as url:
        yield url


@pytest.mark.slow
def test_the_page_opens_from_the_wheel_with_its_scripts_and_the_recorded_example(address: str) -> None:
    with urllib.request.urlopen(address, timeout=30) as answer:
        page = answer.read().decode()
    assert '"title":"TokenUnlearn Explorer"' in page and "shared-forget" in page.replace("_", "-")
    script = re.search(r"/web/[0-9a-f]{12}/page\.js", page)
    assert script is not None
    with urllib.request.urlopen(address + script[0][1:], timeout=30) as answer:
        assert b'export const all = { "page/status_chips.js": ' in answer.read()


def declared(root: Path) -> dict[str, Requirement]:
    """The dependencies that the wheel asks for, by canonical name."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    return {canonicalize_name(each.name): each for each in map(Requirement, project["dependencies"])}


def test_every_package_that_is_imported_is_asked_for(root: Path) -> None:
    own = {"tokenunlearn", "app", *sys.stdlib_module_names}
    imported = set()
    for folder in ("tokenunlearn", "app"):
        for path in (root / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
                names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
                imported |= {name.split(".")[0] for name in names} - own
    wanted = {canonicalize_name(PACKAGE_OF.get(name, name)) for name in imported}
    assert wanted - declared(root).keys() == set()


def test_the_versions_that_are_tested_are_versions_that_the_wheel_takes(root: Path) -> None:
    lines = (root / "requirements.txt").read_text("utf-8").splitlines()
    pinned = [Requirement(line) for line in lines if line and not line.startswith("#")]
    versions = {canonicalize_name(each.name): str(each.specifier).removeprefix("==") for each in pinned}
    for name, asked in declared(root).items():
        assert versions[name] in asked.specifier, f"{name} {versions[name]} is not in {asked.specifier}"
