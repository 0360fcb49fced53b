"""Each value of each measurement's file broken in turn: what is read can be drawn, all else is told."""

import json
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from app.actions import depth, measure
from app.actions import probe as actions
from app.service import Service
from app.tabs import probe
from tests.asking import ask
from tests.damaged_results import WHOLE, damaged, whole
from tests.page_service import live_service
from tests.recorded_page import ANSWER, finished_run
from tests.tiny_folder import make_tiny_adapter
from tokenunlearn.documents.depth import depth_drawings, depth_table
from tokenunlearn.documents.drawing import svg
from tokenunlearn.documents.record import report_json, report_of
from tokenunlearn.documents.report_page import report_page
from tokenunlearn.documents.sources import open_source
from tokenunlearn.errors import InputError, RunError
from tokenunlearn.experiments.perturbation import FUSED
from tokenunlearn.models.embedded import file_hash
from tokenunlearn.runs.depth_job import EARLIER

# What holds no report at all.
NO_REPORT = ("", "{", "7", "[1]", "null", "[" * 100_000, "9" * 5_000, '{"whole":{},"layers":[],"says":"x"}')


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return live_service(tmp_path)


def run_with(service: Service, kind: str, name: str = "run") -> tuple[str, Path]:
    """A run whose result is that of a kind, and the file of it."""
    store = service.queue.store
    if kind == "depth":
        run_id = finished_run(store, "chosen", 0.1, "forgot", ANSWER)
    else:
        run_id = store.create({"name": name, "arm": "", kind: {"draws": 20}, "forget": []})
        store.change(run_id, state="finished", step=1, steps=1)
    store.change(run_id, ended=9.0)
    return run_id, store.path(run_id) / f"{kind}.json"


def section(service: Service, run_id: str, kind: str) -> tuple[bool, str]:
    """Whether the page has anything of a measurement, and what it says where that cannot be read."""
    if kind == "depth":
        value = depth.depth_value(service, run_id)
        assert value is not None
        shown, fault = any(value[name] for name in ("says", "layers", "facts")), value["fault"]
    else:
        value, fault = measure.found(service, run_id, kind)
        shown = value is not None
    json.dumps(value, allow_nan=False, ensure_ascii=False).encode()  # as it is sent
    return shown, fault


@pytest.mark.parametrize("kind", WHOLE)
def test_whatever_is_in_the_file_of_a_measurement_it_is_drawn_or_told(service: Service, kind: str) -> None:
    run_id, file = run_with(service, kind)
    refused = drawn = 0
    for case, text in (*damaged(kind), *((text[:30], text) for text in NO_REPORT)):
        file.write_text(text, encoding="utf-8")
        found, fault = section(service, run_id, kind)
        assert found != (f"{file.name} is damaged" in fault), case
        refused, drawn = refused + (not found), drawn + found
        if found and kind == "depth":
            report = json.loads(text)
            assert all(map(svg, depth_drawings(report))) and all(map(depth_table, report["rows"].values()))
    assert refused > 200 and drawn > 10, (refused, drawn)
    file.write_text(json.dumps(whole(kind)), encoding="utf-8")
    assert section(service, run_id, kind)[1] == ""


@pytest.mark.parametrize(
    ("kind", "damage", "words"),
    [
        ("depth", lambda report: report["rows"]["ada"].pop("question"), "rows › ada › question is missing"),
        ("depth", lambda report: uneven(report["rows"]["bob"]), "its rows differ in their layers"),
        ("depth", lambda report: report["rows"]["ada"]["tokens"].pop(), "row ada does not fit together"),
        ("depth", lambda report: layers(report, 1001), "rows › ada › reference_drops is too long"),
        ("depth", lambda report: report.update(says=[1]), "says › 1 is no text"),
        ("perturb", lambda report: curve(report).update(mean=[1.0]), "deletion › mean is too short"),
        ("perturb", lambda report: curve(report)["mean"].append(1.0), "own question differ in length"),
        ("perturb", lambda report: curve(report).update(low=None), "an interval of own question has one end"),
        ("perturb", lambda report: orders(report).update(zzz=orders(report)[FUSED]), "does not know, zzz"),
        ("gradients", lambda report: report.update(whole={}), "whole › groups is missing"),
        ("gradients", lambda report: report.update(layers=[]), "layers is too short"),
        ("gradients", lambda report: report.update(more=json.loads("[" * 60 + "]" * 60)), "it is nested too"),
    ],
)  # fmt: skip
def test_the_sentence_says_where_and_what_is_wrong(
    service: Service, kind: str, damage: Any, words: str
) -> None:
    run_id, file = run_with(service, kind)
    report = whole(kind)
    damage(report)
    file.write_text(json.dumps(report))
    assert words in section(service, run_id, kind)[1]


def uneven(row: dict[str, Any]) -> None:
    for each in (row["reference_drops"], row["unlearned_drops"], *row["lens"].values()):
        each.pop()


def layers(report: dict[str, Any], count: int) -> None:
    report["rows"].pop("bob")
    row = report["rows"]["ada"]
    row |= {"reference_drops": [1.0] * count, "unlearned_drops": [1.0] * count}
    row["lens"] = {name: [[-1.0, -2.0]] * count for name in row["lens"]}


def orders(report: dict[str, Any]) -> dict[str, Any]:
    return report["wordings"]["own question"]["orders"]  # type: ignore[no-any-return]


def curve(report: dict[str, Any]) -> dict[str, Any]:
    return orders(report)[FUSED]["deletion"]  # type: ignore[no-any-return]


def test_as_many_layers_as_fit_are_drawn(service: Service) -> None:
    run_id, file = run_with(service, "depth")
    report = whole("depth")
    layers(report, 601)
    file.write_text(json.dumps(report))
    assert actions.show(service, run_id)["depth"]["layers"]["lines"][-1][0] == 601


def test_a_report_of_a_run_tells_damaged_depth_and_is_made(service: Service) -> None:
    run_id, file = run_with(service, "depth")
    good = whole("depth")
    for wrong in (good | {"uds": float("inf")}, good | {"says": "abc"}, good | {"rows": {"a": {}}}):
        file.write_text(json.dumps(wrong))
        report = report_of(open_source(file.parent), "command", "made")
        json.loads(report_json(report))
        assert f"depth.json of {run_id} cannot be read" in report_page(report)


def test_the_page_is_built_whatever_a_run_raises_and_the_fault_is_told(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, _ = run_with(service, "depth")
    logged: list[Any] = []
    monkeypatch.setattr(probe.LOG, "exception", lambda *said: logged.append(said))
    monkeypatch.setattr(actions, "probe_value", lambda *_: 1 / 0)
    with gr.Blocks():
        tab = probe.build(service)
    said = tab.view.value["empty"]
    assert said.startswith(f"The results of {run_id} cannot be shown: ZeroDivisionError")
    assert logged == [("The results of %s cannot be shown", run_id)]


def test_depth_is_measured_only_of_what_has_ended_and_whose_first_adapter_is_there(
    service: Service, tiny_folder: Path, tmp_path: Path
) -> None:
    store = service.queue.store
    run_id, file = run_with(service, "depth")
    make_tiny_adapter(tiny_folder, file.parent / "adapter", 1)
    first = make_tiny_adapter(tiny_folder, tmp_path / "first", 2)
    store.write_json(run_id, "config.json", {**store.config(run_id), "adapter": str(first)})
    value = depth.depth_value(service, run_id)
    assert value is not None and value["begins"] and not value["why"]
    for state in ("paused", "interrupted", "running", "failed"):
        store.change(run_id, state=state)
        with pytest.raises(RunError, match=f"{run_id} has not ended"):
            ask(depth.measure, service, {"run_id": run_id})
    store.change(run_id, state="finished")
    queued = ask(depth.measure, service, {"run_id": run_id})
    assert store.config(queued)["depth"] == {"of": run_id}
    first.rename(tmp_path / "elsewhere")
    value = depth.depth_value(service, run_id)
    assert value is not None and not value["begins"] and "before unlearning is gone" in value["why"]
    with pytest.raises(InputError, match="has no adapter_config.json. Put its folder back"):
        ask(depth.measure, service, {"run_id": run_id})


def test_depth_of_earlier_weights_says_so(service: Service, tiny_folder: Path) -> None:
    run_id, file = run_with(service, "depth")
    adapter = make_tiny_adapter(tiny_folder, file.parent / "adapter", 1)
    now = file_hash(adapter / "adapter_model.safetensors")[:12]
    said = []
    for measured in (now, "0" * 12):
        file.write_text(json.dumps(whole("depth") | {"model": {"adapter": f"adapter@{measured}"}}))
        page = report_page(report_of(open_source(file.parent), "command", "made"))
        value = depth.depth_value(service, run_id)
        assert value is not None
        said.append((value["says"][0], "earlier state of the weights" in page))
    assert said == [("Said.", False), (EARLIER, True)]
