"""A run's probes.json becomes the Probe tab: numbers, answers side by side, probabilities per token."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from app.words import no_results
from tokenunlearn.probes import PROBES


def labels() -> list[dict[str, str]]:
    """Name, wanted direction and help of each figure, in the order shown."""
    arrows = {"down": "↓", "up": "↑"}
    return [
        {
            "key": name,
            "label": f"{probe.label[:1].upper()}{probe.label[1:]} {arrows[probe.wanted]}",
            "wanted": probe.wanted,
            "help": probe.help,
        }
        for name, probe in PROBES.items()
    ]


def probe_value(
    run: Mapping[str, Any], config: Mapping[str, Any], probes: Mapping[str, Any] | None
) -> dict[str, Any]:
    """What the Probe tab shows of one run; `probes` is its probes.json, None before there is one."""
    before, after = (probes or {}).get("before"), (probes or {}).get("after")
    if not before:
        return {"run": dict(run), "answers": [], "empty": no_results(run)}
    gold = {
        row["id"]: row.get("gold") or [] for row in config.get("forget") or () if isinstance(row, Mapping)
    }
    said = {_key(line): line for line in (after or {}).get("answers", ())}
    answers = [
        {
            **{name: line[name] for name in ("row_id", "kind", "question", "expected")},
            "gold": [list(span) for span in gold.get(line["row_id"], ())],
            "before": _side(line),
            "after": _side(said[_key(line)]) if _key(line) in said else None,
        }
        for line in before["answers"]
    ]
    return {
        "run": dict(run),
        "empty": "",
        "labels": labels(),
        "summary": {"before": before["summary"], "after": (after or {}).get("summary")},
        "answers": answers,
        "tokens": token_changes(before, after) if after else {},
    }


def token_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, dict[str, list[Any]]]:
    """Probabilities of each taught answer's tokens before and after, by `kind/row_id`.

    Rows that the two models cut differently are left out: their tokens cannot be set against each other.
    """
    later = {(line["kind"], line["row_id"]): line for line in after["tokens"]}
    changes = {}
    for line in before["tokens"]:
        other = later.get((line["kind"], line["row_id"]))
        if other is None or any(line[name] != other[name] for name in ("starts", "ends")):
            continue
        changes[f"{line['kind']}/{line['row_id']}"] = {
            "starts": line["starts"],
            "ends": line["ends"],
            "before": np.exp(np.array(line["log_probs"], dtype=float)).round(4).tolist(),
            "after": np.exp(np.array(other["log_probs"], dtype=float)).round(4).tolist(),
        }
    return changes


def _key(line: Mapping[str, Any]) -> tuple[str, str, str]:
    return line["kind"], line["row_id"], line["question"]


def _side(line: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "answer": line["answer"],
        "badge": line.get("badge") or "changed",
        "rouge_l": line["rouge_l"],
        "fact_joint": line["fact_joint"],
    }
