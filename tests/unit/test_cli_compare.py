"""`compare` on a tiny model: what is measured stays, arms are of the mask, and slips are told at once."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.tiny_rows import RETAIN, ROWS, WORLD, tiny, write_rows
from tokenunlearn.cli import command_line, main
from tokenunlearn.data.splits import Splits
from tokenunlearn.experiments.arms import arms_of
from tokenunlearn.experiments.config import ARM_PROBES, CompareConfig
from tokenunlearn.experiments.moments import LAST
from tokenunlearn.experiments.results import read_plan
from tokenunlearn.masks import read_header
from tokenunlearn.objectives import OBJECTIVES
from tokenunlearn.probes.report import probe_report
from tokenunlearn.rivals import make_rival

pytestmark = pytest.mark.slow

FIGURES = ("fact_joint", "other", "retain", "world")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with rows.jsonl: two rows to forget, two to keep, one of the world."""
    monkeypatch.chdir(tmp_path)
    write_rows(tmp_path / "rows.jsonl", (*ROWS[:2], WORLD), RETAIN[:2])
    return tmp_path


def compare(model: Path, *more: str) -> int:
    quick = ["--steps", "1", "--rank", "2", "--retain-bound", "20", "--precision", "fp32", "--seeds", "1"]
    return main(["compare", "rows.jsonl", "--model", str(model), "--out", "arms.jsonl", *quick, *more])


def measured(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "arms.jsonl").read_text().splitlines()][1:]


def test_what_is_measured_stays_and_is_not_measured_again(
    folder: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(tiny_folder, "--arms", "random") == 0
    first = measured(folder)
    assert [(each["arm"], each["seed"]) for each in first if each["moment"] == "last step"] == [("random", 0)]
    assert first[-1]["norm"] > 0 and first[-1]["tokens"] > 0
    marked = [each | {"step": 77} if each["moment"] == "last step" else each for each in first]
    for each in marked:  # as a file of an earlier version
        del each["norm"], each["tokens"]
    header = (folder / "arms.jsonl").read_text().splitlines()[0]
    # A mark in the file, so that measuring again would show; and the half of a line that a kill has left.
    (folder / "arms.jsonl").write_text("\n".join([header, *map(json.dumps, marked)]) + "\n")
    capsys.readouterr()
    assert compare(tiny_folder, "--arms", "random,uniform,random") == 0
    table = capsys.readouterr()
    assert "77.0" in table.out and "random, seed 0" not in table.err
    kept = [each | {"norm": None, "tokens": None} for each in marked]
    assert measured(folder)[: len(marked)] == kept
    assert [each["arm"] for each in measured(folder)[len(marked) :]][-1] == "uniform"
    # Who asks for less is told all that the file holds: it is measured.
    assert compare(tiny_folder, "--arms", "uniform") == 0
    told = capsys.readouterr().out.splitlines()
    assert [line.split()[2] for line in told if line.startswith("last step ")] == ["random", "uniform"]

    whole = (folder / "arms.jsonl").read_bytes()
    for more, words in (
        (["--steps", "2"], "steps is 1 there and 2 here"),
        (["--objective", "ga"], "objective is npo there and ga here"),
        (["--fraction", "0.5"], "fraction is 0.25 there and 0.5 here"),
    ):
        assert compare(tiny_folder, *more) == 2
        assert words in capsys.readouterr().err
    write_rows(folder / "rows.jsonl", (*ROWS[1:3], WORLD), RETAIN[:2])
    assert compare(tiny_folder) == 2
    assert "rows to forget are other rows (2 rows @" in capsys.readouterr().err
    assert (folder / "arms.jsonl").read_bytes() == whole


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"arm": "before", "seed": 0, "moment": "before", "step": 0, "summary": {}}\n', "not a comparison"),
        ("notes of mine\n", "not a comparison that could go on"),
        ("\xff\xfe", "not a comparison that could go on"),
    ],
)
def test_a_file_that_is_something_else_stays(
    folder: Path, tiny_folder: Path, content: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "arms.jsonl").write_text(content, encoding="latin-1")
    assert compare(tiny_folder) == 2
    assert words in capsys.readouterr().err
    assert (folder / "arms.jsonl").read_text(encoding="latin-1") == content


def test_a_line_that_is_no_measurement_is_named(
    folder: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(tiny_folder, "--arms", "uniform") == 0
    with (folder / "arms.jsonl").open("a") as file:
        file.write('{"arm": "unif')
    whole = (folder / "arms.jsonl").read_bytes()
    assert compare(tiny_folder, "--arms", "uniform") == 2
    assert f"Line {len(whole.splitlines())} is not a measurement" in capsys.readouterr().err
    assert (folder / "arms.jsonl").read_bytes() == whole


def without_seconds(table: str) -> list[list[str]]:
    """The cells of a table in order, but for the time that was measured."""
    return sorted([*line[:50].split()[:-1], *line[50:].split()] for line in table.splitlines())


def test_an_arm_without_its_last_step_is_measured_anew_as_a_whole(
    folder: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(tiny_folder, "--arms", "uniform") == 0
    table = capsys.readouterr().out
    head, before, *arm = (folder / "arms.jsonl").read_text().splitlines(keepends=True)
    for left in ([head, *arm], [head, before, arm[-1].replace("last step", "equal forgetting")]):
        (folder / "arms.jsonl").write_text("".join(left))
        assert compare(tiny_folder, "--arms", "uniform") == 0
        again = capsys.readouterr().out
        assert without_seconds(again) == without_seconds(table)
    (folder / "arms.jsonl").write_text(
        "".join([head, before, arm[-1].replace('"summary": {', '"summary": [{')])
    )
    assert compare(tiny_folder, "--arms", "uniform") == 2
    assert "is not a measurement" in capsys.readouterr().err


def test_seeds_beyond_the_highest_are_refused_before_the_model(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(folder / "no-model", "--seed", str(2**31 - 1), "--seeds", "2") == 2
    assert "2 seeds from 2147483647 go beyond 2147483647" in capsys.readouterr().err


def test_the_arms_are_of_the_mask_with_its_overrides(
    folder: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mask that forces every token in is the uniform arm, and so is its random control: both are said."""
    model = ["--model", str(tiny_folder), "--precision", "fp32"]
    write_rows(folder / "forget.jsonl", ROWS[:2])
    signals = ["--signals", "knowledge_swap,entropy"]
    assert main(["score", "forget.jsonl", *signals, "--out", "s.parquet", *model]) == 0
    tokens = sum(len(row.answer) for row in ROWS[:2])
    forced = [part for at in range(tokens) for part in ("--override", f"{at}=in")]
    assert main(["select", "s.parquet", "--fraction", "0", *forced, "--out", "all.jsonl"]) == 0
    assert compare(tiny_folder, "--mask", "all.jsonl", "--arms", "chosen,uniform,random") == 0
    printed = capsys.readouterr().out
    for arm in ("uniform, every token", "random, same count"):
        assert (
            f"{arm}, seed 0, last step: not measured: it trains the very tokens of the arm chosen" in printed
        )
    assert (
        compare(tiny_folder, "--mask", "all.jsonl", "--arms", "uniform,random", "--out", "others.jsonl") == 0
    )
    last = {each["arm"]: each for each in measured(folder) if each["moment"] == LAST}
    lines = (folder / "others.jsonl").read_text().splitlines()[1:]
    alone = {each["arm"]: each for each in map(json.loads, lines) if each["moment"] == LAST}
    for name in FIGURES:
        chosen = last["chosen"]["summary"][name]
        assert chosen == alone["uniform"]["summary"][name] == alone["random"]["summary"][name]


def test_rows_without_gold_have_no_gold_arm(
    folder: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_rows(folder / "rows.jsonl", [*(replace(row, gold=()) for row in ROWS[:2]), WORLD], RETAIN[:2])
    assert compare(tiny_folder, "--arms", "chosen,gold") == 2
    assert "The arm gold has no tokens" in capsys.readouterr().err
    assert not (folder / "arms.jsonl").exists()
    assert compare(tiny_folder) == 0
    assert "the arm gold is left out" in capsys.readouterr().err
    assert {each["arm"] for each in measured(folder)} == {"before", "uniform", "chosen", "random"}


def test_a_matched_arm_goes_on_from_a_file_that_has_the_chosen_one(
    folder: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(tiny_folder, "--arms", "uniform_norm,uniform") == 2
    assert "The arm uniform_norm needs the arm chosen" in capsys.readouterr().err
    assert compare(tiny_folder, "--arms", "chosen") == 0
    first = (folder / "arms.jsonl").read_text()
    arms = ["--arms", "uniform_norm,uniform_tokens,chosen"]
    lines = first.splitlines()
    old = {name: value for name, value in json.loads(lines[-1]).items() if name not in ("norm", "tokens")}
    (folder / "arms.jsonl").write_text("\n".join([*lines[:-1], json.dumps(old)]) + "\n")
    assert compare(tiny_folder, *arms) == 2
    assert "The arm chosen of seed 0 has to be measured again" in capsys.readouterr().err
    assert len(measured(folder)) == len(lines) - 1

    (folder / "arms.jsonl").write_text(first)
    assert compare(tiny_folder, *arms) == 0
    table = capsys.readouterr()
    assert "chosen, seed 0" not in table.err and "(uniform_norm): that the size of the" in table.out
    last = {each["arm"]: each for each in measured(folder) if each["moment"] == "last step"}
    assert list(last) == ["chosen", "uniform_norm", "uniform_tokens"]
    assert last["uniform_norm"]["norm"] == pytest.approx(last["chosen"]["norm"], rel=1e-6)
    assert all(each["summary"] and each["note"] == "" for each in last.values())
    norms = [line.split()[6] for line in table.out.splitlines() if line.startswith("last step")][:3]
    assert norms[0] == norms[1] == f"{last['chosen']['norm']:.4g}"


def test_what_cannot_be_matched_has_its_line(
    folder: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # the rows have no second answer, so the chosen arm of alt_dpo cannot be measured either
    arms = ["--arms", "uniform_norm,chosen", "--objectives", "alt_dpo,npo"]
    assert compare(tiny_folder, *arms) == 0
    out = capsys.readouterr().out
    assert (
        "uniform, same norm, AltPO-style DPO, seed 0: not measured. There is nothing to match uniform_norm"
        in out
    )
    assert [(each["arm"], each["method"]) for each in measured(folder) if each["moment"] == "last step"] == [
        ("chosen", "npo"),
        ("uniform_norm", "npo"),
    ]


def test_objectives_are_compared_at_their_defaults_and_go_on(
    folder: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(tiny_folder, "--objectives", "tnpo") == 0
    first = measured(folder)
    assert [(each["arm"], each["method"]) for each in first if each["moment"] == "last step"] == [
        ("chosen", "tnpo")
    ]
    assert first[-1]["seconds"] > 0
    capsys.readouterr()
    # the rows have no perturbed answers, so one of them cannot be measured: its line says why
    assert compare(tiny_folder, "--objectives", "alt_dpo,tnpo,rmu") == 0
    table = capsys.readouterr()
    assert measured(folder)[: len(first)] == first and "chosen, tnpo, seed 0" not in table.err
    assert {each["moment"] for each in measured(folder)} == {"before", "last step"}
    lines = [line.split() for line in table.out.splitlines()]
    assert [line[3] for line in lines if line[:3] == ["last", "step", "chosen"]] == ["tnpo", "rmu"]
    assert "chosen tokens, AltPO-style DPO, seed 0: not measured. Row ada has no second answer." in table.out

    assert compare(tiny_folder, "--arms", "chosen") == 2
    assert "objective is each at its default there and npo here" in capsys.readouterr().err


def test_the_rule_may_choose_by_what_forgetting_does_to_the_rows_to_keep(
    folder: Path, tiny_folder: Path
) -> None:
    assert compare(tiny_folder, "--arms", "chosen", "--knowledge", "g_effect", "--alpha", "1") == 0
    assert [each["moment"] for each in measured(folder)] == ["before", "last step"]


def test_what_a_signal_or_an_objective_lacks_is_told_before_anything_is_measured(
    folder: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(tiny_folder, "--objective", "alt_dpo") == 2
    assert "Row ada has no second answer" in capsys.readouterr().err
    without_layers(monkeypatch)
    assert compare(tiny_folder, "--knowledge", "g_effect") == 2
    assert "It needs a list of decoder layers" in capsys.readouterr().err
    assert compare(tiny_folder, "--objective", "rmu") == 2
    assert "This model's layers cannot be told apart" in capsys.readouterr().err
    assert not (folder / "arms.jsonl").exists()


def test_an_objective_that_the_model_cannot_take_has_its_line(
    folder: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    without_layers(monkeypatch)
    assert compare(tiny_folder, "--objectives", "rmu,ga") == 0
    assert (
        "chosen tokens, RMU, seed 0: not measured. This model's layers cannot be" in capsys.readouterr().out
    )
    assert [each["method"] for each in measured(folder) if each["moment"] == "last step"] == ["ga"]


def without_layers(patch: pytest.MonkeyPatch) -> None:
    """Let no model have a plain list of decoder layers."""
    patch.setattr("tokenunlearn.training.token_batch.layer_count", lambda _: 0)
    patch.setattr("tokenunlearn.models.gradients.layer_list", lambda _: None)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--objectives", "all", "--set", "beta=1"], "--set and --objectives contradict each other"),
        (["--objectives", "npo", "--objective", "ga"], "--objective and --objectives contradict each other"),
        (["--objectives", "nop"], "Did you mean npo?"),
    ],
)
def test_settings_of_one_objective_are_refused_beside_several(
    folder: Path, more: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(folder / "no-model", *more) == 2
    assert words in capsys.readouterr().err


def test_an_arm_of_the_chosen_tokens_themselves_is_not_measured_and_says_so(
    folder: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scored = ["score", "rows.jsonl", "--signals", "knowledge_swap,entropy", "--out", "s.parquet"]
    assert main([*scored, "--model", str(tiny_folder), "--precision", "fp32"]) == 0
    assert main(["select", "s.parquet", "--mode", "gold", "--out", "marked.jsonl"]) == 0
    assert compare(tiny_folder, "--mask", "marked.jsonl", "--arms", "chosen,gold,uniform") == 0
    last = {each["arm"]: each for each in measured(folder) if each["moment"] == LAST}
    assert last["gold"]["summary"] == {} and last["chosen"]["summary"] and last["uniform"]["summary"]
    said = "marked facts, seed 0, last step: not measured: it trains the very tokens of the arm chosen"
    said += ", so it shows nothing"
    assert said in capsys.readouterr().out


def test_all_are_all_objectives() -> None:
    assert CompareConfig(objectives=("all",)).methods == tuple(OBJECTIVES)
    assert CompareConfig().methods == ("",) and CompareConfig(objectives=("npo",)).methods == ("npo",)


def test_a_rival_stands_beside_the_arms(
    folder: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(tiny_folder, "--arms", "icul,uniform", "--objectives", "npo,ga") == 0
    last = [each for each in measured(folder) if each["moment"] == "last step"]
    assert [(each["arm"], each["method"]) for each in last] == [
        ("uniform", "npo"),
        ("uniform", "ga"),
        ("icul", ""),
    ]
    rows = Splits(ROWS[:2], RETAIN[:2], (WORLD,))
    rival = make_rival("icul", tiny(tiny_folder), rows, {"seed": 0})
    for name, value in probe_report(rival, rows, ARM_PROBES)["summary"].items():
        assert last[-1]["summary"][name] == pytest.approx(value), name
    assert last[-1]["step"] == 0 and "icul" in capsys.readouterr().out
    assert [arm.name for arm in arms_of(("gold", "icul"), ("",))] == ["gold", "icul"]


def test_validate_prints_leaderboard_series_and_verdict_and_measures_nothing_twice(
    folder: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quick = [
        "--steps",
        "1",
        "--rank",
        "2",
        "--retain-bound",
        "20",
        "--precision",
        "fp32",
        "--fraction",
        "0.5",
    ]
    small = ["--arms", "chosen,random", "--seeds", "1", "--bins", "2", "--doses", "1", "--series-seeds", "1"]
    asked = ["validate", "rows.jsonl", "--model", str(tiny_folder), "--out", "arms.jsonl", *quick, *small]
    assert main(asked) == 0
    first, told = capsys.readouterr()
    assert "python -m tokenunlearn report arms.jsonl --out arms.html" in told
    for words in ("torch ", "rows with marked facts", "score bins by fused", "bins:2/2", "doses by fused"):
        assert words in first
    # One seed: the series has means, no intervals, and no verdict but that it takes more seeds.
    assert (
        "“bin 2 of 2 (highest), by fused” − “bin 1 of 2 (lowest), by fused”" in first
        and "not shown, it takes 3 seeds" in first
    )
    runs = [(each["arm"], each["seed"]) for each in measured(folder) if each["moment"] == "last step"]
    assert runs == [
        ("chosen", 0), ("random", 0), ("bins:1/2", 0), ("bins:2/2", 0), ("doses:1/1", 0),
    ]  # fmt: skip
    assert {each["moment"] for each in measured(folder) if each["arm"].startswith("bins")} == {"last step"}
    # Of the two claims that it plans the one that these arms can show, named before the first of them.
    plan = read_plan(folder / "arms.jsonl")
    assert plan and [each.text for each in plan.named] == ["fact_joint: chosen - random"] and plan.beforehand
    assert f"0 of 1 planned comparison is shown (named {plan.when})." in first
    before = (folder / "arms.jsonl").read_bytes()
    assert main([*asked, "--planned", "retain: chosen - random"]) == 2
    assert "The file has other planned comparisons" in capsys.readouterr().err
    assert main(asked) == 0
    assert capsys.readouterr().out == first and (folder / "arms.jsonl").read_bytes() == before

    # The report of it: the same figures, the tokens that were chosen, and the command lines.
    wanted = ["report", "arms.jsonl", "--out", "report.html", "--json", "report.json", "--plots", "plots"]
    assert main(wanted) == 0
    record = json.loads((folder / "report.json").read_text("utf-8"))
    assert record["commands"] == [command_line(asked), command_line(wanted)]
    assert record["mask"]["hash"] == read_header("arms.mask.jsonl")["hash"]
    assert [row["id"] for row in record["tokens"]["rows"]] == [row.id for row in ROWS[:2]]
    assert record["planned"]["named"] == ["fact_joint: chosen - random"] and record["unfinished"] == ""
    beaten = {"random", "content_words", "content_words_new"}  # what a signal has to beat stands beside it
    assert {each["signal"] for each in record["signals"]} == {"knowledge_swap", "entropy", *beaten}
    chosen = next(line for line in record["arms"] if (line["arm"], line["moment"]) == ("chosen", LAST))
    assert f"{chosen['figures']['fact_joint'][0]:.3f}" in first and record["versions"]["torch"] in first
    page = (folder / "report.html").read_text("utf-8")
    assert page.count('class="w ') == 3 * sum(len(row.answer) for row in ROWS[:2]) and len(page) < 5e6
    drawn = {path.suffix for path in (folder / "plots").iterdir()}
    assert drawn == {".svg", ".png"} and (folder / "plots" / "bins-1.svg").is_file()
    capsys.readouterr()
    assert main(["select", "arms.scores.parquet", "--fraction", "0.1", "--out", "other.jsonl"]) == 0
    given = ["--scores", "arms.scores.parquet", "--mask", "other.jsonl"]
    assert main([*wanted, *given]) == 2
    assert "not what the rule of the measurements chooses" in capsys.readouterr().err
    head, *lines = (folder / "arms.jsonl").read_text().splitlines()
    named = json.loads(head)
    named["origin"]["mask"] = f"arms.mask.jsonl @{record['mask']['hash']}"
    (folder / "arms.jsonl").write_text("\n".join([json.dumps(named), *lines]))
    assert main([*wanted, *given]) == 2
    assert "the measurements are of" in capsys.readouterr().err
