"""The run store: whole files, true states, cursors, and what a kill may leave behind."""

import json
import os
import subprocess
import sys
import time

import pytest

from tokenunlearn.errors import RunError
from tokenunlearn.runs.disk import append_line, read_lines_since, write_json_atomically
from tokenunlearn.runs.states import STATES, buttons, status_text
from tokenunlearn.runs.store import RunStore, curve, is_dead, process_started
from tokenunlearn.training.events import EvalDone, Saved, StepDone


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path / "runs")


def step(number):
    return StepDone(number, 30, 0.5, 0.25, 0.25, 0.1)


def dead_pid():
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_a_new_run_is_complete_and_queued(store):
    run_id = store.create(
        {"name": "NPO", "arm": "chosen", "mask_hash": "9f3c", "steps": 30},
        {"mask.jsonl": lambda path: path.write_text("{}\n")},
    )
    state = store.state(run_id)
    assert (run_id, state["state"], state["steps"], state["name"]) == ("run-1", "queued", 30, "NPO")
    assert (state["arm"], state["mask_hash"], state["step"], state["pid"]) == ("chosen", "9f3c", 0, None)
    assert {"config.json", "versions.json", "mask.jsonl", "state.json"} <= {
        p.name for p in store.path(run_id).iterdir()
    }
    assert store.config(run_id)["arm"] == "chosen"
    assert "torch" in store.read_json(run_id, "versions.json")


def test_a_config_that_is_no_json_leaves_nothing_behind(store):
    with pytest.raises(ValueError):
        store.create({"learning_rate": float("nan")})
    assert [entry.name for entry in store.root.iterdir()] == []


def test_numbers_are_not_given_twice_and_newest_comes_first(store):
    for _ in range(11):
        store.create({})
    store.delete("run-11")
    assert store.create({}) == "run-12"
    assert [state["run_id"] for state in store.list_runs()][:3] == ["run-12", "run-10", "run-9"]
    assert not list(store.root.glob(".deleted-*"))


@pytest.mark.parametrize("run_id", ["run-7", "../etc", "run-1/..", "", "run-1\n"])
def test_an_id_that_names_no_run_is_refused(store, run_id):
    store.create({})
    with pytest.raises(RunError, match="There is no run"):
        store.path(run_id)


def test_a_dead_silent_worker_is_settled_on_read(store):
    run_id = store.create({"steps": 30})
    store.change(run_id, state="running", pid=dead_pid(), heartbeat=time.time() - 60, step=12)
    state = store.state(run_id)
    assert (state["state"], state["message"]) == ("interrupted", "the worker died at step 12")
    assert json.loads((store.path(run_id) / "state.json").read_text())["state"] == "interrupted"


@pytest.mark.parametrize("name", STATES)
def test_only_active_states_can_die(name):
    state = {"state": name, "pid": None, "heartbeat": 0}
    assert is_dead(state) == (name in ("running", "pausing", "stopping"))


def test_both_signs_of_death_are_needed():
    alive = {"pid": os.getpid(), "process_started": process_started(os.getpid())}
    now = time.time()
    assert not is_dead({"state": "running", "heartbeat": now - 60, **alive}), "silent but alive"
    assert not is_dead({"state": "running", "heartbeat": now, "pid": None}), "gone but heard just now"
    assert is_dead({"state": "running", "heartbeat": now - 60, **alive, "process_started": now - 9e5}), (
        "reused pid"
    )


def test_a_zombie_counts_as_dead():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    state = {
        "state": "running",
        "pid": child.pid,
        "process_started": process_started(child.pid),
        "heartbeat": 0,
    }
    assert not is_dead(state)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert is_dead(state)
    child.stdin.close()
    child.wait()


def test_a_change_happens_only_in_the_states_named(store):
    run_id = store.create({})
    assert store.change(run_id, when=("running",), state="pausing") is None
    assert store.state(run_id)["state"] == "queued"
    assert store.change(run_id, when=("queued",), state="kept")["state"] == "kept"


def test_of_a_log_the_last_lines_are_read(store):
    run_id = store.create({})
    assert store.log_end(run_id) == ""
    lines = [f"line {number} é" for number in range(3_000)]
    (store.path(run_id) / "log.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert store.log_end(run_id).splitlines() == lines[-60:]


def test_events_come_back_once_by_cursor(store):
    run_id = store.create({})
    assert store.events(run_id) == ([], 0)
    store.append_event(run_id, step(1))
    events, cursor = store.events(run_id)
    assert events == [step(1)]
    store.append_event(run_id, EvalDone(1, fact_joint=0.5, answer_text="zwei\nZeilen, ä"))
    later, end = store.events(run_id, cursor)
    assert later == [EvalDone(1, fact_joint=0.5, answer_text="zwei\nZeilen, ä")]
    assert store.events(run_id, end) == ([], end)
    assert len(store.events(run_id, 10**9)[0]) == 2, "a cursor of another file starts over"


def test_a_torn_last_line_waits_and_then_costs_only_itself(tmp_path):
    path = tmp_path / "metrics.jsonl"
    append_line(path, {"a": 1})
    whole = path.stat().st_size
    with path.open("ab") as file:
        file.write(b'{"b": ')
    assert read_lines_since(path) == ([{"a": 1}], whole)
    append_line(path, {"c": 3})
    assert read_lines_since(path, whole)[0] == [{"c": 3}]
    assert read_lines_since(path) == ([{"a": 1}, {"c": 3}], path.stat().st_size)


@pytest.mark.parametrize("cut", range(1, 40))
def test_any_cut_of_the_file_reads_as_whole_lines(tmp_path, cut):
    path = tmp_path / "metrics.jsonl"
    for number in range(4):
        append_line(path, {"n": number, "text": "ä\n"})
    content = path.read_bytes()[:-cut]
    path.write_bytes(content)
    records, cursor = read_lines_since(path)
    assert [record["n"] for record in records] == list(range(content.count(b"\n")))
    assert content[:cursor].count(b"\n") == len(records)


def test_a_failed_write_keeps_the_old_file_and_no_part(tmp_path):
    path = tmp_path / "state.json"
    write_json_atomically(path, {"a": 1})
    with pytest.raises(ValueError):
        write_json_atomically(path, {"a": float("inf")})
    assert json.loads(path.read_text()) == {"a": 1}
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.json"]


def test_the_curve_of_a_resumed_run_has_each_step_once():
    events = [step(11), step(12), Saved(12, "a"), step(13), EvalDone(13, other=0.1), step(14)]
    again = [step(13), EvalDone(13, other=0.9), step(14)]
    assert curve([*events, *again]) == [*events[:3], *again]


def test_a_live_run_is_not_deleted(store):
    run_id = store.create({})
    store.change(run_id, state="running", pid=os.getpid(), process_started=process_started(os.getpid()))
    with pytest.raises(RunError, match="Stop it before"):
        store.delete(run_id)
    assert store.path(run_id).is_dir()


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({"state": "queued"}, ["Cancel"]),
        ({"state": "running"}, ["Pause and save", "Stop and keep", "Discard…"]),
        ({"state": "pausing", "requested": 971}, []),
        ({"state": "pausing", "requested": 970}, ["Force stop"]),
        ({"state": "stopping", "requested": 990}, []),
        ({"state": "paused", "saved_step": 12}, ["Resume", "Keep as is", "Discard…"]),
        ({"state": "interrupted", "saved_step": 0}, ["Resume", "Discard…"]),
        ({"state": "finished"}, ["Probe", "Compare", "Run again with changes"]),
        ({"state": "kept"}, ["Probe", "Compare", "Run again with changes"]),
        ({"state": "failed", "saved_step": 0}, ["Edit settings", "Copy error", "Discard…"]),
        (
            {"state": "failed", "saved_step": 8},
            ["Resume from 8", "Edit settings", "Copy error", "Discard…"],
        ),
        (
            {"state": "diverged", "saved_step": 8},
            ["Keep as is", "Edit settings", "Copy error", "Discard…"],
        ),
        ({"state": "diverged", "saved_step": 0}, ["Edit settings", "Copy error", "Discard…"]),
    ],
)
def test_buttons_are_a_function_of_the_state(state, expected):
    assert buttons(state, now=1000) == expected


@pytest.mark.parametrize("name", STATES)
def test_every_state_has_buttons_and_a_text(store, name):
    run_id = store.create({"steps": 30})
    state = {**store.state(run_id), "state": name, "step": 12}
    assert isinstance(buttons(state), list)
    assert status_text(state)


def test_an_unknown_state_is_an_error():
    with pytest.raises(ValueError, match="unknown state 'done'"):
        buttons({"state": "done"})


@pytest.mark.parametrize(
    ("state", "place", "after", "text"),
    [
        ({"state": "queued"}, 2, "run-13", "2nd in line, starts after run-13"),
        ({"state": "paused", "steps": 30, "saved_step": 12}, 0, "", "paused, weights saved, step 12 of 30"),
        ({"state": "stopping", "step": 12, "requested": 988}, 0, "", "saving at step 12, asked 12 s ago"),
        (
            {"state": "stopping", "step": 12, "requested": 988, "message": "probing after: judging 4 texts"},
            0,
            "",
            "probing after: judging 4 texts, asked 12 s ago",
        ),
        (
            {"state": "running", "steps": 9, "started": 988, "message": "loading the model"},
            0,
            "",
            "step 0 of 9, loading the model, 12 s so far",
        ),
        (  # how many steps a lesson takes is known when it has looked at its rows
            {"state": "running", "steps": 0, "started": 988, "message": "measuring: row 9 of 60"},
            0,
            "",
            "measuring: row 9 of 60, 12 s so far",
        ),
        ({"state": "running"}, 0, "", "starting"),
        (
            {"state": "running", "step": 9, "steps": 9, "started": 988, "message": "probing after"},
            0,
            "",
            "step 9 of 9, probing after",
        ),
        (
            {"state": "interrupted", "step": 2, "steps": 9},
            0,
            "",
            "the worker died at step 2; nothing saved yet",
        ),
    ],
)
def test_the_text_says_where_a_run_stands(state, place, after, text):
    assert status_text(state, place, after, now=1000) == text
