"""The rules of the house: docstrings, annotations, twins, no prints, text into the page as text."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PYTHON = sorted(
    path
    for folder in ("tokenunlearn", "app", "assets", "tests", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
)
SOURCE = [path for path in PYTHON if path.relative_to(ROOT).parts[0] in ("tokenunlearn", "app")]
WEB = sorted((ROOT / "app" / "web").rglob("*"))
SCRIPTS = [path for path in WEB if path.suffix in (".js", ".mjs")]
BANNED_NAMES = re.compile(r"(^|_)(utils?|helpers?|managers?|misc|common|v\d+)(_|$)")
# Tensor modules carry shapes in their annotations, which must stay objects (jaxtyping's documentation).
TENSOR_FOLDERS = ("text", "models", "signals", "objectives", "training", "probes")


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def public(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Public functions and classes at module level, and public methods of public classes."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    for node in parsed(path).body:
        if isinstance(node, kinds) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from (
                    each for each in node.body if isinstance(each, kinds) and not each.name.startswith("_")
                )


def test_everything_public_has_a_docstring_and_a_return_annotation() -> None:
    faults = []
    for path in SOURCE:
        tree = parsed(path)
        if not ast.get_docstring(tree):
            faults.append(f"{name(path)}: no module docstring")
        for node in public(path):
            if not ast.get_docstring(node):
                faults.append(f"{name(path)}:{node.lineno} {node.name}: no docstring")
            if not isinstance(node, ast.ClassDef) and node.returns is None:
                faults.append(f"{name(path)}:{node.lineno} {node.name}: no return annotation")
    assert faults == []


def test_the_library_never_prints_nor_imports_the_page() -> None:
    faults = []
    for path in SOURCE:
        if path.relative_to(ROOT).parts[0] != "tokenunlearn":
            continue
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
                faults.append(f"{name(path)}:{node.lineno} print")
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "app":
                faults.append(f"{name(path)}:{node.lineno} imports app")
    assert faults == []


def test_no_file_is_named_after_nothing() -> None:
    stems = {name(path): path.stem for path in PYTHON + SCRIPTS}
    assert [path for path, stem in stems.items() if BANNED_NAMES.search(stem)] == []


def test_annotations_stay_objects_in_tensor_modules() -> None:
    folders = [ROOT / "tokenunlearn" / folder for folder in TENSOR_FOLDERS]
    files = [path for folder in folders for path in folder.glob("*.py")]
    found = [name(path) for path in files if "from __future__ import annotations" in path.read_text("utf-8")]
    assert found == []


def first_line(path: Path) -> str:
    return path.read_text(encoding="utf-8").split("\n", 1)[0]


def head(path: Path) -> str:
    """The first six lines: `masks.py` has one twin function among others, and names it there."""
    return "\n".join(path.read_text(encoding="utf-8").split("\n", 6)[:6])


@pytest.mark.parametrize("stem", ["fusion", "selection"])
def test_twins_name_each_other_on_line_one(stem: str) -> None:
    python, script = ROOT / "tokenunlearn" / f"{stem}.py", ROOT / "app" / "web" / "score" / f"{stem}.js"
    assert f"app/web/score/{stem}.js" in first_line(python)
    assert f"tokenunlearn/{stem}.py" in first_line(script)


def test_whoever_names_a_twin_is_named_back() -> None:
    """Line 1 of a file with 'twin' names a path; that file exists and its docstring names this one."""
    faults = []
    for path in SOURCE + SCRIPTS:
        if "twin" not in first_line(path).lower():
            continue
        for other in re.findall(r"(?:tokenunlearn|app)/[\w/]+\.(?:py|js)", first_line(path)):
            twin = ROOT / other
            if twin != path and (not twin.exists() or name(path) not in head(twin)):
                faults.append(f"{name(path)} names {other}, which does not name it back")
    assert faults == []


def test_scripts_make_nodes_by_text_only() -> None:
    banned = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|https?://(?!www\.w3\.org)"
    )
    found = [
        f"{name(path)}:{number}"
        for path in SCRIPTS
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if banned.search(line) and not line.strip().startswith(("*", "//", "/*"))
    ]
    assert found == []


def test_there_are_no_empty_files() -> None:
    assert [name(path) for path in PYTHON if not path.read_text(encoding="utf-8").strip()] == []
