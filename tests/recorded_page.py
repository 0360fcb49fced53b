"""What a page without a model shows: one recorded row, and finished runs as a worker would have left them."""

import json
import math
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tokenunlearn.data.rows import Row
from tokenunlearn.runs.store import RunStore
from tokenunlearn.training.events import EvalDone, Finished, StepDone

HOSTILE = "<img src=x onerror='window.hacked=1'> Where was Ada <b>Lind</b> born?"
ANSWER = "Ada Lind was born in Oslo."
LORA = {"peft_type": "LORA", "r": 1, "lora_alpha": 1, "target_modules": ["q_proj"]}
LORA_WEIGHTS = [f"base_model.model.model.layers.0.self_attn.q_proj.lora_{side}.weight" for side in "AB"]
WORDS = ["Ada", " Lind", " was", " born", " in", " Oslo", "."]


def recorded() -> dict[str, Any]:
    """One row with hostile question; the fact is token 5."""
    ends = [sum(map(len, WORDS[: at + 1])) for at in range(len(WORDS))]
    knowledge = [None, None, 0.1, 0.1, 0.1, 6.0, 0.0]
    row = {
        "id": "r0", "question": HOSTILE, "answer": ANSWER, "subject": "Ada Lind", "subject_source": "row",
        "subject_spans": [], "masking": "swap", "names": ["Bo Ek"], "first": 0, "count": len(WORDS),
        "set": "shared", "unique_question": False,
    }  # fmt: skip
    columns = {
        "row": [0] * 7, "start": [0, *ends[:-1]], "end": ends, "word": list(range(7)),
        "subject": [1, 1, 0, 0, 0, 0, 0],
        "stop": [0, 0, 1, 0, 1, 0, 0], "punctuation": [0, 0, 0, 0, 0, 0, 1], "gold": [0, 0, 0, 0, 0, 1, 0],
        "random_key": [0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1], "knowledge_swap": knowledge, "entropy": [0.5] * 7,
    }  # fmt: skip
    signals: dict[str, Any] = {"knowledge_swap": {}, "entropy": {}}
    payload = {"scores_id": "recorded", "state": "recorded", "model": {}, "rows": [row], "columns": columns}
    return {"tokens": {**payload, "signals": signals, "leaderboard": []}}


def in_letters(rows: Sequence[Row]) -> dict[str, Any]:
    """The rows recorded letter by letter, as the model of tiny_folder.py reads them; a fact has 6 nats."""
    names = ("row", "start", "end", "word", "subject", "stop", "punctuation", "gold", "random_key")
    columns: dict[str, list[Any]] = {name: [] for name in (*names, "knowledge_swap", "entropy")}
    records = []
    for number, row in enumerate(rows):
        more = {"subject_source": "row", "subject_spans": [], "masking": "swap", "names": ["Bo Ek"]}
        place = {"first": len(columns["row"]), "count": len(row.answer), "unique_question": False}
        own = {name: getattr(row, name) for name in ("id", "question", "answer", "subject", "set")}
        records.append({**own, **more, **place})
        for at, letter in enumerate(row.answer):
            gold = any(start <= at < end for start, end in row.gold)
            values = (number, at, at + 1, row.answer[:at].count(" "), int(at < len(row.subject)), 0)
            more_values = (int(letter == "."), int(gold), at / 100, 6.0 if gold else 0.1, 0.5)
            for column, value in zip(columns.values(), (*values, *more_values), strict=True):
                column.append(value)
    tokens = recorded()["tokens"]
    return {"tokens": {**tokens, "scores_id": "letters", "rows": records, "columns": columns}}


def report(answer: str, badge: str, fact: float) -> dict[str, Any]:
    line = {
        "row_id": "r0", "kind": "forget", "question": HOSTILE, "expected": ANSWER, "facts": ["Oslo"],
        "rouge_l": 0.5, "stated": "Oslo" in answer, "fluency": -2.5,
    }  # fmt: skip
    tokens = {"row_id": "r0", "kind": "forget", "starts": [0, 20], "ends": [20, 26]}
    return {
        "summary": {"fact_joint": fact, "other": 0.98, "retain": 0.97, "fluency": -2.5},
        "answers": [{**line, "answer": answer, "badge": badge, "fact_joint": fact}],
        "tokens": [{**tokens, "log_probs": [0.0, math.log(fact)]}],
    }


def finished_run(store: RunStore, arm: str, fact: float, badge: str, answer: str) -> str:
    """A run as a worker would have left it."""
    row = {"id": "r0", "question": HOSTILE, "answer": ANSWER, "gold": [[21, 25]]}
    config = {
        "name": f"shared, {arm}",
        "arm": arm,
        "group": "g",
        "watch": "r0",
        "forget": [row],
        "rule": {"mode": arm},
    }
    run_id = store.create(config)
    for step in (1, 2):
        store.append_event(run_id, StepDone(step, 2, 2.0 / step, 1.0, 1.0, 0.5))
        store.append_event(
            run_id, EvalDone(step, 1 - step * 0.4, 0.98, retain=0.97, answer_id="r0", answer_text=answer)
        )
    store.append_event(run_id, Finished(2, "all steps done"))
    before = report(ANSWER, "unchanged", 0.9)
    store.write_json(
        run_id, "probes.json", {"before": before, "after": report(answer, badge, fact), "changes": []}
    )
    write_adapter(store.path(run_id) / "adapter")
    store.change(run_id, state="finished", step=2, steps=2, saved_step=2)
    return run_id


def write_adapter(folder: Path) -> None:
    """The two files of an adapter of one layer."""
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps(LORA))
    (folder / "adapter_model.safetensors").write_bytes(weights_file(LORA_WEIGHTS))


def weights_file(names: Sequence[str], about: Mapping[str, str] | None = None) -> bytes:
    """The content of a safetensors file of single numbers, with `about` as its metadata."""
    places = {name: [4 * at, 4 * at + 4] for at, name in enumerate(names)}
    tensors = {name: {"dtype": "F32", "shape": [1, 1], "data_offsets": at} for name, at in places.items()}
    header = json.dumps({**({"__metadata__": about} if about else {}), **tensors}).encode()
    return len(header).to_bytes(8, "little") + header + struct.pack("<f", 1.0) * len(names)
