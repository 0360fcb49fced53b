"""Bad input → the expected sentence, on the command line and on the page (cases/errors.jsonl).

No traceback, exit code 2 where a command ends, nothing written. A case with `arguments` is driven through
`tokenunlearn.cli`, one with `page` through the page: `start` is `python -m app`, `load` its loading thread,
the other entries are the actions behind the controls. Both ways must say the same.
"""

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from app.__main__ import main as page_main
from app.__main__ import parser
from app.actions import tokens, unlearn
from app.service import Service
from app.sessions.session import Options
from tests.asking import ask, start
from tests.page_service import draft, live_service
from tokenunlearn.cli import main
from tokenunlearn.errors import TokenUnlearnError

TABLE = Path(__file__).parents[1] / "cases" / "errors.jsonl"
CASES = [json.loads(line) for line in TABLE.read_text("utf-8").splitlines()]
ASKED = {
    "missing model folder", "empty file", "row without answer", "wrong JSON", "5,000-token row",
    "NaN learning rate", "alpha = 2", "unknown signal",
}  # fmt: skip


def cases(key: str) -> Any:
    return pytest.mark.parametrize(
        "case", [case for case in CASES if key in case], ids=lambda case: case["name"]
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_files(case: dict[str, Any], folder: Path) -> list[str]:
    """What lies in the folder before the case runs."""
    for name, text in case["files"].items():
        (folder / name).write_text(text.replace("REPEATED", "a" * case.get("repeat", 0)), encoding="utf-8")
    return everything(folder)


def everything(folder: Path) -> list[str]:
    return sorted(str(each.relative_to(folder)) for each in folder.rglob("*"))


def flags(given: list[str], tiny: Path) -> list[str]:
    return [str(tiny) if each == "TINY" else each for each in given]


@cases("arguments")
def test_the_command_line_says_it(
    case: dict[str, Any], folder: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = write_files(case, folder)
    assert main(flags(case["arguments"], tiny_folder)) == 2
    captured = capsys.readouterr()
    assert case["sentence"] in captured.err
    assert "error: " in captured.err and "Traceback" not in captured.err
    assert captured.out == ""
    assert everything(folder) == before


def started(given: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What `python -m app` says on stderr; it must end before it prints an address."""
    assert page_main(given) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and "Traceback" not in captured.err
    return captured.err


def loaded(given: list[str]) -> str:
    """What the page shows after loading, where the rows would stand; the chip tells the same."""
    options = parser().parse_args(given)
    service = Service(Options(options.model, options.adapter, "fp32", options.data, options.runs))
    service.sessions.load_now()
    shown = tokens.shown_payload(service)
    assert shown["rows"] == [] and service.sessions.stage.name == "error"
    return shown["message"]


def refused(act: Any) -> str:
    with pytest.raises(TokenUnlearnError) as caught:
        act()
    return str(caught.value)


def numbers(given: Any) -> Any:
    """The settings with the words nan and inf as numbers, which JSON cannot write."""
    return {name: float(value) if value in ("nan", "inf") else value for name, value in given.items()}


@cases("page")
def test_the_page_says_the_same(
    case: dict[str, Any], folder: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entry, given = case["page"]["entry"], case["page"]["given"]
    if entry in ("start", "load"):
        before = write_files(case, folder)
        said = started(given, capsys) if entry == "start" else loaded(flags(given, tiny_folder))
        # A page that has started has an empty folder for its runs.
        assert set(everything(folder)) - {"runs"} == set(before) - {"runs"}
    else:
        service = live_service(folder)
        plan = ask(unlearn.summary, service, draft())["plan"]
        acts = {
            "rule": lambda: ask(tokens.confirm_mask, service, draft(rule=given)),
            "signal": lambda: ask(tokens.compute_signal, service, {"scores_id": "s1", "name": given}),
            "training": lambda: start(service, plan, numbers(given), controls=["uniform", "random"]),
        }
        said = refused(acts[entry])
        assert service.queue.store.list_runs() == []
    # A flag is the command line's own place; the page's settings are found by their name.
    assert case["sentence"].split(" Where: --")[0] in said


@pytest.mark.parametrize("port", ["1_0", "٨٠", "-1", "web"])
def test_a_port_is_written_in_digits(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["--port", port])
    assert "is no whole number" in capsys.readouterr().err


def test_a_taken_port_is_told_before_anything_is_loaded(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = started(["--no-model", "--port", str(port)], capsys)
    assert f"The page cannot listen on 127.0.0.1:{port}. Address already in use" in said
    assert everything(folder) == []


@pytest.mark.parametrize("key", ["arguments", "page"])
def test_the_issue_s_eight_are_in_the_table_both_ways(key: str) -> None:
    assert {case["name"] for case in CASES if key in case} >= ASKED
