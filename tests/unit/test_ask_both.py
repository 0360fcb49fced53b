"""A run on the page from a target whose adapter is on part of the modules, to its answer in Probe."""

from pathlib import Path

import numpy as np
import pytest
from peft import LoraConfig, get_peft_model

from app.actions import probe, tokens, unlearn
from app.service import Service
from app.sessions.session import Options
from tests.asking import ask, start
from tests.tiny_rows import RETAIN, ROWS, tiny, write_rows
from tests.unit.test_adapters import randomised
from tokenunlearn.errors import ModelError
from tokenunlearn.probes.report import probe_report, with_badges
from tokenunlearn.runs.job import load_job

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("unmeasured")]
SETTINGS = {"steps": 2, "learning_rate": 0.05, "layer_share": 0.5, "rank": 2, "eval_every": 1000}


@pytest.fixture
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening measures nothing before any run; no test here reads that."""
    monkeypatch.setattr("app.sessions.opening.MEASURED_ROWS", 0)


def opened(folder: Path, tiny_folder: Path, settings: dict[str, object]) -> Service:
    """A page with the tiny model and an adapter that PEFT has written; its workers end at once."""
    config = LoraConfig(
        r=3, lora_alpha=5, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM", **settings
    )
    randomised(get_peft_model(tiny(tiny_folder).model, config), 1).save_pretrained(folder / "target")
    rows = write_rows(folder / "rows.jsonl", ROWS[:3], RETAIN[:2])
    service = Service(Options(str(tiny_folder), str(folder / "target"), "fp32", str(rows), folder / "runs"))
    service.queue.command = lambda _: ["true"]
    service.sessions.load_now()
    assert service.sessions.stage.name == "live", service.sessions.stage.error
    return service


def plan_of(service: Service) -> dict[str, object]:
    payload = tokens.shown_payload(service)
    draft = {"scores_id": payload["scores_id"], "set": "tiny", "rule": {}, "overrides": {}}
    return ask(unlearn.summary, service, draft)


def test_both_models_answer_after_a_run_on_two_kinds_of_modules(tiny_folder: Path, tmp_path: Path) -> None:
    service = opened(tmp_path, tiny_folder, {})
    (run_id,) = start(service, plan_of(service)["plan"], SETTINGS, [])
    store = service.queue.store
    job = load_job(store.config(run_id), store.path(run_id))
    list(job.train(False))
    job.save(2)
    pairs = [(row.question, row.answer) for row in ROWS[:3]]
    before, trained, found = (
        np.concatenate([each.log_probs for each in model.token_log_probs(pairs)])
        for model in (service.sessions.model(), job.model, service.results.model(run_id))
    )
    np.testing.assert_allclose(found, trained, atol=1e-4)
    assert np.abs(trained - before).max() > 1e-2
    # a row's question is asked as the probe of the run asks it, and has the badge that it gives
    reports = [probe_report(model, job.rows, job.probes) for model in (service.sessions.model(), job.model)]
    store.write_json(run_id, "probes.json", dict(zip(("before", "after"), reports, strict=True)))
    question = ROWS[0].question
    answers = ask(probe.ask, service, {"run": run_id, "question": question})
    assert answers["run"] == run_id
    lines = [report["answers"][0] for report in (reports[0], with_badges(*reports))]
    assert answers["row"] == lines[0]["row_id"] == ROWS[0].id
    for name, line in zip(("before", "after"), lines, strict=True):
        assert answers[name]["text"] == line["answer"]
        assert answers[name]["fact_joint"] == pytest.approx(line["fact_joint"], abs=1e-4)
    assert (answers["before"].get("badge"), answers["after"]["badge"]) == (None, lines[1]["badge"])
    # in other letters and spaces it is the same question
    loud = ask(probe.ask, service, {"run": run_id, "question": f" {question.upper()}"})
    assert loud["after"] == answers["after"]
    free = ask(probe.ask, service, {"run": run_id, "question": "What is the weather like?"})
    assert free["row"] == "" and free["after"]["badge"] in ("", "garbled", "refused")


@pytest.mark.filterwarnings("ignore")
def test_an_adapter_that_is_only_read_says_so_before_start(tiny_folder: Path, tmp_path: Path) -> None:
    service = opened(tmp_path, tiny_folder, {"use_dora": True})
    assert "can be scored and probed, but not trained on" in str(plan_of(service)["error"])
    draft = {
        "scores_id": tokens.shown_payload(service)["scores_id"],
        "set": "tiny",
        "rule": {},
        "overrides": {},
    }
    with pytest.raises(ModelError, match="use_dora"):
        start(service, draft | {"hash": ask(tokens.confirm_mask, service, draft)["hash"]}, SETTINGS, [])
    assert service.queue.store.list_runs() == []
