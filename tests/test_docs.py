"""The documents hold: every registry entry and verb described, settings tables fresh, README examples run.

`python tests/test_docs.py` writes the settings tables of docs/METHODS.md anew.
"""

import doctest
import json
import re
import shlex
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from tokenunlearn.attacks import ATTACKS  # noqa: E402
from tokenunlearn.cli import VERBS, build_parser, main  # noqa: E402
from tokenunlearn.cli.list import REGISTRIES as LISTED  # noqa: E402
from tokenunlearn.data.files import read_rows  # noqa: E402
from tokenunlearn.data.sets import SETS  # noqa: E402
from tokenunlearn.models.adapter_kinds import ADAPTER_KINDS  # noqa: E402
from tokenunlearn.objectives import OBJECTIVES  # noqa: E402
from tokenunlearn.rivals import RIVALS  # noqa: E402
from tokenunlearn.settings import describe  # noqa: E402
from tokenunlearn.signals import SIGNALS  # noqa: E402

METHODS, README = ROOT / "docs" / "METHODS.md", ROOT / "README.md"
SHOWN = [README, ROOT / "docs" / "RESULTS.md", ROOT / "docs" / "COMMAND_LINE.md"]  # whose examples run
PAGES = [README, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
REGISTRIES = {
    title: getattr(import_module(module), name)
    for title, (module, _, name) in ((title, place.partition(":")) for title, place in LISTED.items())
}
# The dataclasses beside their methods; those of the objectives come from the registry.
PLACES = (
    "tokenunlearn.scoring:ScoreConfig",
    "tokenunlearn.selection:Rule",
    "tokenunlearn.training.config:TrainConfig",
    "tokenunlearn.training.teach:TeachConfig",
    "tokenunlearn.probes.evidence:ProbeSettings",
    "tokenunlearn.experiments.config:CompareConfig",
    "tokenunlearn.experiments.gradients:GradientsConfig",
    "tokenunlearn.experiments.perturbation:PerturbConfig",
)
TABLE = re.compile(r"<!-- settings: (\w+) -->\n(.*?)<!-- end -->", re.DOTALL)
ADAPTERS = re.compile(r"<!-- adapters -->\n(.*?)<!-- end -->", re.DOTALL)
SERVED = {"trained": "yes | yes | yes | yes", "read": "yes | yes | no | –", "refused": "no | – | – | –"}
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def settings_classes() -> dict[str, type]:
    """Every dataclass that has settings, by name."""
    named = [(name, getattr(import_module(module), name)) for module, name in map(split_place, PLACES)]
    entries = (*OBJECTIVES.values(), *SIGNALS.values(), *RIVALS.values(), *ATTACKS.values())
    own = [(entry.settings.__name__, entry.settings) for entry in entries]
    return {name: cls for name, cls in [*named, *own] if describe(cls)}


def split_place(place: str) -> tuple[str, str]:
    module, _, name = place.partition(":")
    return module, name


def settings_table(cls: type) -> str:
    """The settings of a dataclass as a Markdown table, from their one declaration."""
    lines = [f"| `{cls.__name__}` | default | takes | meaning |", "|---|---|---|---|"]
    for info in describe(cls):
        default = ", ".join(info.default) if info.type == "names" and info.default else info.default
        lines.append(f"| `{info.name}` | {default} | {info.allowed} | {info.help} |")
    return "\n".join(lines) + "\n"


def adapter_table() -> str:
    """Return what adapters may be as a Markdown table; tests/unit/test_adapter_kinds.py measures it."""
    lines = [
        "| adapter | told by | opens | adapter off is the base | trains | saves and reopens | why not |",
        "|---|---|---|---|---|---|---|",
    ]
    for kind in ADAPTER_KINDS:
        lines.append(f"| {kind.name} | {kind.sign} | {SERVED[kind.served]} | {kind.why} |")
    return "\n".join(lines) + "\n"


def with_fresh_tables(text: str) -> str:
    """Return the text with the tables of settings and of adapters as the code has them now."""
    text = ADAPTERS.sub(lambda _: f"<!-- adapters -->\n{adapter_table()}<!-- end -->", text)
    classes = settings_classes()
    return TABLE.sub(
        lambda found: f"<!-- settings: {found[1]} -->\n{settings_table(classes[found[1]])}<!-- end -->", text
    )


def blocks(language: str) -> list[str]:
    found = [block for page in SHOWN for block in FENCE.findall(page.read_text("utf-8"))]
    return [body for kind, body in found if kind == language]


def command_lines() -> list[str]:
    joined = "\n".join(blocks("sh")).replace("\\\n", " ")
    return [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]


@pytest.mark.parametrize("name", REGISTRIES)
def test_every_entry_is_described(name: str) -> None:
    text = METHODS.read_text("utf-8")
    assert [entry for entry in REGISTRIES[name] if f"`{entry}`" not in text] == []


def test_every_source_is_cited() -> None:
    text = METHODS.read_text("utf-8")
    entries = [entry for registry in REGISTRIES.values() for entry in registry.values()]
    sources = [entry.source for entry in entries if getattr(entry, "source", "")]
    assert len(sources) > len(SIGNALS) + len(SETS)
    assert [source for source in sources if source not in text] == []


def test_every_setting_is_in_a_fresh_table() -> None:
    text = METHODS.read_text("utf-8")
    assert sorted(name for name, _ in TABLE.findall(text)) == sorted(settings_classes())
    assert ADAPTERS.search(text) and with_fresh_tables(text) == text, "run: python tests/test_docs.py"


def test_every_verb_is_in_the_readme() -> None:
    text = README.read_text("utf-8")
    assert [verb for verb in VERBS if f"tokenunlearn {verb}" not in text] == []


def test_every_make_target_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {word for page in PAGES for word in re.findall(r"`?make ([a-z-]+)`", page.read_text("utf-8"))}
    named |= {line.split()[1] for line in command_lines() if line.startswith("make ")}
    assert {"run", "test"} <= named <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    links = [link for link in LINK.findall(page.read_text("utf-8")) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_commands_shown_parse() -> None:
    """Flags and verbs exist; whoever needs a model is not run here (tests/unit/test_cli_journey.py does)."""
    parsed = 0
    for line in command_lines():
        words = shlex.split(line, comments=True)
        words = words[words.index("python") :] if "python" in words else words
        if words[:3] == ["python", "-m", "tokenunlearn"]:
            assert build_parser().parse_args(words[3:]).verb in VERBS
            parsed += 1
    assert parsed >= len(VERBS)


def test_list_runs_as_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert "python -m tokenunlearn list" in command_lines()
    assert main(["list"]) == 0 and "knowledge_swap" in capsys.readouterr().out


def test_rows_shown_are_rows(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(blocks("json")), encoding="utf-8")
    content = read_rows(path)
    assert content.refused == () and len(content.rows) == len(path.read_text("utf-8").splitlines())
    for row in content.rows:
        for start, end in row.gold:
            assert row.answer[start:end].strip() == row.answer[start:end] != ""


def examples() -> list[object]:
    """The Python that the documents show; a block that loads the real model is slow."""
    of_model = [pytest.mark.slow if "load_model" in block else () for block in blocks("python")]
    return [pytest.param(block, marks=marks) for block, marks in zip(blocks("python"), of_model, strict=True)]


@pytest.mark.parametrize("block", examples(), ids=lambda block: block.split("import ")[-1].split("\n")[0])
def test_python_shown_runs(block: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each block says in a comment what its print shows."""
    exec(compile(block, "shown", "exec"), {})
    promised = re.findall(r"print\(.*\)  # (.*)", block)
    assert promised and capsys.readouterr().out.splitlines() == promised


def test_examples_of_docstrings_are_true() -> None:
    """Each `>>>` of the library and the page."""
    for path in sorted((*ROOT.glob("tokenunlearn/**/*.py"), *ROOT.glob("app/**/*.py"))):
        if ">>> " in path.read_text(encoding="utf-8"):
            module = import_module(
                ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            )
            failed, tried = doctest.testmod(module)
            assert tried and not failed, path


def test_rows_shown_are_data() -> None:
    """The rows shown can be read as JSON one by one, as the text beside them says."""
    for line in "".join(blocks("json")).splitlines():
        assert {"question", "answer"} <= set(json.loads(line))


if __name__ == "__main__":
    METHODS.write_text(with_fresh_tables(METHODS.read_text("utf-8")), encoding="utf-8")
