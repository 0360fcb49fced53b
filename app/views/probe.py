"""A run's probes.json becomes the Probe tab: numbers, answers side by side, probabilities per token."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from app.words import no_results
from tokenunlearn.data.rows import RETAIN, WORLD
from tokenunlearn.data.splits import all_among
from tokenunlearn.probes import PROBES
from tokenunlearn.probes.left import forgets, what_is_left, words_gone
from tokenunlearn.probes.readings import gone_said, in_short, is_success, line_words
from tokenunlearn.probes.report import (
    FACT_GIVEN,
    counts_of,
    fact_said,
    fluency_said,
    unjudged_words,
    with_badges,
)
from tokenunlearn.probes.transcript import length_words
from tokenunlearn.runs.run_probes import longest_in

TO_FORGET: Final = ("forget", "paraphrase")
LOST: Final = ("forgot", "partly", "refused")  # of what should have stayed

WORLD_KEPT: Final = {
    "label": "Real world, kept in training",
    "wanted": "",
    "help": "These facts were the rows to keep, as the file has none: they do not show what else was lost",
}


def labels(world_kept: bool = False) -> list[dict[str, str]]:
    """Return the name, wanted direction, unit and help of each figure, in the order shown.

    `world_kept`: the facts of the world were the rows to keep: they say nothing of what was not trained on.
    """
    found = [
        {
            "key": name,
            "label": f"{probe.label[:1].upper()}{probe.label[1:]} {probe.arrow}".rstrip(),
            "wanted": probe.wanted,
            "unit": probe.unit,
            "help": f"{probe.help} Source: {probe.source}.",
        }
        for name, probe in PROBES.items()
    ]
    return [each | WORLD_KEPT if world_kept and each["key"] == "world" else each for each in found]


def probe_value(
    run: Mapping[str, Any], config: Mapping[str, Any], probes: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return what the Probe tab shows of one run; `probes` is its probes.json, None before there is one."""
    before, after = (probes or {}).get("before"), (probes or {}).get("after")
    if not before:
        return {"run": dict(run), "answers": [], "empty": no_results(run)}
    gold = {
        row["id"]: row.get("gold") or [] for row in config.get("forget") or () if isinstance(row, Mapping)
    }
    # The badges of this version, whatever the file has: older ones called broken language forgotten.
    after = with_badges(before, after) if after else None
    said = {_key(line): line for line in (after or {}).get("answers", ())}
    answers = [
        {
            **{name: line[name] for name in ("row_id", "kind", "question", "expected")},
            "gold": [list(span) for span in gold.get(line["row_id"], ())],
            "before": _figures(line),
            "after": _figures(said[_key(line)]) | judged(said[_key(line)]) if _key(line) in said else None,
        }
        for line in before["answers"]
    ]
    return {
        "run": dict(run),
        "empty": "",
        "labels": [
            label
            for label in labels(_world_kept(before))
            if not PROBES[label["key"]].setting or _measured(label["key"], before, after)
        ],
        "summary": {"before": before["summary"], "after": (after or {}).get("summary")},
        "answers": answers,
        "garbled_below": (after or {}).get("garbled_below"),
        "left": what_is_left(before, after) if after else "",
        "gone": words_gone(after) if after else "",
        "forgets": forgets(after) if after else False,
        "counts": {
            kind: in_short(counts_of(after, kind)) for kind in {line["kind"] for line in after["answers"]}
        }
        if after
        else {},
        "notes": " ".join(filter(None, _notes(before, after, config))),
        "tokens": token_changes(before, after) if after else {},
    }


def _notes(
    before: Mapping[str, Any], after: Mapping[str, Any] | None, config: Mapping[str, Any]
) -> Iterator[str]:
    """Yield the sentences under the answers: how long they could be, what was not judged, what *fact* is."""
    shown = after or before
    length = length_words(longest_in(shown, config), shown["answers"])
    yield f"{length}." if length else ""
    yield unjudged_words(shown)
    yield f"{FACT_GIVEN}." if any(_has_fact(line) for line in before["answers"]) else ""


def _has_fact(line: Mapping[str, Any]) -> bool:
    return line.get("fact_joint") is not None


def _measured(name: str, *reports: Mapping[str, Any] | None) -> bool:
    """Return whether a report has this figure: the run's settings may not have asked for it."""
    return any(report is not None and report["summary"].get(name) is not None for report in reports)


def _world_kept(report: Mapping[str, Any]) -> bool:
    """Return whether all facts of the world stand among the rows to keep."""
    asked = (
        [(line["question"], line["expected"]) for line in report["answers"] if line["kind"] == kind]
        for kind in (WORLD, RETAIN)
    )
    return all_among(*asked)


def token_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, dict[str, list[Any]]]:
    """Return the probabilities of each taught answer's tokens before and after, by `kind/row_id`.

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


def _figures(line: Mapping[str, Any]) -> dict[str, Any]:
    figures = {name: line.get(name) for name in ("cut", "fluency", "rouge_l", "fact_joint")}
    return {"answer": line["answer"], **figures, **beside_figures(line)}


def beside_figures(line: Mapping[str, Any]) -> dict[str, str]:
    """Return what has to be said behind the figures of an answer that it does not bear out."""
    return {"fact_said": fact_said(line), "fluency_said": fluency_said(line)}


def judged(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return the badge of an answer after the run, as key, words and tone; and which words of it are gone."""
    return {
        "badge": line["badge"] or "",
        "badge_words": line_words(line),
        "tone": _tone(line),
        "gone": gone_said(line.get("gone_words")),
    }


def _tone(line: Mapping[str, Any]) -> str:
    """Good is fluent forgetting of what was to be forgotten, and nothing else."""
    badge, to_forget = line["badge"], line["kind"] in TO_FORGET
    if badge == "garbled" or (badge in LOST and not to_forget):
        return "bad"
    return "good" if to_forget and is_success(line) else ""
