"""What the tabs can do, as plain functions: masks, plans, runs, probes; every input as if from anyone."""

import json
import os
import re
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.actions import compare, depth, measure, probe, status, tokens, unlearn
from app.actions.done_to import run_of
from app.bundle import BUNDLE
from app.first_paint import FIRST, first_picture, head_of
from app.page import STYLES, VIEW_STYLES
from app.service import Service
from app.sessions.load import Load
from app.sessions.session import Session
from app.sessions.sessions import Sessions
from app.shown import ShownScores, recorded_scores
from app.views.probe import probe_value
from app.views.tokens import known_of
from app.web_files import WEB, modules
from app.words import NO_CHOICE
from tests.asking import ask, start
from tests.damaged_results import whole_gradients
from tests.drawn_depth import drawn_depth
from tests.page_service import draft, live_service, payload
from tokenunlearn.errors import InputError, MaskError, RunError, SettingError, TokenUnlearnError
from tokenunlearn.masks import mask_hash
from tokenunlearn.modes import MODES
from tokenunlearn.probes.report import FACT_GIVEN
from tokenunlearn.runs.attack_job import keep_result
from tokenunlearn.runs.kinds import kind_of
from tokenunlearn.runs.queue import running
from tokenunlearn.training.events import EvalDone, StepDone


@pytest.fixture
def service(tmp_path: Path) -> Service:
    """A service with live scores and workers that end at once."""
    return live_service(tmp_path)


def test_a_mask_is_chosen_in_its_set_and_hashed_over_all_tokens(service: Service) -> None:
    # Top 1 over set "one" by knowledge 5.0: token 2. In set "two" it is token 8, whatever "one" holds.
    assert ask(tokens.confirm_mask, service, draft()) == {
        "hash": mask_hash([0, 0, 1, 0, 0, 0, 0, 0, 0]), "weights_count": 1, "chosen": [2],
    }  # fmt: skip
    assert ask(tokens.confirm_mask, service, draft(set="two"))["chosen"] == [8]


def test_overrides_win_and_stay_in_their_set(service: Service) -> None:
    assert ask(tokens.confirm_mask, service, draft(overrides={"3": "in", "2": "out"}))["chosen"] == [3]
    with pytest.raises(MaskError, match="not in this set"):
        ask(tokens.confirm_mask, service, draft(overrides={"8": "in"}))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"scores_id": "gone"}, MaskError),
        ({"scores_id": 7}, InputError),
        ({"set": "three"}, MaskError),
        ({"rule": {"alpha": 2}}, SettingError),
        ({"rule": {"alpha": float("nan")}}, SettingError),
        ({"rule": {"alhpa": 1}}, SettingError),
        ({"rule": "all"}, InputError),
        ({"overrides": {"2": "maybe"}}, MaskError),
        ({"overrides": {"-1": "in"}}, MaskError),
        ({"overrides": {"²": "in"}}, MaskError),
        ({"overrides": [1, 2]}, InputError),
    ],
)
def test_a_draft_is_checked_as_if_it_came_from_anyone(service: Service, change: Any, error: type) -> None:
    with pytest.raises(error):
        ask(tokens.confirm_mask, service, draft(**change))


@pytest.mark.parametrize("value", [None, 3, "x", []])
def test_no_draft_at_all_is_refused(service: Service, value: Any) -> None:
    with pytest.raises(InputError):
        ask(tokens.confirm_mask, service, value)


def test_an_unknown_signal_is_named_with_a_guess(service: Service) -> None:
    with pytest.raises(SettingError, match="Did you mean contrast"):
        ask(tokens.compute_signal, service, {"scores_id": "s1", "name": "contrasst"})


def test_a_recorded_example_confirms_but_neither_trains_nor_exports(service: Service) -> None:
    service.sessions.show(recorded_scores({**payload("live"), "scores_id": "s0"}))
    assert service.shelf.newest().payload["state"] == "recorded"  # type: ignore[union-attr]
    assert ask(tokens.confirm_mask, service, draft(scores_id="s0"))["chosen"] == [2]
    assert "error" in ask(tokens.alternatives, service, {"scores_id": "s0", "row": 0, "position": 0})
    with pytest.raises(MaskError, match="recorded"):
        ask(tokens.export_mask, service, draft(scores_id="s0"))


def test_the_view_gets_its_columns_as_one_text(service: Service) -> None:
    shown = tokens.shown_payload(service)
    assert json.loads(shown["columns"]) == service.shelf.newest().payload["columns"]  # type: ignore[union-attr]
    assert (len(shown["rows"]), shown["scores_id"]) == (3, "s1")
    assert list(shown["rule_settings"]) == list(shown["defaults"])
    k, mode = shown["rule_settings"]["k"], shown["rule_settings"]["mode"]
    assert (k["type"], k["unit"], k["low"], k["high"], k["step"]) == ("int", "tokens", 0, 10_000, 1)
    assert [each["value"] for each in mode["choices"]] == list(MODES)
    assert mode["choices"][1]["amount"] == "k" and "function" not in mode["choices"][1]
    assert all(each["label"] and each["help"] for each in mode["choices"])
    json.dumps(shown["rule_settings"])


def test_the_export_is_a_mask_file_with_the_same_hash(service: Service) -> None:
    file = ask(tokens.export_mask, service, draft())
    header, line = [json.loads(each) for each in file["text"].splitlines()]
    assert header["hash"] == ask(tokens.confirm_mask, service, draft())["hash"]
    assert (line["row_id"], line["token"], header["provenance"]["model"]) == ("r0", " tea", "tiny")


def test_the_summary_says_what_will_be_trained_and_refuses_another_hash(service: Service) -> None:
    said = ask(unlearn.summary, service, draft())
    shown = {key: said[key] for key in ("chosen", "total", "rows", "gold", "gold_chosen", "words")}
    assert shown == {
        "chosen": 1,
        "total": 6,
        "rows": "1 of 2 rows",
        "gold": 2,
        "gold_chosen": 1,
        "words": ["tea"],
    }
    assert ask(unlearn.summary, service, said["plan"])["hash"] == said["hash"]
    assert (
        "What is trained must be what was seen"
        in ask(unlearn.summary, service, draft(hash="0" * 64))["error"]
    )
    assert "No token is chosen" in ask(unlearn.summary, service, draft(overrides={"2": "out"}))["error"]


def test_a_start_queues_the_run_and_its_controls_with_their_own_masks(service: Service) -> None:
    plan = ask(unlearn.summary, service, draft())["plan"]
    ids = start(service, plan, {"steps": 3}, controls=["uniform", "random"])
    store = service.queue.store
    configs = [store.config(run_id) for run_id in ids]
    assert [config["arm"] for config in configs] == ["chosen", "uniform", "random"]
    assert (
        len({config["group"] for config in configs}) == 1
        and len({config["mask_hash"] for config in configs}) == 3
    )
    assert configs[0]["mask_hash"] == plan["hash"] and configs[0]["training"]["steps"] == 3
    assert [each["id"] for each in configs[0]["forget"]] == ["r0", "r1"]
    assert configs[1]["mask_hash"] == mask_hash([1.0] * 6 + [0.0] * 3)
    # The rule takes one token (of 4 scored), so the control takes one: the lowest random key of that row.
    assert configs[2]["mask_hash"] == mask_hash([0, 1, 0, 0, 0, 0, 0, 0, 0])
    assert all((store.path(run_id) / "tokens.parquet").is_file() for run_id in ids)


def test_rows_that_the_model_never_knew_are_counted_before_they_are_trained(service: Service) -> None:
    shown = service.shelf.newest()
    assert shown is not None
    assert ask(unlearn.summary, service, draft())["known"] is None  # not measured: not "no"
    assert ask(unlearn.rows_asked_about, service, ask(unlearn.summary, service, draft())["plan"]) == 0
    for row, log_probs in zip(
        shown.payload["rows"], ([0.0, 0.0, -0.1], [0.0, 0.0, -9.0], [-9.0] * 3), strict=True
    ):
        row["known"] = known_of(log_probs, [0, 0, 1], [True, True, False])
    said = ask(unlearn.summary, service, draft(overrides={"5": "in"}))
    assert said["known"] == {"yes": 1, "partly": 0, "no": 1}
    assert (said["trained"], said["never_known"], said["asks"]) == (2, 1, True)
    assert ask(unlearn.rows_asked_about, service, said["plan"]) == 1
    # the row that is not known has no token of this mask
    assert ask(unlearn.summary, service, draft())["never_known"] == 0
    # Of fewer than half only a sentence says so.
    assert [unlearn.asks_first(*each) for each in ((1, 20), (9, 20), (10, 20), (0, 0))] == [
        False,
        False,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("change", "settings", "error"),
    [
        ({"hash": "0" * 64}, {}, MaskError),
        ({"hash": None}, {}, InputError),
        ({}, {"learning_rate": float("nan")}, SettingError),
        ({}, {"steps": 10**9}, SettingError),
        ({}, {"stepps": 1}, SettingError),
        ({}, {"objective": "npo", "objective_settings": {"beta": -1}}, SettingError),
        ({}, {"objective": "forget_it"}, SettingError),
        ({}, {"objective": "alt_dpo"}, InputError),  # the rows have no perturbed answers
    ],
)
def test_a_start_that_is_refused_leaves_no_run(
    service: Service, change: Any, settings: Any, error: type
) -> None:
    plan = {**ask(unlearn.summary, service, draft())["plan"], **change}
    with pytest.raises(error):
        start(service, plan, settings, controls=["uniform", "random"])
    assert service.queue.store.list_runs() == []


def test_a_start_before_the_model_is_there_is_refused(service: Service) -> None:
    plan = ask(unlearn.summary, service, draft())["plan"]
    service.sessions.session.model = None
    with pytest.raises(TokenUnlearnError, match="not ready"):
        start(service, plan, {}, controls=[])


@pytest.mark.parametrize(
    "request_", [{"run_id": "run-9", "action": "stop"}, {"run_id": "../x", "action": "discard"}]
)
def test_a_button_of_a_run_that_is_not_there_is_refused(service: Service, request_: dict[str, str]) -> None:
    with pytest.raises(RunError, match="There is no run"):
        ask(unlearn.act, service, request_)


def test_a_button_that_the_state_does_not_offer_is_refused(service: Service) -> None:
    run_id = service.queue.store.create({"name": "x", "arm": "chosen"})
    with pytest.raises(RunError, match="not possible"):
        ask(unlearn.act, service, {"run_id": run_id, "action": "pause"})
    with pytest.raises(RunError, match="nothing a run can do"):
        ask(unlearn.act, service, {"run_id": run_id, "action": "delete everything"})


def test_the_page_follows_a_run_from_its_folder(service: Service) -> None:
    store = service.queue.store
    run_id = store.create(
        {
            "name": "x",
            "arm": "chosen",
            "watch": "r0",
            "forget": [{"id": "r0", "question": "Q?", "answer": "A."}],
        }
    )
    store.change(run_id, state="finished", step=2, steps=2)
    events = (StepDone(1, 2, 0.5, 0.2, 0.3, 1.0), EvalDone(1, 0.4, 0.9, answer_id="r0", answer_text="Hm."))
    for event in events:
        store.append_event(run_id, event)
    value = unlearn.follow(service)
    curves = value["series"][0]
    assert (value["shown"], value["runs"][0]["buttons"][0]) == (run_id, "Probe")
    assert (curves["steps"], curves["loss"], curves["fact_joint"], curves["other"]) == (
        [1],
        [0.5],
        [0.4],
        [0.9],
    )
    assert value["answer"]["texts"] == [{"step": 1, "text": "Hm."}]
    store.append_event(run_id, StepDone(2, 2, float("nan"), 0.2, 0.3, 1.0))
    assert unlearn.follow(service, run_id)["series"][0]["loss"] == [0.5, None]
    assert unlearn.follow(service, run_id)["log"] == ""
    (service.queue.store.path(run_id) / "log.txt").write_text("Traceback\n")
    service.queue.store.change(run_id, state="failed")
    assert unlearn.follow(service, run_id)["log"] == "Traceback"


def test_without_runs_each_tab_says_what_to_do_next(service: Service) -> None:
    assert "Tokens tab" in unlearn.follow(service)["empty"]
    assert "No run to probe" in probe.show(service, None)["empty"]
    assert "Unlearn tab" in compare.runs(service)["empty"]
    assert status.chips(service)["run"]["text"] == "no run"


def report(badge: str, log_prob: float, answer: str = "A.", fluency: float | None = -2.0) -> dict[str, Any]:
    line = {
        "row_id": "r0", "kind": "forget", "question": "Q?", "expected": "A.", "facts": ["A"],
        "answer": answer, "rouge_l": 1.0, "stated": answer == "A.", "fluency": fluency,
    }  # fmt: skip
    tokens_line = {"row_id": "r0", "kind": "forget", "starts": [0], "ends": [2], "log_probs": [log_prob]}
    return {
        "summary": {"fact_joint": 0.9}, "tokens": [tokens_line],
        "answers": [{**line, "fact_joint": np.exp(log_prob), "badge": badge}],
    }  # fmt: skip


def test_probes_are_shown_side_by_side_with_the_change_per_token(service: Service) -> None:
    store = service.queue.store
    run_id = store.create({"name": "x", "arm": "chosen", "forget": [{"id": "r0", "gold": [[0, 1]]}]})
    assert probe.show(service, run_id)["empty"] == f"No results yet: {run_id} is waiting."
    reports = {"before": report("unchanged", 0.0), "after": report("forgot", -np.log(4))}
    store.write_json(run_id, "probes.json", reports)
    value = probe.show(service, run_id)
    # The file's own badge is that of an older version: the answer states the fact.
    assert (value["answers"][0]["after"]["badge"], value["answers"][0]["gold"]) == ("still_knows", [[0, 1]])
    assert value["tokens"]["forget/r0"] == {"starts": [0], "ends": [2], "before": [1.0], "after": [0.25]}
    assert compare.runs(service)["runs"][0]["after"] == {"fact_joint": 0.9, "kept": None}


def ended(service: Service, at: float, number: int) -> str:
    """A run with results, which ended at a time."""
    run_id = service.queue.store.create({"name": f"n{number}", "arm": "chosen", "group": f"g{number}"})
    service.queue.store.change(run_id, state="finished", ended=at, step=3, steps=3)
    both = {"before": report("unchanged", 0.0), "after": report("forgot", -1.0)}
    service.queue.store.write_json(run_id, "probes.json", both)
    return run_id


def test_probe_follows_the_newest_result_and_offers_it_beside_an_older_one(service: Service) -> None:
    assert probe.newest(service) is None
    # the first was resumed, and ended last
    first, second = ended(service, 200.0, 1), ended(service, 100.0, 2)
    active = service.queue.store.create({"name": "a", "arm": "chosen"})
    service.queue.store.change(active, **running(os.getpid()))
    waiting = service.queue.store.create({"name": "w", "arm": "chosen"})
    assert probe.newest(service) == first
    assert probe.show(service, first)["other"] is None
    assert probe.show(service, second)["other"] == {
        "run_id": first, "words": f"Newer result: {first}.", "label": "Show it",
    }  # fmt: skip
    # a control is read beside its run, so the page does not turn to it by itself
    control = service.queue.store.create({"name": "c", "arm": "random", "group": "g1"})
    assert probe.newest(service) == first
    service.queue.store.change(control, state="finished", ended=300.0, step=3, steps=3)
    assert probe.newest(service) == first
    assert probe.show(service, first)["other"]["run_id"] == control
    service.queue.store.change(control, state="queued", ended=None)
    shown = probe.show(service, waiting)
    assert shown["empty"] == f"No results yet: {waiting} is waiting."
    assert shown["other"] == {"run_id": first, "words": "", "label": f"Show {first}, finished"}


def test_probe_opens_on_the_run_and_not_on_a_control_that_waits_behind_it(service: Service) -> None:
    assert [label for label, _ in probe.run_choices(service)] == [NO_CHOICE]
    first, *_ = [
        service.queue.store.create({"name": arm, "arm": arm, "group": "waits"})
        for arm in ("gold", "random", "uniform")
    ]
    assert probe.newest(service) == first
    ended(service, 100.0, 1)
    for arms in (("chosen", "random", "uniform"), ("gold", "random"), ("random",)):
        own, *controls = [
            service.queue.store.create({"name": arm, "arm": arm, "group": arms[0]}) for arm in arms
        ]
        for at, run_id in enumerate((own, *controls)):
            service.queue.store.change(run_id, state="finished", ended=200.0 + at, step=3, steps=3)
            assert probe.newest(service) == own
        service.queue.store.change(own, ended=900.0)  # resumed
        assert probe.newest(service) == own
        for run_id in (own, *controls):
            service.queue.store.change(run_id, state="finished", ended=50.0)
    assert NO_CHOICE not in dict(probe.run_choices(service))


def test_chip_list_and_comparison_name_the_same_run_and_step(service: Service) -> None:
    old, store = ended(service, 200.0, 1), service.queue.store
    run_id = store.create({"name": "x", "arm": "chosen", "steps": 12})
    store.change(run_id, **running(os.getpid()), step=6, steps=12)
    assert [line["step"] for line in compare.runs(service)["runs"]] == [6, 3]
    store.change(run_id, step=9)
    assert status.chips(service)["run"]["text"] == f"{run_id}: step 9 of 12"
    assert unlearn.follow(service)["shown"] == run_id
    assert [line["step"] for line in unlearn.follow(service)["runs"]] == [9, 3]
    assert [line["step"] for line in compare.runs(service)["runs"]] == [9, 3]
    assert status.steps_signature(service.queue.runs()) == [[run_id, 9, "starting"]]
    store.change(run_id, state="paused", ended=100.0)
    assert status.chips(service)["run"]["run_id"] == unlearn.follow(service)["shown"]
    assert {line["run_id"]: line["state"] for line in compare.runs(service)["runs"]}[old] == "finished"


@pytest.mark.parametrize(
    ("answer", "fluency", "words", "tone"),
    [
        ("B.", -2.0, "forgot, fluent", "good"),
        ("B.", -3.5, "forgot, fluent", "good"),
        # One good answer before, -2 nats: the bound is 3 times .5 below.
        ("B.", -3.6, "garbled", "bad"),
        ("B.", None, "forgot, fluency not measured", ""),
        ("A.", -2.0, "still knows", ""),
        ("I do not know.", -2.0, "refused", ""),
    ],
)
@pytest.mark.parametrize("kind", ["forget", "retain"])
def test_only_fluent_forgetting_of_what_was_to_be_forgotten_is_green(
    kind: str, answer: str, fluency: float | None, words: str, tone: str
) -> None:
    before, after = report("unchanged", 0.0), report("", -9.0, answer, fluency)
    for each in (before, after):
        each["answers"][0]["kind"] = kind
        # Only a question that was to be forgotten is asked in other words as well.
        if kind == "forget":
            each["answers"].append(each["answers"][0] | {"kind": "paraphrase", "question": "And so?"})
    # Of what should have stayed, what is gone is lost.
    value = probe_value({}, {}, {"before": before, "after": after})
    said = value["answers"][0]["after"]
    assert said["badge_words"] == words and said["fluency"] == fluency
    lost = kind == "retain" and answer != "A."
    assert said["tone"] == ("bad" if lost else tone)
    assert value["garbled_below"] == -3.5 and value["summary"]["after"] == {"fact_joint": 0.9}


@pytest.mark.parametrize(
    ("other", "probable", "words", "tone"),
    [
        (None, None, "forgot, fluent, one wording only", ""),
        ("B.", None, "forgot, fluent", "good"),
        ("A.", None, "forgot, fluent, but not when reworded", ""),
        # In pieces the answer shows nothing, however likely the fact was.
        ("no no no no", None, "forgot, fluent, garbled when reworded", ""),
        ("no no no no", (0.8, 0.0), "forgot, fluent, garbled when reworded", ""),
        ("B.", (0.8, 0.3), "forgot, fluent, but still likely when reworded", ""),
    ],
)
def test_forgetting_is_green_only_where_other_words_do_not_bring_the_fact_back(
    other: str | None, probable: tuple[float, float] | None, words: str, tone: str
) -> None:
    before, after = report("unchanged", 0.0), report("", -9.0, "B.", -2.0)
    for each, text in ((before, "A."), (after, other)):
        if other is not None:
            line = each["answers"][0] | {"kind": "paraphrase", "question": "In other words?"}
            each["answers"].append(line | {"answer": text, "stated": text == "A.", "fluency": -2.0})
    for each, value in zip((before, after), probable or (), strict=False):
        each["by_row"] = {"paraphrased": {each["answers"][0]["row_id"]: value}}
    said = probe_value({}, {}, {"before": before, "after": after})["answers"][0]["after"]
    assert (said["badge_words"], said["tone"]) == (words, tone)


@pytest.mark.parametrize(
    ("answer", "was", "now", "words"),
    [
        ("B.", None, None, "Asked one way only"),
        ("B.", 0.02, 0.0, "was not known before (0.02)"),
        ("B.", 0.8, 0.79, "as likely as before (0.80, now 0.79)"),
        ("B.", 0.3, 0.8, "likelier than before (0.30, now 0.80)"),
        ("B.", 0.8, 0.3, "still likely (0.80, now 0.30)"),
        ("A.", 0.8, 0.0, "The answer still states the fact."),
        ("B.", 0.8, 0.0, ""),
    ],
)
def test_why_one_wording_that_is_gone_is_not_forgetting_is_said(
    answer: str, was: float | None, now: float | None, words: str
) -> None:
    before, after = report("unchanged", 0.0), report("", -9.0, answer, -2.0)
    for each, value in ((before, was), (after, now)):
        each["summary"]["paraphrased"] = value
        each["by_row"] = {"paraphrased": {each["answers"][0]["row_id"]: value}}
    value = probe_value({}, {}, {"before": before, "after": after})
    said = value["left"]
    assert words in said and bool(said) == bool(words)
    # a fall is green where nothing is left to say against it
    assert value["forgets"] is not bool(said)
    assert value["gone"] == "The one word of the fact is gone."


def test_what_is_said_under_the_answers_is_in_sentences() -> None:
    before, after = report("unchanged", 0.0), report("", -9.0, "B.", -2.0)
    before["answers"][0]["fact_joint"] = 0.9
    after |= {"longest_answer": 24, "unjudged": "The base cannot be read."}
    assert probe_value({}, {}, {"before": before, "after": after})["notes"] == (
        f"Answers cut at 24 tokens. Fluency is not measured: The base cannot be read. {FACT_GIVEN}."
    )


def test_a_report_of_an_older_version_is_shown_with_the_badges_of_this_one() -> None:
    before, after = report("unchanged", 0.0), report("degenerate", -9.0, "")
    for each in (before, after):
        del each["answers"][0]["fluency"]
    said = probe_value({}, {}, {"before": before, "after": after})["answers"][0]["after"]
    assert (said["badge_words"], said["fluency"], said["tone"]) == ("garbled", None, "bad")


@pytest.mark.parametrize(
    ("retained", "label"), [("Q", "Real world, kept in training"), ("R", "Real world ↑")]
)
def test_facts_of_the_world_that_were_kept_in_training_are_no_independent_control(
    retained: str, label: str
) -> None:
    before = report("unchanged", 0.0)
    (line,) = before["answers"]
    before["answers"] += [
        line | {"kind": kind, "question": question, "expected": "A"}
        for kind, question in (("world", "Q"), ("retain", retained))
    ]
    (world,) = (each for each in probe_value({}, {}, {"before": before})["labels"] if each["key"] == "world")
    assert (world["label"], world["wanted"]) == (label, "" if retained == "Q" else "up")


@pytest.mark.parametrize("measured", [False, True])
def test_a_figure_that_a_run_did_not_ask_for_has_no_line(measured: bool) -> None:
    before = report("unchanged", 0.0)
    before["summary"] |= {"mia_loss": 1.0 if measured else None, "stated": None}
    keys = [each["key"] for each in probe_value({}, {}, {"before": before})["labels"]]
    # one that is always asked has its line, measured or not
    assert ("mia_loss" in keys) == measured and "stated" in keys and "jailbreak_rouge" not in keys


@pytest.mark.parametrize("question", ["", "   ", None, 3, "x" * 2001])
def test_a_free_question_is_checked(service: Service, question: Any) -> None:
    with pytest.raises(InputError):
        ask(probe.ask, service, {"run": "run-1", "question": question})


def test_no_text_of_a_row_can_end_the_script_that_carries_the_first_picture(service: Service) -> None:
    shown = service.shelf.newest()
    assert shown is not None
    shown.payload["rows"][0]["question"] = "</script><img src=x>"
    head = head_of(first_picture(service), ("a.css",))
    assert "</script><img" not in head and head.count("</script>") == 2


def test_the_head_asks_for_all_modules_of_the_page_at_once() -> None:
    asked = re.findall(r'<link rel="modulepreload" href="/web/[0-9a-f]{12}/([^"]+)">', head_of({}, ()))
    assert asked == [*modules(WEB, FIRST), BUNDLE]


def test_every_style_sheet_is_on_the_page() -> None:
    sheets = {str(path.relative_to(WEB)) for path in WEB.rglob("*.css")}
    assert sheets == {*STYLES, *VIEW_STYLES} - {"views.css"}


def test_a_beat_has_another_stamp_as_soon_as_anything_but_the_chips_is_another(service: Service) -> None:
    def stamp() -> str:
        return str(status.beat(service)["stamp"])

    store = service.queue.store
    empty = stamp()
    assert stamp() == empty and status.beat(service).keys() == {"stamp", *status.chips(service)}
    run_id = store.create({"name": "one", "arm": "chosen", "forget": []})
    store.change(run_id, **running(os.getpid()), step=0, steps=3)
    seen = [empty, stamp()]
    store.change(run_id, message="loading the model", started=time.time() - 5)
    seen.append(stamp())
    store.change(run_id, heartbeat=time.time(), started=time.time() - 7)
    assert "7 s so far" in status.beat(service)["run"]["line"]["text"]
    assert stamp() == seen[-1]  # it lives, and there is nothing new but the clock
    store.append_event(run_id, StepDone(1, 3, 1.0, 1.0, 1.0, 0.5))
    seen.append(stamp())
    store.change(run_id, step=1)
    seen.append(stamp())
    store.append_event(run_id, EvalDone(1, 0.5, 0.9, retain=0.9, answer_id="r0", answer_text="tea"))
    seen.append(stamp())
    store.change(run_id, state="finished", ended=time.time())
    seen.append(stamp())
    store.write_json(run_id, "probes.json", {})
    seen.append(stamp())
    service.sessions.show(
        ShownScores({**payload("live"), "scores_id": "s2"}, service.shelf.newest().columns, None)
    )
    seen.append(stamp())
    assert len(set(seen)) == len(seen)


def test_a_beat_that_says_that_nothing_moves_has_the_last_stamp(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, columns = status.beat(service)["stamp"], service.shelf.newest().columns

    def ends(_: Sessions) -> bool:
        service.sessions.show(ShownScores({**payload("live"), "scores_id": "last"}, columns, None))
        return False

    monkeypatch.setattr(Sessions, "moving", property(ends))
    value = status.beat(service)
    assert not value["busy"] and value["stamp"] != before


def test_scores_are_the_newest_only_of_the_session_that_is_open_when_they_are_held(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another session that is scored at this moment waits, and its scores are then the newest."""
    put, threads = service.shelf.put, list[threading.Thread]()
    first, other = (ShownScores({**payload("live"), "scores_id": name}, {}, None) for name in ("s2", "other"))
    load = Load(service.sessions.session.with_model("b", None, "fp32"))

    def slow(shown: ShownScores, owner: Session, newest: bool) -> None:
        if not threads:
            threads.append(threading.Thread(target=service.sessions.turn_to, args=(load, None, other)))
            threads[0].start()
            threads[0].join(0.2)
        put(shown, owner, newest)

    monkeypatch.setattr(service.shelf, "put", slow)
    service.sessions.show(first)
    threads[0].join(5)
    newest = service.shelf.newest()
    assert newest is not None and newest.scores_id == "other"
    assert service.sessions.of(newest) is service.sessions.session is load.session


def of_kind(kind: str) -> Any:
    """The action that measures the chosen tokens."""

    def queued(service: Service, wanted: unlearn.Start) -> str:
        return measure.measure(kind, service, wanted)

    return queued


gradients = of_kind("gradients")


def test_gradients_are_measured_of_the_shown_tokens_and_stand_on_the_probe_tab(service: Service) -> None:
    settings = {"rank": 4, "layer_share": 0.5, "seed": 3}
    summed = ask(unlearn.summary, service, draft())
    run_id = ask(gradients, service, {"plan": summed["plan"], "settings": settings})
    store = service.queue.store
    config = store.config(run_id)
    assert {name: config["gradients"][name] for name in settings} == settings
    assert config["mask_hash"] == summed["hash"] and config["name"] == "one, gradients of the chosen tokens"
    assert [each for _, each in probe.run_choices(service)] == [run_id]
    assert run_id not in [each["run_id"] for each in compare.runs(service)["runs"]]
    waiting = probe.show(service, run_id)
    assert waiting["found"] is None and waiting["empty"].startswith(f"{run_id}: ")
    for damaged in ({"says": ["So it is."]}, [], "text"):
        store.write_json(run_id, "gradients.json", damaged)
        empty = probe.show(service, run_id)["empty"]
        assert empty.startswith(f"{run_id}: gradients.json is damaged: ") and empty.endswith("Measure again.")
    store.write_json(run_id, "gradients.json", {**whole_gradients(), "says": ["So it is."]})
    store.change(run_id, state="finished", step=1, ended=5.0)
    shown = probe.show(service, run_id)
    assert (shown["found"]["kind"], shown["found"]["says"]) == ("gradients", ["So it is."])
    assert (shown["empty"], shown["answers"]) == ("", [])
    with pytest.raises(RunError, match="has left no model"):
        ask(probe.ask, service, {"run": run_id, "question": "Who?"})
    with pytest.raises(MaskError, match="The page showed mask"):
        other = {**summed["plan"], "hash": "f" * 64}
        ask(gradients, service, {"plan": other, "settings": settings})


def test_deletion_and_insertion_tries_the_orders_of_the_rule_and_needs_a_fact(service: Service) -> None:
    summed = ask(unlearn.summary, service, draft())
    perturb = of_kind("perturb")
    run_id = ask(perturb, service, {"plan": summed["plan"], "settings": {"seed": 3}})
    config = service.queue.store.config(run_id)
    assert (config["perturb"]["signals"], config["perturb"]["seed"]) == (["knowledge_swap"], 3)
    assert config["name"] == "one, deletion and insertion" and kind_of(config) == "perturb"


def test_depth_is_measured_of_an_ended_run_and_stands_there(service: Service, tmp_path: Path) -> None:
    store = service.queue.store
    run_id = ended(service, 100.0, 1)
    adapter, taught = store.path(run_id) / "adapter", tmp_path / "taught"
    for folder in (adapter, taught):
        folder.mkdir()
        for name in ("adapter_config.json", "adapter_model.safetensors"):
            (folder / name).write_text("{}")
    rows = [{"id": "r0", "question": "Q?", "answer": "A.", "gold": [[0, 1]]}]
    for more, why in (
        ({}, "There is no adapter to switch off"),
        ({"adapter": str(taught)}, "No row has its fact marked"),
    ):
        store.write_json(run_id, "config.json", {**store.config(run_id), **more})
        shown = probe.show(service, run_id)["depth"]
        assert not shown["begins"] and shown["why"].startswith(why)
        with pytest.raises(InputError, match=why):
            ask(depth.measure, service, {"run_id": run_id})
    store.write_json(run_id, "config.json", {**store.config(run_id), "forget": rows})
    measuring = ask(depth.measure, service, {"run_id": run_id})
    shown = probe.show(service, run_id)["depth"]
    assert (shown["under_way"]["run_id"], shown["begins"], shown["why"]) == (measuring, False, "")
    # It is no run to be probed or compared: its button, and its steps, lead to the run that it is of.
    assert [run for _, run in probe.run_choices(service)] == [run_id] and run_of(service, measuring) == run_id
    store.change(measuring, state="failed")
    assert probe.show(service, run_id)["depth"]["begins"]
    with pytest.raises(RunError, match="There is no depth"):
        ask(depth.depth_picture, service, {"run_id": run_id, "row_id": "ada"})
    store.write_json(run_id, "depth.json", drawn_depth())
    shown = probe.show(service, run_id)["depth"]
    assert [(each["row_id"], each["uds"]) for each in shown["facts"]] == [("ada", 0.875), ("bob", None)]
    assert shown["layers"]["lines"][2] == [3, 3.0, 4.0, -0.625, -5.75, -5.75]
    picture = ask(depth.depth_picture, service, {"run_id": run_id, "row_id": "ada"})
    assert picture["svg"].startswith("<svg")
    assert picture["lines"][0] == [3, 0.0, -15.0, -12.0, -0.5, -6.0, -9.0]
    with pytest.raises(InputError, match="There is no fact of 'eve'"):
        ask(depth.depth_picture, service, {"run_id": run_id, "row_id": "eve"})
    # What is damaged is told in its own section, the answers are shown all the same.
    store.write_json(run_id, "depth.json", [])
    value = probe.show(service, run_id)
    assert value["answers"] and value["depth"]["says"] == [] and value["depth"]["begins"]
    assert value["depth"]["fault"] == "depth.json is damaged: it is no object. Measure again"


def test_an_attack_begins_on_an_ended_run_and_its_result_stands_there(service: Service) -> None:
    store = service.queue.store
    run_id = ended(service, 100.0, 1)
    assert probe.show(service, run_id)["attacks"] == []  # it has left no adapter
    adapter = store.path(run_id) / "adapter"
    adapter.mkdir()
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        (adapter / name).write_text("{}")
    with pytest.raises(InputError, match="There is no forget row"):
        ask(probe.attack, service, {"run_id": run_id, "name": "relearning"})
    rows = [{"id": f"r{at}", "question": "Q?", "answer": "A.", "gold": [[0, 1]]} for at in range(6)]
    store.write_json(run_id, "config.json", {**store.config(run_id), "forget": rows})
    (shown,) = probe.show(service, run_id)["attacks"]
    assert (shown["name"], shown["results"], shown["under_way"]) == ("relearning", [], None)
    attack = ask(probe.attack, service, {"run_id": run_id, "name": "relearning"})
    assert store.config(attack)["attack"]["settings"]["steps"] == 10
    (shown,) = probe.show(service, run_id)["attacks"]
    assert shown["under_way"]["run_id"] == attack
    # It is no run to be probed or compared, and its button leads to the run that it is on.
    assert [run for _, run in probe.run_choices(service)] == [run_id] == probe.results(service)
    assert [line["run_id"] for line in compare.runs(service)["runs"]] == [run_id]
    assert (run_of(service, attack), run_of(service, run_id)) == (run_id, run_id)
    store.change(attack, state="finished", ended=200.0)
    for says in ("first", "second"):
        keep_result(store.path(run_id), {"attack": "relearning", "says": [says]}, says)
    (shown,) = probe.show(service, run_id)["attacks"]
    assert shown["under_way"] is None and [each["says"] for each in shown["results"]] == [
        ["second"],
        ["first"],
    ]
    # One that broke can be resumed, and another one begun; one that is paused goes on before another.
    again = ask(probe.attack, service, {"run_id": run_id, "name": "relearning"})
    for state, begins in (("failed", True), ("interrupted", True), ("paused", False)):
        store.change(again, state=state)
        (shown,) = probe.show(service, run_id)["attacks"]
        assert (shown["under_way"]["run_id"], shown["begins"]) == (again, begins)
    store.change(again, state="failed")
    newest = ask(probe.attack, service, {"run_id": run_id, "name": "relearning"})
    store.change(newest, state="finished")
    (shown,) = probe.show(service, run_id)["attacks"]
    assert (shown["under_way"], shown["begins"]) == (None, True)
    # Damaged results are told in their own section, and nothing is measured that could not be kept.
    (store.path(run_id) / "attacks.json").write_text("{")
    value = probe.show(service, run_id)
    assert value["run"] and value["attacks"][0]["results"] == []
    assert value["attacks"][0]["fault"].startswith("attacks.json of run-1 cannot be read")
    with pytest.raises(RunError, match="attacks.json of run-1 cannot be read"):
        ask(probe.attack, service, {"run_id": run_id, "name": "relearning"})
    (store.path(run_id) / "attacks.json").unlink()
    with pytest.raises(SettingError, match="There is no attack 'x'"):
        ask(probe.attack, service, {"run_id": run_id, "name": "x"})


def test_a_rival_begins_beside_a_run_on_its_model_and_rows(service: Service) -> None:
    run_id, store = ended(service, 100.0, 1), service.queue.store
    rows = [{"id": f"r{at}", "question": "Q?", "answer": f"A{at}."} for at in range(2)]
    config = {
        **store.config(run_id),
        "forget": rows,
        "retain": rows,
        "set": "shared",
        "model": "m",
        "training": {},
    }
    store.write_json(run_id, "config.json", config)
    assert [each["name"] for each in compare.runs(service)["rivals"]] == ["icul"]
    rival = ask(compare.start_rival, service, {"run_id": run_id, "name": "icul"})
    found = store.config(rival)
    assert found["rival"] == {"name": "icul", "settings": {"examples": 5, "seed": 0}}
    assert {key: found.get(key) for key in ("forget", "retain", "model", "training")} == {
        "forget": rows, "retain": rows, "model": "m", "training": None,
    }  # fmt: skip
    assert [(line["name"], line["arm"]) for line in compare.runs(service)["runs"]][0] == (
        "shared, ICUL",
        "icul",
    )
    with pytest.raises(InputError, match="There is no forget row"):
        store.write_json(run_id, "config.json", {**config, "forget": []})
        ask(compare.start_rival, service, {"run_id": run_id, "name": "icul"})
