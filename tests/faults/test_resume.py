"""The real worker on a tiny random model: killed or paused, then resumed, it ends as a straight run does."""

import json
import os
import signal
import time

import numpy as np
import pandas as pd
import pytest

from tests.faults.small_disk import fill, small_disk_at
from tokenunlearn.data.demo import demo_rows
from tokenunlearn.data.rows import row_to_dict
from tokenunlearn.masks import make_mask
from tokenunlearn.runs.queue import RunQueue
from tokenunlearn.runs.states import buttons
from tokenunlearn.runs.store import RunStore, curve, process_alive
from tokenunlearn.selection import Rule
from tokenunlearn.training.events import EvalDone, StepDone

pytestmark = pytest.mark.slow
STEPS = 12


@pytest.fixture
def cold_queue(tmp_path):
    """A queue whose workers start by themselves, as a user's do."""
    queue = RunQueue(RunStore(tmp_path / "runs"))
    yield queue
    for state in queue.store.list_runs():
        if process_alive(state):
            os.kill(state["pid"], signal.SIGKILL)


@pytest.fixture
def queue(cold_queue, monkeypatch, warm):
    """A queue whose workers are split off from the warm process."""
    monkeypatch.setattr(RunQueue, "_spawn", lambda _, run: warm.worker(run))
    return cold_queue


@pytest.fixture(scope="module")
def rows():
    return demo_rows("shared_forget")[:3], demo_rows("shared_retain")[:3]


@pytest.fixture(scope="module")
def scored(tiny_folder, rows):
    """A table of made-up scores over the tokens that the tiny model's tokenizer gives, and its mask."""
    from transformers import AutoTokenizer

    from tokenunlearn.text.encoding import encode

    tokenizer = AutoTokenizer.from_pretrained(tiny_folder)
    lines = []
    for row in rows[0]:
        for position, (start, end) in enumerate(encode(tokenizer, row.question, row.answer).answer_offsets):
            lines.append((row.id, position, position, row.answer[start:end], start, end, position))
    names = ["row_id", "position", "token_id", "token", "char_start", "char_end", "word_id"]
    table = pd.DataFrame(lines, columns=names)
    for name in ("is_subject", "is_stop_word", "is_punctuation"):
        table[name] = False
    generator = np.random.default_rng(3)
    for name in ("gold", "random_key", "knowledge_swap", "entropy"):
        table[name] = generator.random(len(table)).round() if name == "gold" else generator.random(len(table))
    columns = {
        "row": pd.factorize(table["row_id"])[0],
        "word": table["word_id"].to_numpy(),
        "subject": np.zeros(len(table), dtype=bool),
        "stop": np.zeros(len(table), dtype=bool),
        "punctuation": np.zeros(len(table), dtype=bool),
        **{name: table[name].to_numpy() for name in ("gold", "random_key", "knowledge_swap", "entropy")},
    }
    return table, make_mask(columns, Rule(fraction=0.3), scores_id="made-up")


def config(tiny_folder, rows):
    return {
        "model": str(tiny_folder), "precision": "fp32",
        "forget": [row_to_dict(row) for row in rows[0]], "retain": [row_to_dict(row) for row in rows[1]],
        "world": [], "probes": {"max_new_tokens": 4, "paraphrases": 1, "truth_ratio": False},
        "training": {"steps": STEPS, "forget_batch": 2, "retain_batch": 2, "retain_bound": 20.0, "rank": 2},
    }  # fmt: skip


def wait(queue, run_id, condition, seconds=120):
    deadline = time.time() + seconds
    while time.time() < deadline:
        state = queue.store.state(run_id)
        if condition(state):
            return state
        assert state["state"] != "failed", state["message"]
        time.sleep(0.02)
    raise AssertionError(f"{state}\n{(queue.store.path(run_id) / 'log.txt').read_text()}")


def ended(name):
    return lambda state: state["state"] == name


def test_killed_and_paused_runs_resume_to_the_straight_result(queue, tiny_folder, rows, scored):
    table, mask = scored
    straight = queue.start_run(config(tiny_folder, rows), mask, table)
    state = wait(queue, straight, ended("finished"))
    assert (state["step"], state["steps"], state["mask_hash"]) == (STEPS, STEPS, mask.hash)

    broken = queue.start_run(config(tiny_folder, rows), mask, table)
    wait(queue, broken, lambda state: state["step"] >= 2 or state["state"] == "finished")
    os.kill(queue.store.state(broken)["pid"], signal.SIGKILL)
    interrupted = wait(queue, broken, ended("interrupted"), seconds=5)
    assert 0 < interrupted["step"] < STEPS and "Resume" in buttons(interrupted)
    queue.resume(broken)
    wait(queue, broken, lambda state: state["state"] == "running" and state["step"] > interrupted["step"])
    queue.request(broken, "pause")
    paused = wait(queue, broken, lambda state: state["state"] in ("paused", "finished"))
    if paused["state"] == "paused":
        queue.resume(broken)
    wait(queue, broken, ended("finished"))

    same_result(queue, straight, queue, broken)
    assert not (queue.store.path(straight) / "checkpoint").exists()


def same_result(queue, straight, other_queue, other):
    """Two runs have left the same weights, told the same losses, and were probed alike."""
    stores = ((queue.store, straight), (other_queue.store, other))
    files = [store.path(run_id) for store, run_id in stores]
    for name in ("adapter/adapter_model.safetensors", "adapter/adapter_config.json"):
        assert (files[0] / name).read_bytes() == (files[1] / name).read_bytes(), name
    losses = []
    for store, run_id in stores:
        events = curve(store.events(run_id)[0])
        losses.append([(event.step, event.loss) for event in events if isinstance(event, StepDone)])
    assert losses[0] == losses[1] and [step for step, _ in losses[0]] == list(range(1, STEPS + 1))
    reports = [json.loads((file / "probes.json").read_text()) for file in files]
    assert reports[0] == reports[1]


def test_a_run_whose_disk_fills_up_pauses_and_ends_as_a_straight_one(
    queue, tiny_folder, rows, scored, tmp_path
):
    with small_disk_at(tmp_path / "disk", "16m") as place:
        filled = RunQueue(RunStore(place / "runs"))
        straight = queue.start_run(config(tiny_folder, rows), scored[1], scored[0])
        broken = filled.start_run(config(tiny_folder, rows), scored[1], scored[0])
        fill(place, leave=2_000_000)  # so that the rest takes no time
        wait(filled, broken, lambda state: state["step"] >= 2 or state["state"] == "finished")
        rest = fill(place)
        paused = wait(filled, broken, lambda state: state["state"] in ("paused", "finished"))
        assert paused["state"] == "paused" and 0 < paused["step"] < STEPS, paused
        assert paused["message"].startswith("The disk is full: No space left on device")
        rest.unlink()
        filled.resume(broken)
        wait(filled, broken, ended("finished"))
        wait(queue, straight, ended("finished"))
        same_result(queue, straight, filled, broken)


def test_stop_leaves_an_adapter_that_plain_peft_loads(cold_queue, tiny_folder, rows, scored):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    long = config(tiny_folder, rows)
    long["training"] |= {"steps": 2000, "eval_every": 1}
    run_id = cold_queue.start_run(long, scored[1], scored[0])
    wait(cold_queue, run_id, lambda state: state["step"] >= 2)
    cold_queue.request(run_id, "stop")
    state = wait(cold_queue, run_id, ended("kept"))
    assert 2 <= state["saved_step"] == state["step"] < 2000
    base = AutoModelForCausalLM.from_pretrained(tiny_folder)
    model = PeftModel.from_pretrained(base, cold_queue.store.path(run_id) / "adapter")
    trained = [value for name, value in model.named_parameters() if "lora_B" in name]
    assert trained and any(bool(value.any()) for value in trained)
    report = cold_queue.store.read_json(run_id, "probes.json")
    assert report["after"]["summary"]["retain"] is not None and report["changes"]
    looks = [event for event in cold_queue.store.events(run_id)[0] if isinstance(event, EvalDone)]
    assert looks and all(event.answer_id in (None, rows[0][0].id) for event in looks)


def test_a_mask_that_the_page_did_not_show_is_refused_before_the_model_loads(
    queue, tiny_folder, rows, scored
):
    run_id = queue.start_run(config(tiny_folder, rows), scored[1], scored[0])
    queue.discard(run_id)
    active = queue.store.create({})
    queue.store.change(active, state="running", pid=os.getpid(), heartbeat=time.time())
    run_id = queue.start_run(config(tiny_folder, rows), scored[1], scored[0])
    changed = queue.store.config(run_id) | {"mask_hash": "0" * 64}
    queue.store.write_json(run_id, "config.json", changed)
    queue.store.change(active, state="finished")
    queue.advance()
    deadline = time.time() + 60
    while (state := queue.store.state(run_id))["state"] != "failed":
        assert time.time() < deadline
        time.sleep(0.1)
    assert "the page showed 000000000000" in state["message"]
    assert not (queue.store.path(run_id) / "adapter").exists()
