"""A report says what its record says, the record what was measured; hostile text in it is text."""

import csv
import io
import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageFont

from app.views.results_table import comma_table, of_sweep
from app.views.tokens import leaderboard
from tests.measured_arms import chosen_and_random, measured, target
from tokenunlearn.documents.axes import axis_of, rungs
from tokenunlearn.documents.drawing import COLOURS, Words, plain, png, style, svg
from tokenunlearn.documents.plots import plots
from tokenunlearn.documents.record import Report, report_json, report_of
from tokenunlearn.documents.report_page import report_page
from tokenunlearn.documents.sources import beside, open_source
from tokenunlearn.documents.summary import sweep_view
from tokenunlearn.errors import RunError
from tokenunlearn.experiments.arms import Arm
from tokenunlearn.experiments.moments import LAST
from tokenunlearn.experiments.planned import Plan, named
from tokenunlearn.experiments.report import arm_lines, verdict_lines
from tokenunlearn.experiments.results import Made, read_results, results_text
from tokenunlearn.experiments.runner import ArmResult, arms_table
from tokenunlearn.masks import columns_from_table, make_mask, write_mask
from tokenunlearn.metrics.attribution import signal_report
from tokenunlearn.probes import COMPARED
from tokenunlearn.probes.readings import counts_said
from tokenunlearn.selection import Rule
from tokenunlearn.table import read_table, write_table

HOSTILE = "</td><script>window.ran=1</script><img src=x onerror='1'>\x00\u202e"
ORIGIN = {
    "steps": 3,
    "objective": "npo",
    "mask": "none: the rule chooses",
    "alpha": 0.8,
    "model": "tiny @0123",
    "adapter": "none",
    "precision": "fp32",
    "rows to forget": "12 rows @4567",
    "rows to keep": "3 rows @89ab",
    "code": "tokenunlearn @cdef",
}


def answer(row: str, said: str, **more: Any) -> dict[str, Any]:
    line = {"row_id": row, "kind": "forget", "question": f"Who is {row}?", "expected": f"{row} is Ada."}
    known = {"facts": ["Ada"], "answer": said, "fact_joint": 0.9, "fluency": -2.0, "rouge_l": 1.0}
    return {**line, **known, "stated": True, **more}


def every_arm() -> list[ArmResult]:
    """What a comparison over three seeds may hold: controls, a series, answers, and a run that diverged."""
    start = replace(target(), answers=[answer("r0", "r0 is Ada."), answer("r1", "r1 is Ada.")])
    bins = [
        measured(f"bins:{at}/2", seed, 0.2 * at + 0.01 * seed, apart=0.2 * at)
        for at in (1, 2)
        for seed in range(3)
    ]
    found = [start, *chosen_and_random(3, 0.4), *bins]
    said = [answer("r0", "r0 r0 r0 r0 r0", fluency=-9.0), answer("r1", "r1 is Bo.", fact_joint=0.01)]
    found[1] = replace(found[1], answers=said, note="diverged in step 2, the weights of step 1 were kept")
    return found


SAME = {"rows to keep": "3 rows @89ab", "rows of the world": "3 rows @89ab"}
PLAN = Plan(named(["fact_joint: chosen - random"]), "2026-11-30 22:10 UTC", 0, 3)


def written(path: Path, results: list[ArmResult], plan: Plan | None = None, **origin: Any) -> Path:
    runs = tuple((each.seed, each.of) for each in results if each.moment == LAST)
    made = Made(("python -m tokenunlearn compare rows.jsonl",), {"torch": "2"}, runs)
    path.write_text(results_text({**ORIGIN, **origin}, results, made, plan), encoding="utf-8")
    return path


def report(path: Path) -> Report:
    return report_of(open_source(path), "python -m tokenunlearn report", "today")


@pytest.fixture
def made(tmp_path: Path) -> Report:
    return report(written(tmp_path / "arms.jsonl", every_arm()))


@pytest.mark.parametrize(
    ("mask", "name", "digest"),
    [
        ("none: the rule chooses", "the rule alone", None),
        ("night.jsonl @0a1b", "night.jsonl", "0a1b"),
        ("me @ home @0a1b", "me @ home", "0a1b"),
        ("none of these @0a1b", "none of these", "0a1b"),
    ],
)
def test_a_mask_keeps_its_whole_name(tmp_path: Path, mask: str, name: str, digest: str | None) -> None:
    found = report(written(tmp_path / "arms.jsonl", every_arm(), mask=mask)).record["mask"]
    assert (found["chosen_by"], found["hash"]) == (name, digest)


def test_how_long_answers_could_be_is_said_also_of_an_earlier_version(tmp_path: Path) -> None:
    old = report(written(tmp_path / "old.jsonl", every_arm()))
    assert old.record["how"].endswith("Measured in fp32. Answers cut at 24 tokens.")
    half = report(written(tmp_path / "half.jsonl", every_arm(), precision="bf16")).record["how"]
    assert "Measured in bf16, where a probability moves" in half
    assert "Answers cut at 24 tokens." in report_page(old)
    arms = [replace(each, answers=[{**line, "cut": line["row_id"] == "r1"} for line in each.answers])
            for each in every_arm()]  # fmt: skip
    new = report(written(tmp_path / "new.jsonl", arms, longest_answer=48))
    assert new.record["how"].endswith("Answers of at most 48 tokens; 2 of 4 are cut there.")
    assert [line["cut_after"] for line in new.record["answers"]["rows"]] == [
        line["row_id"] == "r1" for line in new.record["answers"]["rows"]
    ]
    assert report_page(new).count("cut, no end") == 2 and "longest_answer" not in new.record["training"]


class Page(HTMLParser):
    """Elements, attributes, the values of figures, and the text outside of figures, ticks and style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.values: set[float] = set()
        self.text = ""
        self.inside: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        found = dict(attrs)
        if tag == "data":
            self.values.add(float(found["value"] or "nan"))
        if tag not in ("meta", "br"):
            tick = tag == "text" and "tick" in (found.get("class") or "")
            self.inside.append("data" if tick else tag)

    def handle_data(self, data: str) -> None:
        if not {"data", "style", "title"} & set(self.inside):
            self.text += f" {data}"

    def handle_endtag(self, _tag: str) -> None:
        self.inside.pop()


def leaves(value: Any) -> Iterator[Any]:
    """All numbers and texts of a record."""
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from leaves(each)
    else:
        yield value


@pytest.mark.parametrize("plan", [None, PLAN], ids=["without a plan", "planned"])
def test_recorded_live_and_reported_figures_are_the_same_numbers(tmp_path: Path, plan: Plan | None) -> None:
    results, made = every_arm(), report(written(tmp_path / "arms.jsonl", every_arm(), plan))
    record = made.record
    # the table of `compare`
    table = arms_table(results).set_index(["moment", "arm"])
    assert len(record["arms"]) == 2
    for line in record["arms"]:
        row = table.loc[(line["moment"], line["arm"])]
        for name in COMPARED:
            told = [row[each] for each in (name, f"{name}_low", f"{name}_high")]
            assert line["figures"][name] == pytest.approx(told, abs=1e-6)
        assert (line["costs"]["norm"], len(line["seeds"])) == (row["norm"], row["seeds"])
    # what it says is shown
    printed = "\n".join(verdict_lines(results, plan))
    shown = [each["words"] for each in record["differences"] if each["shown"]]
    assert shown and all(words in printed for words in shown)
    assert printed.count("  ") == len(shown) + len(record["controls"])
    # the CSV: each measurement as it was recorded, and its mean over the seeds as it is told
    config = {"training": {"steps": 3}, "sweep": {"seeds": 3, "equal_below": 0.1, "kept_below": 0.95}}
    state = {"run_id": "run-1", "name": "x", "state": "finished"}
    lines = list(csv.DictReader(io.StringIO(comma_table(of_sweep(state, (), config, results, plan)))))
    of_arms = {each["arm"]: each["badges"] for each in record["arms"] if each["badges"]}
    told = next(line["answers"] for line in lines if line["arm"] == "chosen" and line["seed"] == "0")
    assert told == counts_said(of_arms["chosen"])  # one seed kept its answers
    recorded = [[str(each.summary[name]) for name in COMPARED] for each in results]
    assert [[line[name] for name in COMPARED] for line in lines] == recorded
    for arm in record["arms"]:
        kept = [float(line["kept"]) for line in lines if line["arm"] == arm["arm"]]
        assert np.mean(kept) == pytest.approx(arm["figures"]["kept"][0], abs=1e-6)
        values = [float(line["fact_joint"]) for line in lines if line["arm"] == arm["arm"]]
        assert np.mean(values) == pytest.approx(arm["figures"]["fact_joint"][0], abs=1e-6)
    assert {(line["equal_below"], line["kept_below"]) for line in lines} == {("0.1", "0.95")}
    assert {line["planned"] for line in lines} == {plan.named[0].text if plan else ""}
    when = "2026-11-30 22:10 UTC, before the first arm was measured, for 3 seeds"
    assert {line["planned_when"] for line in lines} == {when if plan else ""}
    means = [(float(line["other"]) + float(line["retain"])) / 2 for line in lines]
    assert [float(line["retention"]) for line in lines] == pytest.approx(means)
    # the payload of the Compare tab, and that of the file read back
    view = json.loads(json.dumps(sweep_view(results, [], plan)))
    assert view["planned"] == record["planned"] and bool(view["planned"]) == bool(plan)
    assert view["verdicts"] == record["verdicts"] and view["notes"] == record["notes"] != []
    assert view["before"] == record["before"]
    assert [each for each in view["lines"] if not each["arm"].startswith("bins")] == record["arms"]
    for shown_there, told in zip(view["series"], record["series"], strict=True):
        for figure in shown_there["figures"]:
            changes = [point["changes"][figure["key"]] for point in told["points"]]
            assert figure["changes"] == changes and figure["before"] == told["before"][figure["key"]]
    # the page, and the JSON file
    assert json.loads(report_json(made)) == record
    page = Page(report_page(made))
    said = " ".join(page.text.split())
    for line in (view["planned"] or {"lines": ()})["lines"]:
        assert line["text"] in said and line["text"][1:] in printed
    known = list(leaves(record))
    numbers = {float(each) for each in known if isinstance(each, int | float)}
    counted = {float(len(each["seeds"])) for each in record["arms"]}
    assert page.values and page.values <= numbers | counted
    texts = " ".join(each for each in known if isinstance(each, str)).replace("−", "-")
    told = re.findall(r"\d*\.\d+", page.text.replace("−", "-"))
    drawn = {f"{value:.3f}" for each in record["series"] for value in each["before"].values()}
    assert told and [each for each in told if each not in texts and each not in drawn | {"0.05"}] == []
    assert arm_lines(arms_table(results))[1].split()[:3] == ["before", "before", "1"]


@pytest.mark.parametrize("plan", [None, PLAN], ids=["without a plan", "planned"])
def test_every_plot_of_the_differences_counts_as_the_sentences_do(tmp_path: Path, plan: Plan | None) -> None:
    """A plot holds the figures of one unit, and those that were named as well: it counted its own."""
    record = report(written(tmp_path / "arms.jsonl", every_arm(), plan)).record
    (verdict,) = record["verdicts"]
    counted = "7 of 7 other differences" if plan else "8 of 8 differences"
    assert f"last step: {counted} between" in verdict["text"].lower()
    told = f"Shown are {counted} at this moment" + (
        ", and 1 of 1 comparisons that were named." if plan else "."
    )
    abouts = [each.about for each in plots(record) if each.name.startswith("differences")]
    assert len(abouts) == 2 and all(told in each for each in abouts)
    assert not plan or record["planned"]["text"].startswith("1 of 1 planned comparison is")


def test_it_says_all_that_the_issue_asks_for(made: Report) -> None:
    text = " ".join(re.sub("<[^>]*>", " ", report_page(made)).split())
    for words in (
        "Are the chosen tokens forgotten further, or is more kept, than with “random, same count”?",
        "After the last step the chosen tokens forget the fact further than “random, same count”",
        "12 rows 4567", "tiny @0123", "φ = α·K̂ + (1−α)·Ĥ = 0.8 ·K̂ + 0.2 ·Ĥ",
        "garbled", "r0 r0 r0 r0 r0", "forgot, fluent", "r1 is Bo.",
        "Trained by score bin: the highest bin minus the lowest", "diverged in step 2",
        "What this does not prove", "no attack was run here", "It is no certificate",
        "python -m tokenunlearn compare rows.jsonl", "torch 2", "No heatmap",
    ):  # fmt: skip
        assert words in text, words


def test_the_answers_stand_beside_the_fluency_in_the_table_of_arms(made: Report) -> None:
    arms = report_page(made).partition('<section id="arms"')[2].partition("</section>")[0]
    heads = re.findall('<th scope="col">([^<]*)</th>', arms)
    assert heads[heads.index("answers") - 1].startswith("fluency")
    chosen = arms.partition('row">chosen tokens<')[2].partition("</tr>")[0]
    # other words of the question were measured too, by probability: .101
    others = '<data value="1">1</data> forgot, fluent, but still likely when reworded; '
    others += '<data value="1">1</data> garbled'
    assert f'<data value="0">0</data> forgot, fluent<small>{others}</small>' in chosen
    assert (
        'garbled</small><small><data value="1">1</data> of 3 seeds</small>' in chosen
    )  # one kept its answers
    random = arms.partition('row">random, same count<')[2].partition("</tr>")[0]
    assert random.split("</td>")[heads.index("answers") - 1].endswith("not measured</span>")


def scored(folder: Path, table: pd.DataFrame) -> Report:
    """A report of arms on rows of three words, the last of them the fact; `table` has rows and signals."""
    at = np.tile(np.arange(3), len(table) // 3)
    flags = dict.fromkeys(("is_subject", "is_stop_word", "is_punctuation"), False)
    table = table.assign(position=at, token_id=at, token=[*"abc"] * (len(at) // 3), gold=1.0 * (at == 2))
    table = table.assign(char_start=at, char_end=at + 1, word_id=at, **flags, random_key=0.5)
    answers = [answer(name, "x", expected="abc") for name in table["row_id"].unique()]
    start = replace(target(), answers=answers)
    path = written(folder / "scored.jsonl", [start, *chosen_and_random(1, 0.4)])
    scores, mask = beside(path)
    write_table(table, scores)
    write_mask(mask, make_mask(columns_from_table(table), Rule()), table)
    return report(path)


def test_scores_that_were_changed_after_they_were_written_are_not_drawn(tmp_path: Path) -> None:
    signals = {"knowledge_swap": [0.0, 0.5, 1.0], "entropy": [1.0, 0.5, 0.0]}
    scored(tmp_path, pd.DataFrame({"row_id": ["r0"] * 3, **signals}))
    scores = beside(tmp_path / "scored.jsonl")[0]
    found = pd.read_parquet(scores)
    found.loc[1, "entropy"] = 99.0
    found.to_parquet(scores)
    with pytest.raises(RunError, match="was changed after it was written"):
        report(tmp_path / "scored.jsonl")


def test_the_signals_of_the_scores_are_held_against_the_annotated_fact(tmp_path: Path, made: Report) -> None:
    """The fact has the highest knowledge and the lowest entropy."""
    assert made.record["signals"] == [] and "Does a signal find the fact?" not in report_page(made)
    at = np.tile(np.arange(3), 2)
    signals = {"knowledge_swap": at / 2, "entropy": 1 - at / 4, "loss": np.nan}
    found = scored(tmp_path, pd.DataFrame({"row_id": np.repeat(["r0", "r1"], 3), **signals}))
    figures = {each["signal"]: (each["auroc"], each["precision_at_gold"]) for each in found.record["signals"]}
    assert list(figures.items()) == [("knowledge_swap", (1.0, 1.0)), ("entropy", (0.0, 0.0))]  # without loss
    page = report_page(found)
    numbers = {float(each) for each in leaves(found.record) if isinstance(each, int | float)}
    assert "Does a signal find the fact?" in page and Page(page).values <= numbers


def test_page_report_and_command_line_give_a_signal_one_interval(tmp_path: Path) -> None:
    names = [f"r{at}" for at in range(12)]
    noise = np.random.default_rng(0).normal(size=36)
    signals = {"knowledge_swap": noise + np.tile([0, 0, 1], 12), "entropy": 1.0}
    table = pd.DataFrame({"row_id": np.repeat(names, 3), **signals})
    line = scored(tmp_path, table).record["signals"][0]
    table = read_table(beside(tmp_path / "scored.jsonl")[0])
    rows = [SimpleNamespace(row=SimpleNamespace(id=name, set="")) for name in names]
    (shown,) = leaderboard(table, rows, ["knowledge_swap"])  # type: ignore[arg-type]
    said = signal_report(table, ["knowledge_swap"]).iloc[0]  # as `validate` prints it
    ends = ("auroc_low", "auroc_high")
    assert [line[end] for end in ends] == [said[end] for end in ends]
    assert [shown["low"], shown["high"]] == [round(line[end], 4) for end in ends]


def test_hostile_text_is_text_and_nothing_is_loaded_or_run(tmp_path: Path) -> None:
    start = replace(target(), answers=[answer(HOSTILE, HOSTILE), answer("r1", HOSTILE)])
    odd = [replace(each, answers=start.answers, note=HOSTILE) for each in chosen_and_random(2, 0.4)]
    odd.append(replace(odd[0], arm=f"{HOSTILE}\n\n"))
    path = written(tmp_path / "x'><script>.jsonl", [start, *odd], model=HOSTILE, objective=HOSTILE)
    made = report(path)
    page = report_page(made)
    found = Page(page)
    assert not {"script", "img", "iframe", "link", "object", "form"} & set(found.tags)
    names = {name for name, _ in found.attributes}
    assert not any(name.startswith("on") or name == "src" for name in names)
    assert all(value.startswith("#") for name, value in found.attributes if name == "href")
    ids = [value for name, value in found.attributes if name == "id"]
    assert len(set(ids)) == len(ids)  # each plot stands there twice, for a screen and for a phone
    assert "\x00" not in page and "default-src 'none'" in page and "url(" not in page
    assert "<script>window.ran=1</script>" in found.text
    for drawing in plots(made.record):
        ElementTree.fromstring(svg(drawing, alone=True))
    assert png(plots(made.record)[-1], scale=1)


def test_one_seed_shows_nothing_and_what_is_not_measured_says_so(tmp_path: Path) -> None:
    odd = [replace(each, by_row={}, norm=None) for each in chosen_and_random(1, 0.4)]
    made = report(written(tmp_path / "arms.jsonl", odd))
    assert (made.record["verdicts"], made.record["before"], made.record["answers"]) == ([], None, None)
    text = Page(report_page(made)).text
    assert "not measured" in text and "With one seed nothing is shown" in text
    assert [each.name for each in plots(made.record)] == ["kept-last-step"]


def test_seeds_are_said_of_each_arm_where_they_differ(tmp_path: Path) -> None:
    whole = [target(), *chosen_and_random(3, 0.4)]
    assert ", 3 seeds, all else" in report(written(tmp_path / "same.jsonl", whole)).record["how"]
    few = [each for each in whole if each.arm != "chosen" or each.seed == 0]
    bins = [measured(f"bins:{at}/2", seed, 0.3) for at in (1, 2) for seed in range(2 + at)]
    record = report(written(tmp_path / "few.jsonl", few + bins)).record
    random = next(each["label"] for each in record["arms"] if each["arm"] == "random")
    said = f"3 seeds of “{random}” and “bins”, 1 seed of “chosen tokens”, all else the same."
    assert said in record["how"]
    assert any("nothing is shown, as for “chosen tokens”" in each for each in record["limits"])
    without = [
        replace(each, summary={}) if (each.arm, each.seed) == ("chosen", 2) else each for each in whole
    ]
    record = report(written(tmp_path / "without.jsonl", without)).record
    assert record["seeds_by_arm"]["chosen tokens"] == [0, 1] and "2 seeds of “chosen tokens”" in record["how"]
    other = [replace(each, seed=each.seed + 3) if each.arm == "random" else each for each in whole]
    record = report(written(tmp_path / "other.jsonl", other)).record
    assert "3 seeds of each arm, not the same ones" in record["how"]


def test_the_report_says_that_a_p_value_depends_on_the_controls_of_the_file(made: Report) -> None:
    assert "those of all controls that the file holds at that moment" in Page(report_page(made)).text


def test_an_unfinished_comparison_says_so_on_top_and_a_whole_one_does_not(
    tmp_path: Path, made: Report
) -> None:
    assert made.record["unfinished"] == "" and "Not all is measured" not in report_page(made)
    path = written(tmp_path / "part.jsonl", every_arm())
    whole = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in whole if '"arm": "random", "seed": 2' not in line))
    found = report(path)
    words = "Not all is measured: 11 of 12 runs of an arm are, and what follows is of these alone."
    assert found.record["unfinished"] == words
    page = Page(report_page(found)).text
    assert page.index(words) < page.index("What is shown")


def test_what_is_not_run_yet_is_not_ruled_out_and_is_no_missing_arm(tmp_path: Path) -> None:
    results = [each for each in every_arm() if each.arm in ("before", "chosen")]
    runs = [(0, Arm(name)) for name in ("chosen", "random", "uniform_norm", "gold", "icul", "bins:1/2")]
    path = tmp_path / "begun.jsonl"
    path.write_text(results_text(ORIGIN, results, Made(runs=tuple(runs))), encoding="utf-8")
    found = [each for each in report(path).record["limits"] if "not ruled out" in each]
    assert found == [
        "Asked for and not measured yet, so not ruled out: that any few tokens do as well "
        "(“random, same count”); that the size of the change of the weights alone explains it "
        "(“uniform, same norm”).",
        "Not among the arms, so not ruled out: that training every token does as well (“uniform, every "
        "token”); that a plain list of content words does as well (“content words, same count”).",
    ]


def test_an_interval_over_seeds_ends_where_a_probability_does(tmp_path: Path) -> None:
    facts = {0: 0.02, 1: 0.3, 2: 0.9}
    arms = [
        replace(each, summary=each.summary | {"fact_joint": facts[each.seed]})
        for each in chosen_and_random(3, 0.4)
    ]
    (line, _) = report(written(tmp_path / "arms.jsonl", arms)).record["arms"]
    row = arms_table(arms).iloc[0]
    for mean, low, high in (
        line["figures"]["fact_joint"],
        row[["fact_joint", "fact_joint_low", "fact_joint_high"]],
    ):
        assert (low, high) == (0, 1) and mean == pytest.approx(1.22 / 3, abs=1e-6)
    same = [replace(each, summary=dict.fromkeys(COMPARED, 1.0)) for each in arms]
    found = report(written(tmp_path / "same.jsonl", same))
    assert found.record["arms"][0]["figures"]["fact_joint"] == [1.0, None, None]
    assert np.isnan(arms_table(same)["fact_joint_low"]).all()
    assert "none of fewer than 3 seeds, or of equal ones" in " ".join(Page(report_page(found)).text.split())


def test_what_is_not_a_number_is_an_empty_cell_of_the_csv() -> None:
    lines = [{"norm": each, "tokens": 3} for each in (float("nan"), float("inf"), -float("inf"), None, 0.5)]
    cells = [line["norm"] for line in csv.DictReader(io.StringIO(comma_table(lines)))]
    assert cells == ["", "", "", "", "0.5"]


def test_settings_of_objectives_at_their_defaults_are_told_and_rows_that_count_twice(tmp_path: Path) -> None:
    arms = [replace(each, method="npo") for each in chosen_and_random(1, 0.4)]
    settings = {"npo": {"beta": 0.3}, "ga": {}}
    origin = {"objective": "each at its default", "objective_settings": settings}
    found = report(written(tmp_path / "a.jsonl", [target(), *arms], **origin, **SAME))
    assert found.record["training"]["objective_settings"] == {"NPO": {"beta": 0.3}}
    text = " ".join(Page(report_page(found)).text.split())
    assert "NPO (beta" in text and any("“kept” counts it twice" in each for each in found.record["limits"])
    old = report(written(tmp_path / "b.jsonl", [target(), *arms], **{**origin, "objective_settings": {}}))
    assert old.record["training"]["objective_settings"] == {"NPO": "not recorded"}
    assert not any("counts it twice" in each for each in old.record["limits"])


def test_a_file_without_results_and_another_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="has no result yet"):
        open_source(written(tmp_path / "arms.jsonl", [target()]))
    (tmp_path / "notes.txt").write_text("mine")
    for path, words in ((tmp_path / "notes.txt", "not a comparison"), (tmp_path, "is no run")):
        with pytest.raises(RunError, match=words):
            open_source(path)


DAMAGED_ANSWERS: list[Any] = [
    {"answers": each}
    for each in (
        5,
        [1],
        [{}],
        [answer("r0", "x") | {"answer": None}],
        [answer("r0", "x") | {"expected": 5}],
        [answer("r0", "x") | {"facts": [5]}],
        [answer("r0", "x", fact_joint="x")],
        [answer("r0", "x", rouge_l=[])],
        [answer("r0", "x", fluency=10**400)],
    )
]


@pytest.mark.parametrize(
    "damage",
    [
        *DAMAGED_ANSWERS,
        {"summary": {"fact_joint": 10**400}},
        {"by_row": {"fact_joint": {"r0": 10**400}}},
        {"tokens": 10**400},
        {"step": 10**400},
    ],
    ids=lambda damage: json.dumps(damage)[:60],
)
def test_a_damaged_line_is_named_before_anything_is_made_of_it(tmp_path: Path, damage: Any) -> None:
    path = written(tmp_path / "arms.jsonl", every_arm())
    assert len(read_results(path)) == len(every_arm())
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[3] = json.dumps(json.loads(lines[3]) | damage)
    path.write_text("\n".join(lines), encoding="utf-8")
    for read in (read_results, open_source):
        with pytest.raises(RunError, match=f"Line 4 is not a measurement. The field {next(iter(damage))} is"):
            read(path)


@pytest.mark.parametrize("line", [1, 2])
def test_a_figure_that_is_not_finite_is_not_measured(tmp_path: Path, line: int) -> None:
    """Of the target and of an arm: JSON knows no such number, so the page could not be sent."""
    path = written(tmp_path / "arms.jsonl", every_arm())
    lines = path.read_text(encoding="utf-8").splitlines()
    record = json.loads(lines[line])
    record["summary"]["fact_joint"], record["by_row"]["other"]["r0"] = float("nan"), float("inf")
    lines[line] = json.dumps(record | {"norm": float("inf"), "seconds": float("nan")})
    path.write_text("\n".join(lines), encoding="utf-8")
    results = read_results(path)
    assert results[line - 1].summary["fact_joint"] is None and results[line - 1].by_row["other"]["r0"] is None
    json.dumps(sweep_view(results, []), allow_nan=False)
    assert report_page(report(path))


def test_each_plot_is_drawn_as_svg_and_as_png_and_says_what_it_shows(made: Report) -> None:
    drawings = plots(made.record)
    assert [each.name for each in drawings] == [
        "differences-last-step", "differences-last-step-nats", "kept-last-step", "bins-1",
    ]  # fmt: skip
    font = ImageFont.load_default(20)
    missing = bytes(font.getmask("\u4e00"))
    for drawing in drawings:
        root = ElementTree.fromstring(svg(drawing, alone=True))
        title, about = (root.find(f"{{http://www.w3.org/2000/svg}}{name}") for name in ("title", "desc"))
        assert (title.text, about.text) == (drawing.title, drawing.about)  # type: ignore[union-attr]
        letters = {each for shape in drawing.shapes if isinstance(shape, Words) for each in plain(shape.text)}
        assert [each for each in letters if bytes(font.getmask(each)) == missing] == []
    image = Image.open(io.BytesIO(png(drawings[0], scale=2)))
    assert image.size == (round(drawings[0].width * 2), round(drawings[0].height * 2))
    assert image.info["Title"] == drawings[0].title and len(image.getcolors(1 << 20) or ()) > 8
    assert set(re.findall(r"\.f-(\w+)", style())) == set(COLOURS)


@pytest.mark.parametrize(
    "values", [[0.0], [-2.0, -2.0001], [0.3, 0.3], [-0.01, 0.99], [1e-9, 0], [-40.0, 2.5]]
)
def test_no_two_ticks_are_written_alike_and_a_flat_curve_is_drawn_flat(values: list[float]) -> None:
    axis = axis_of(values, 100, 0)
    written = [shape.text for shape in rungs(axis, 0, 10) if isinstance(shape, Words)]
    assert len(written) >= 3 and len(set(written)) == len(written)
    assert abs(axis.at(values[0]) - axis.at(values[-1])) <= 100 * max(0.05, abs(values[0] - values[-1]))


def test_rows_that_would_make_the_file_too_large_are_left_out_and_counted(tmp_path: Path) -> None:
    """Forty answers of 60 tokens, of one letter each, to long questions."""
    names, size = [f"r{at}" for at in range(40)], 60
    asked = {"question": "<" * 20_000, "expected": "x" * size}
    start = replace(target(), answers=[answer(name, "x", **asked) for name in names])
    path = written(tmp_path / "arms.jsonl", [start, *chosen_and_random(1, 0.4)])
    at = np.tile(np.arange(size), len(names))
    table = pd.DataFrame({"row_id": np.repeat(names, size), "position": at, "token_id": at, "token": "x"})
    flags = dict.fromkeys(("is_subject", "is_stop_word", "is_punctuation"), False)
    table = table.assign(char_start=at, char_end=at + 1, word_id=at, **flags, gold=np.nan, random_key=0.5)
    table = table.assign(knowledge_swap=at / size, entropy=0.1)
    scores, mask = beside(path)
    write_table(table, scores)
    write_mask(mask, make_mask(columns_from_table(table), Rule()), table)
    made = report(path)
    left_out, page = made.record["rows_without_heatmap"], report_page(made)
    assert left_out > 0 and f"{left_out} rows more would make the file too large" in page
    assert len(made.record["tokens"]["rows"]) == len(names) - left_out > 6
    assert 1_000_000 < len(page.encode()) < 5_000_000
