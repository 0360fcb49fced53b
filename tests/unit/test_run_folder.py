"""What the Compare tab asks of a run: notes, discarding, command, configuration, CSV, adapter, opening."""

import base64
import csv
import io
import json
import shlex
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.actions import compare, report, run_folder, run_tokens, status
from app.service import Service
from app.sessions.load import Stage
from app.views.bench import bench_of, told_apart
from tests.asking import ask
from tests.drawn_depth import drawn_depth
from tests.measured_arms import chosen_and_random
from tests.page_service import live_service
from tests.recorded_page import ANSWER, finished_run
from tokenunlearn.data.demo import demo_rows
from tokenunlearn.data.rows import row_to_dict
from tokenunlearn.errors import InputError, RunError
from tokenunlearn.experiments.moments import LAST
from tokenunlearn.experiments.results import results_text
from tokenunlearn.experiments.runner import ArmResult
from tokenunlearn.models.loading import resolve_precision
from tokenunlearn.objectives import OBJECTIVES
from tokenunlearn.runs.notes import FILE
from tokenunlearn.settings import to_dict


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return live_service(tmp_path)


def two_runs(service: Service) -> tuple[str, str]:
    store = service.queue.store
    return (
        finished_run(store, "chosen", 0.1, "forgot", "Ada Lind was born in Paris."),
        finished_run(store, "random", 0.8, "unchanged", ANSWER),
    )


def test_a_name_tags_and_a_note_are_shown_on_every_tab_and_change_what_the_page_has_seen(
    service: Service,
) -> None:
    first, _ = two_runs(service)
    before = status.runs_signature(service, service.queue.runs())
    given = {
        "run_id": first,
        "name": "  Best  of three ",
        "tags": ["paper", "paper", " "],
        "note": " why\nso ",
    }
    assert ask(run_folder.save_note, service, given)["other"] is None
    assert status.runs_signature(service, service.queue.runs()) != before
    line = next(each for each in compare.runs(service)["runs"] if each["run_id"] == first)
    note = {name: line["note"][name] for name in ("name", "tags", "text", "fault")}
    assert note == {"name": "Best of three", "tags": ["paper"], "text": "why\nso", "fault": ""}
    assert line["name"] == "Best of three"
    (service.queue.store.path(first) / FILE).write_text("{")
    line = next(each for each in compare.runs(service)["runs"] if each["run_id"] == first)
    assert line["note"]["name"] == "" and "cannot be read" in line["note"]["fault"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"name": "x" * 81}, "81 characters"),
        ({"name": "a\u202eb"}, "cannot be seen"),
        ({"tags": "paper"}, "a list of tags"),
        ({"tags": ["x" * 31]}, "31 characters"),
        ({"tags": ["x"] * 13}, "a list of tags"),
        ({"note": 7}, "note is missing"),
    ],
)
def test_a_note_that_cannot_be_kept_is_refused(service: Service, given: Any, says: str) -> None:
    first, _ = two_runs(service)
    with pytest.raises(InputError, match=says):
        ask(run_folder.save_note, service, {"run_id": first, **given})
    assert not (service.queue.store.path(first) / FILE).exists()


def test_a_discarded_run_leaves_the_table_and_can_be_brought_back_or_deleted(service: Service) -> None:
    first, second = two_runs(service)
    for run_id in (first, second):
        service.queue.store.change(run_id, started=1.0)
        ask(run_folder.discard, service, {"run_id": run_id})
    value = compare.runs(service)
    assert value["runs"] == [] and [each["run_id"] for each in value["discarded"]] == [second, first]
    ask(run_folder.bring_back, service, {"run_id": first})
    ask(run_folder.delete_for_good, service, {"run_id": second})
    value = compare.runs(service)
    assert [each["run_id"] for each in value["runs"]] == [first] and value["discarded"] == []
    with pytest.raises(RunError, match="There is no discarded run"):
        ask(run_folder.bring_back, service, {"run_id": second})


def test_command_and_configuration_are_text_to_copy(service: Service) -> None:
    first, _ = two_runs(service)
    words = shlex.split(ask(run_folder.command, service, {"run_id": first})["text"])
    assert words[:4] == ["python", "-m", "tokenunlearn", "unlearn"] and Path(words[4]).is_file()
    config = json.loads(ask(run_folder.configuration, service, {"run_id": first})["text"])
    assert config == {"arm": "chosen", "rule": {"mode": "chosen"}}


def test_the_report_of_a_run_and_of_a_sweep_under_way_is_a_file_to_keep(service: Service) -> None:
    first, _ = two_runs(service)
    store = service.queue.store
    ask(run_folder.save_note, service, {"run_id": first, "name": "<b>Best", "note": "<i>why"})
    file = ask(report.report_file, service, {"run_id": first, "format": "json"})
    record = json.loads(file["text"])
    assert (file["filename"], record["kind"]) == (f"report-{first}.json", "run")
    fact = next(each for each in record["change"] if each["name"] == "fact_joint")
    assert (fact["before"], fact["after"], fact["change"]) == (0.9, 0.1, pytest.approx(-0.8))
    page = ask(report.report_file, service, {"run_id": first, "format": "html"})["text"]
    assert "one run of one seed" in page and "&lt;i&gt;why" in page and "<b>Best" not in page
    assert record["depth"] is None and "was not measured (<code>probe --depth</code>)" in page
    # Where depth was measured, its pictures are part of it, and their numbers; a damaged file is told.
    store.write_json(first, "depth.json", {**drawn_depth(), "says": ["So deep."]})
    page = ask(report.report_file, service, {"run_id": first, "format": "html"})["text"]
    assert "So deep." in page and "(<code>probe --depth</code>)" not in page
    for number, row_id in enumerate(drawn_depth()["rows"], 1):
        assert f'id="depth-fact-{number}-title">{row_id}: “' in page
    assert "<script" not in page and '<data value="-5.75">−5.750</data>' in page
    store.write_json(first, "depth.json", [])
    record = json.loads(ask(report.report_file, service, {"run_id": first, "format": "json"})["text"])
    assert record["depth"] is None and record["notes"][-1].startswith(f"depth.json of {first} cannot be read")
    sweep = store.create({"name": "s", "sweep": {"arms": ["chosen"]}, "training": {"steps": 3}, "steps": 6})
    with pytest.raises(RunError, match="has no result yet"):
        ask(report.report_file, service, {"run_id": sweep, "format": "html"})
    (store.path(sweep) / "sweep.jsonl").write_text(results_text({"x": "y"}, chosen_and_random(3, 0.4)))
    record = json.loads(ask(report.report_file, service, {"run_id": sweep, "format": "json"})["text"])
    assert record["unfinished"] == "The run is queued, at 0 of 6." and len(record["arms"]) == 2
    line = next(each for each in compare.runs(service)["sweeps"] if each["run_id"] == sweep)
    assert (line["lines"], line["verdicts"]) == (record["arms"], record["verdicts"])


def test_the_csv_has_every_measurement_and_runs_no_formula(service: Service) -> None:
    first, second = two_runs(service)
    ask(run_folder.save_note, service, {"run_id": first, "name": "=1+1", "tags": ["@x"]})
    store = service.queue.store
    sweep = store.create({"name": "s", "sweep": {"arms": ["chosen"]}, "training": {"steps": 3, "seed": 7}})
    results = [
        ArmResult("before", 0, "before", 0, {"fact_joint": 0.5}),
        *(
            ArmResult("chosen", seed, LAST, 3, {"fact_joint": 0.25}, norm=1.5, tokens=9, note="-x")
            for seed in (0, 1)
        ),
    ]
    (store.path(sweep) / "sweep.jsonl").write_text(results_text({"x": "y"}, results))
    asked = {"runs": [first, second, sweep, first]}
    file = ask(run_folder.results_file, service, asked)
    assert (file["filename"], file["mime"]) == ("results-3-runs.csv", "text/csv")
    lines = list(csv.DictReader(io.StringIO(file["text"])))
    assert [(line["run_id"], line["moment"], line["seed"]) for line in lines] == [
        (first, "before", ""), (first, "last step", ""), (second, "before", ""), (second, "last step", ""),
        (sweep, "before", ""), (sweep, "last step", "0"), (sweep, "last step", "1"),
    ]  # fmt: skip
    assert "training.seed" not in lines[0]  # which is that of the first arm alone
    assert [line["probes.max_new_tokens"] for line in lines] == [
        *["32"] * 4,
        *["24"] * 3,
    ]
    assert [line["fact_joint"] for line in lines] == ["0.9", "0.1", "0.9", "0.8", "0.5", "0.25", "0.25"]
    assert (lines[0]["name"], lines[0]["tags"], lines[5]["note"]) == ("'=1+1", "'@x", "'-x")
    assert (lines[1]["rule.mode"], lines[5]["training.steps"], lines[0]["world"]) == ("chosen", "3", "")
    # The target was trained with nothing; an arm with all of its settings, also those at their default.
    assert [lines[at]["training.objective_settings"] for at in (0, 1, 4)] == [""] * 3
    assert json.loads(lines[5]["training.objective_settings"]) == to_dict(OBJECTIVES["npo"].settings())
    waiting = store.create({"name": "w"})
    with pytest.raises(RunError, match="nothing to save"):
        ask(run_folder.results_file, service, {"runs": [waiting]})
    with pytest.raises(RunError, match="There is no run"):
        ask(run_folder.results_file, service, {"runs": ["run-99"]})


def test_a_damaged_run_is_left_out_of_the_csv_and_named_and_the_others_are_saved(service: Service) -> None:
    first, second = two_runs(service)
    (service.queue.store.path(first) / "probes.json").write_text("{")
    file = ask(run_folder.results_file, service, {"runs": [first, second]})
    assert file["filename"] == f"results-{second}.csv"
    assert {line["run_id"] for line in csv.DictReader(io.StringIO(file["text"]))} == {second}
    (said,) = file["left_out"]
    assert said.startswith(f"{first} is left out. ") and "probes.json" in said
    assert ask(run_folder.results_file, service, {"runs": [second]})["left_out"] == []
    with pytest.raises(RunError, match="probes.json"):
        ask(run_folder.results_file, service, {"runs": [first]})


def test_the_answers_of_a_run_are_counted_by_badge(service: Service) -> None:
    first, second = two_runs(service)
    lines = {each["run_id"]: each["badges"] for each in compare.runs(service)["runs"]}
    # Another town is said, and the fact still has a probability of .1.
    assert lines[first] == {"forgot, fluent": 0, "partly forgot, by its probability only": 1}
    assert lines[second] == {"forgot, fluent": 0, "still knows": 1}
    (service.queue.store.path(second) / "probes.json").unlink()
    assert compare.runs(service)["runs"][0]["badges"] is None
    assert compare.runs(service)["success"] == "forgot, fluent"


def test_runs_of_other_rows_or_another_model_are_told_apart_by_words_and_key(service: Service) -> None:
    store, rows = service.queue.store, [{"id": "r0", "question": "Q", "answer": "A"}]
    base = {"data_name": "own.csv", "set": "one", "forget": rows, "model": "/models/tiny"}
    for more in (
        {},
        {"name": "another run of the same", "forget": [{**rows[0], "subject": "given by hand"}]},
        {"forget": [{**rows[0], "answer": "B"}]},  # a file of the same name with other rows
        {"adapter": "/runs/run-7/adapter"},
        {"retain": rows},
    ):
        store.create({**base, **more})
    (store.path(store.create(base)) / "config.json").write_text("{")
    damaged, kept, adapted, other, same, first = [each["bench"] for each in compare.runs(service)["runs"]]
    assert first == same and len({each["key"] for each in (first, other, adapted, kept, damaged)}) == 5
    assert first["data"].startswith("own.csv, one, 1 row @")
    assert len({each["data"] for each in (first, other, kept)}) == 3
    assert (first["model"], adapted["model"]) == ("tiny", "tiny + run-7")
    assert damaged["data"] == "not known"
    ids = [each["run_id"] for each in compare.runs(service)["runs"]]
    for run_id in ids[1:]:
        store.write_json(run_id, "probes.json", {"before": {"summary": {"fact_joint": 0.5}, "answers": []}})
    text = ask(run_folder.results_file, service, {"runs": ids})["text"]
    lines = list(csv.DictReader(io.StringIO(text)))
    assert len({line["rows_hash"] for line in lines}) == 3
    assert [(line["data"], line["model"], line["adapter"]) for line in lines[:2]] == [
        ("own.csv, one, 1 row", "tiny", "none"), ("own.csv, one, 1 row", "tiny", "run-7"),
    ]  # fmt: skip
    assert len({line["start_hash"] for line in lines}) == 2


ROW = {"id": "r0", "question": "Q", "answer": "A"}
RUN = {"forget": [ROW], "world": [ROW], "probes": {"max_new_tokens": 24, "paraphrased_answers": 0}}


@pytest.mark.parametrize(
    ("config", "other", "way"),
    [
        (RUN, {"sweep": {"seeds": 1}, "probes": {}}, ""),  # so are its arms measured
        (RUN, {"probes": {**RUN["probes"], "jailbreak": True}}, ""),  # one figure more, no other one changed
        (RUN, {"holdout": [ROW]}, ""),  # which nothing is measured of
        (RUN | {"choice": [ROW]}, {"sweep": {"seeds": 1}}, "choice rows none"),
        ({"forget": [ROW]}, {"sweep": {"seeds": 1}}, "max new tokens 24, paraphrased answers 0"),
        (RUN | {"precision": "fp32"}, {"precision": "bf16"}, "precision bf16"),
        (RUN, {"precision": resolve_precision("auto")[0]}, ""),  # which is what `auto` meant
        (RUN, {"probes": {"max_new_tokens": 8}}, "max new tokens 8, paraphrased answers 1"),
        (RUN | {"probes": {"membership": True}}, {"holdout": [ROW]}, "holdout rows 1 @"),
    ],
)
def test_only_figures_that_were_measured_in_the_same_way_are_of_one_bench(
    config: dict[str, Any], other: dict[str, Any], way: str
) -> None:
    first, second = told_apart([bench_of(config), bench_of({**config, **other})])
    assert second["way"].startswith(way) and bool(second["way"]) == bool(way)
    assert (first["key"] == second["key"]) == (way == "")


def test_a_sweep_without_a_world_of_its_own_measures_that_of_the_demo() -> None:
    arms = bench_of({"forget": [ROW], "sweep": {"seeds": 1}})
    world = [row_to_dict(row) for row in demo_rows("world")]
    assert arms.measured == bench_of({"forget": [ROW], "world": world}).measured
    assert arms.measured != bench_of({"forget": [ROW]}).measured


def test_what_is_of_unknown_rows_has_its_own_words_and_is_held_against_nothing() -> None:
    told = told_apart([bench_of({"set": "a"}), bench_of({"set": "b"}), bench_of({"set": "b"})])
    assert [each["data"] for each in told] == ["a", "b", "b"]
    assert len({each["key"] for each in told}) == 3


def without_adapter(service: Service, run_id: str) -> None:
    shutil.rmtree(service.queue.store.path(run_id) / "adapter")


def test_an_adapter_comes_in_pieces_with_its_card(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = two_runs(service)
    without_adapter(service, second)
    assert [each["adapter"] for each in compare.runs(service)["runs"]] == [False, True]
    monkeypatch.setattr(run_folder, "PIECE", 700)
    content, size = b"", 1
    while len(content) < size:
        piece = ask(run_folder.adapter_file, service, {"run_id": first, "at": len(content)})
        content, size = content + base64.b64decode(piece["data"]), piece["size"]
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        card = packed.read(f"{first}/README.md").decode()
    assert "| fact, joint, probability | 0.900 | 0.100 |" in card
    with pytest.raises(RunError, match="has no adapter"):
        ask(run_folder.adapter_file, service, {"run_id": second, "at": 0})


def test_a_run_is_opened_as_the_model_on_the_open_rows(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two_runs(service)
    without_adapter(service, second)
    opened: list[Any] = []
    monkeypatch.setattr(service.sessions, "open", opened.append)
    assert ask(run_folder.open_as_model, service, {"run_id": first})["model"] == first
    (session,) = opened
    assert session.model_name is None and session.rows == service.sessions.session.rows
    assert session.adapter == str(service.queue.store.path(first) / "adapter")
    with pytest.raises(RunError, match="has no adapter to open"):
        ask(run_folder.open_as_model, service, {"run_id": second})


def test_two_runs_stand_token_by_token_on_the_same_answers(service: Service) -> None:
    first, second = two_runs(service)
    asked = {"first": first, "second": second}
    (row,) = ask(run_tokens.token_difference, service, asked)["rows"]
    assert (row["kind"], row["row_id"], row["expected"], row["gold"]) == ("forget", "r0", ANSWER, [[21, 25]])
    assert (row["starts"], row["first"], row["second"]) == ([0, 20], [1.0, 0.1], [1.0, 0.8])
    store = service.queue.store
    probes = store.read_json(second, "probes.json")
    probes["after"]["tokens"][0]["starts"] = [0, 19]
    store.write_json(second, "probes.json", probes)
    assert "no answer in common" in ask(run_tokens.token_difference, service, asked)["why"]
    probes["after"] = None
    store.write_json(second, "probes.json", probes)
    assert "have to be probed" in ask(run_tokens.token_difference, service, asked)["why"]


def test_curves_come_for_the_runs_that_are_ticked_in_their_order(service: Service) -> None:
    first, second = two_runs(service)
    series = ask(compare.curves, service, {"runs": [second, first]})["series"]
    assert [each["run_id"] for each in series] == [second, first]
    assert series[0]["eval_steps"] == [1, 2] and series[0]["probed"]["after"]["fact_joint"] == 0.8
    with pytest.raises(InputError, match="a list of runs"):
        ask(compare.curves, service, {"runs": "run-1"})


def test_figures_after_are_shown_once_the_run_has_ended_though_those_before_stood_there_long(
    service: Service,
) -> None:
    first, _ = two_runs(service)
    store = service.queue.store
    whole = store.read_json(first, "probes.json")
    store.write_json(first, "probes.json", {**whole, "after": None})
    store.change(first, state="paused")
    assert compare.runs(service)["runs"][1]["after"] is None
    store.write_json(first, "probes.json", whole)
    store.change(first, state="finished")
    assert compare.runs(service)["runs"][1]["after"]["fact_joint"] == 0.1


def test_the_model_of_a_run_is_named_by_its_run(service: Service) -> None:
    first, _ = two_runs(service)
    session = service.sessions.session
    session.adapter = str(service.queue.store.path(first) / "adapter")
    session.model.provenance = lambda: {"model": "/m/base", "adapter": "adapter@ab", "precision": "fp32"}
    session.model.tokenizer, session.model.notes = SimpleNamespace(chat_template="x"), ()
    service.sessions.current.stage = Stage("live")
    assert status.model_chip(service)["text"] == "base + run-1 · fp32"
    session.adapter = "/elsewhere/adapter"
    assert status.model_chip(service)["text"] == "base + adapter · fp32"


def test_without_a_sweep_two_runs_show_nothing_and_the_page_says_so(service: Service) -> None:
    assert compare.runs(service)["verdict"] == ""
    two_runs(service)
    value = compare.runs(service)
    assert value["verdict"].startswith("Nothing is shown yet") and value["empty"] == ""
    assert [each["title"] for each in value["runs"]] == ["random, same count", "chosen tokens"]


def test_before_anyone_has_trained_the_recorded_sweep_stands_there_labelled(tmp_path: Path) -> None:
    recorded = tmp_path / "example.json"
    damaged = live_service(tmp_path / "damaged")
    damaged.options = replace(damaged.options, recorded=recorded)
    (tmp_path / "sweep.jsonl").write_text("{")
    assert compare.runs(damaged)["sweeps"] == [] and "Unlearn tab" in compare.runs(damaged)["empty"]
    results = [ArmResult("chosen", seed, LAST, 3, {"fact_joint": 0.25}) for seed in (0, 1)]
    (tmp_path / "sweep.jsonl").write_text(results_text({"x": "y"}, results))
    made = live_service(tmp_path)
    made.options = replace(made.options, recorded=recorded)
    value = compare.runs(made)
    (sweep,) = value["sweeps"]
    assert (sweep["recorded"], sweep["state"], value["empty"]) == (True, "recorded", "")
    assert sweep["lines"][0]["values"] == {"fact_joint": [0.25, 0.25]} and "Recorded" in sweep["text"]
    file = ask(report.report_file, made, {"run_id": sweep["run_id"], "format": "json"})
    assert file["filename"] == "report-recorded.json" and json.loads(file["text"])["arms"] == sweep["lines"]
    two_runs(made)
    assert compare.runs(made)["sweeps"] == []
    with pytest.raises(RunError, match="There is no run"):  # it is nobody's run
        ask(run_folder.results_file, made, {"runs": ["recorded"]})
