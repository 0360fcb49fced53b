"""The command line without a model: help, flags, list, overrides, Ctrl-C."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from tokenunlearn import cli
from tokenunlearn.cli import VERBS, build_parser, flags, main, probe
from tokenunlearn.cli.list import REGISTRIES
from tokenunlearn.cli.select import overrides_of
from tokenunlearn.cli.sources import stoppable
from tokenunlearn.errors import SettingError
from tokenunlearn.waiting import WORKER

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help_does_not_import_torch(verb: str) -> None:
    code = (
        "import os, sys\nfrom tokenunlearn.cli import main\n"
        "try:\n    main(sys.argv[1:])\n"
        "except SystemExit as end:\n"
        "    heavy = {'torch', 'transformers', 'peft', 'pandas'} & set(sys.modules)\n"
        "    waiting = os.environ.get('OMP_WAIT_POLICY')\n"  # read by torch when it is loaded
        "    heavy |= set() if waiting == 'PASSIVE' else {waiting}\n"
        "    sys.exit(f'loaded {heavy}' if heavy else end.code)"
    )
    arguments = [verb, "--help"] if verb else ["--help"]
    plain = {name: value for name, value in os.environ.items() if name not in WORKER}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, env=plain
    )
    assert done.returncode == 0, done.stderr
    assert "usage: python -m tokenunlearn" in done.stdout


def test_the_module_runs() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tokenunlearn", "score", "none.jsonl", "--out", "out.csv"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: There is no such file. Check the path. Where: none.jsonl.\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shell", "status", "told"),
    [
        ("{0} list >&-", 0, ""),
        ("{0} list >&- 2>&- <&-", 0, ""),
        ("PYTHONIOENCODING=ascii {0} list | grep -c knowledge_swap", 0, ""),
        ("({0} list; echo $? >status) | true; sleep .1; exit $(cat status)", 141, ""),
        (
            "{0} list >/dev/full",
            2,
            "error: Standard output takes nothing: No space left on device. "
            "What was written before is whole.\n",
        ),
    ],
)
def test_whoever_reads_what_is_said_or_does_not(shell: str, status: int, told: str, tmp_path: Path) -> None:
    line = shell.format(f"{sys.executable} -m tokenunlearn")
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert (done.returncode, done.stderr) == (status, told)


def test_the_picture_of_the_settings_is_fresh() -> None:
    drawn = json.loads(flags.PICTURE.read_text(encoding="utf-8"))
    assert drawn == flags.picture(), "run: python -m tokenunlearn.cli.flags"


def test_every_setting_is_a_flag() -> None:
    parser = build_parser()
    parsed = parser.parse_args(
        ["select", "s.parquet", "--out", "m.jsonl", "--alpha", "0.3", "--no-whole-words"]
    )
    assert (parsed.alpha, parsed.whole_words, parsed.fraction) == ("0.3", False, None)


def test_list_names_every_entry_of_every_registry(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    said = capsys.readouterr().out
    registries = {}
    for title, place in REGISTRIES.items():
        module, _, name = place.partition(":")
        registries[title] = getattr(import_module(module), name)
        for key, entry in registries[title].items():
            (line,) = [
                each
                for each in said.split(f"\n{title}\n"[title == "signals" :])[-1].split("\n")
                if each.startswith(f"  {key} ")
            ][:1]
            words = line.removeprefix(f"  {key}").strip()
            assert len(words.split()) > 2, key
            assert isinstance(entry, str) or "needs: " in words, key
            assert not getattr(entry, "source", "") or f"source: {entry.source}" in words, key
    assert "  top_k                Highest k: Take the k tokens with the highest scores; source: " in said
    assert "amount: k; needs: nothing\n" in said
    assert "  g_effect " in said and "needs: gradient, retain; layer_share 0.33" in said
    assert main(["list", "--names"]) == 0
    names = capsys.readouterr().out.splitlines()
    assert names == [
        each for title, entries in registries.items() for each in (title, *(f"  {n}" for n in entries))
    ]


def test_overrides() -> None:
    assert overrides_of(["3=in", "12=out"]) == {3: "in", 12: "out"}
    for text in ("3", "x=in", "-1=in", "3=maybe"):
        with pytest.raises(SettingError, match="It must be TOKEN=in or TOKEN=out"):
            overrides_of([text])


def test_the_first_interrupt_asks_and_the_second_breaks() -> None:
    # A shell's background job ignores the signal from the start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt), stoppable() as stop:
        assert not stop
        os.kill(os.getpid(), signal.SIGINT)
        assert stop
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_bad_rows_are_skipped_only_on_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"question": "Who?", "answer": "Ada"}\n{"question": "Where?"}\n', encoding="utf-8")
    arguments = ["score", str(path), "--skip-bad-rows", "--model", "/none", "--out", str(tmp_path / "a.csv")]
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("left out line 2: answer is missing.")
    assert "The model folder /none does not exist" in error


def test_a_spreadsheet_runs_no_answer(tmp_path) -> None:
    answers = [{"row_id": "=1", "answer": "a\r=1", "joint": -0.5, "ranks": [1]}]
    probe._write({"answers": answers}, tmp_path / "a.csv")
    content = (tmp_path / "a.csv").read_bytes().decode()
    assert list(csv.reader(io.StringIO(content, newline="")))[1:] == [["'=1", "a\r=1", "-0.5", "[1]"]]


def test_an_answer_that_was_judged_has_what_is_read_of_it_in_its_table(tmp_path: Path) -> None:
    gone = {"gone": ["the"], "of": 3}
    answers = [
        {"badge": "forgot", "fluency": -2.0, "gone_words": gone, "fact_words": [["the", 0.0]]},
        {"badge": "refused", "fluency": -2.0},
    ]
    probe._write({"answers": answers, "garbled_below": None}, tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert [line["reading"] for line in lines] == [
        "forgot, fluent, most of its words still likely", "refused",
    ]  # fmt: skip
    assert json.loads(lines[0]["gone_words"]) == gone and lines[1]["gone_words"] == ""
    for suffix in ("jsonl", "parquet"):
        probe._write({"answers": answers, "garbled_below": None}, tmp_path / f"a.{suffix}")


EVIL = "a\x1b[2J\r\x9bb"


@pytest.mark.parametrize(
    "words",
    [
        ["report", EVIL, "--out", "r.html"],
        ["score", EVIL, "--out", "s.parquet"],
        ["score", f"{EVIL}.jsonl", "--out", "s.parquet"],
        ["select", EVIL, "--out", "m.jsonl"],
        ["list", f"--{EVIL}"],
    ],
)
def test_names_cannot_steer_the_terminal(
    words: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        assert main(words) == 2
    except SystemExit as ended:  # as argparse refuses
        assert ended.code == 2
    said = capsys.readouterr().err
    assert said and not any(each in said for each in "\x1b\r\x9b")


def test_whatever_a_verb_says_goes_through_one_door() -> None:
    """Text of files and people is in tables as well as in errors."""
    folder = Path(cli.__file__).parent
    texts = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.py")}
    direct = re.compile(r"sys\.std(out|err)\.write|(?<!_)print\(")
    assert [name for name, text in texts.items() if direct.search(text)] == []
