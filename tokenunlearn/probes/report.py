"""A Report: everything the probes say about one model, as JSON; and what changed between two of them.

1. Gather what the probes need.  2. Ask the model: one call for log-probs, one for greedy answers, one for
answers that are begun for it; and the base beneath it, how likely the greedy ones are.  3. Measure.  4. Write
NaN as None, "not measured".
"""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import numpy as np

from tokenunlearn.data.rows import FORGET
from tokenunlearn.data.splits import Splits
from tokenunlearn.figures import is_figure
from tokenunlearn.metrics.facts import word_probabilities
from tokenunlearn.metrics.fluency import garbled_below
from tokenunlearn.models.language_model import HasBase, LanguageModel, TokenLogProbs
from tokenunlearn.probes import PROBES, transcript
from tokenunlearn.probes.badges import (
    PART,
    WHOLE,
    Asked,
    Said,
    badge,
    held,
    is_degenerate,
    knows,
    likely,
)
from tokenunlearn.probes.evidence import (
    Evidence,
    ProbeSettings,
    Told,
    collect,
    continued,
    judged,
    silent,
)
from tokenunlearn.probes.readings import Again, counted, gone_words, reworded

Report = dict[str, Any]

FACT_GIVEN: Final = (
    "Fact: how likely it is when the taught words before it are given. The answer is the model's own"
)


def probe_report(
    model: LanguageModel, rows: Splits, settings: ProbeSettings | None = None, told: Told = silent
) -> Report:
    """Return the Report of `model` on the rows of each split, ready for JSON; None = not measured.

    Keys: `summary` (the names of PROBES), `answers`, `tokens`, `by_row` (the values of each probe by row id),
    `judge` (whose fluency it is: the base's id, None without one), `longest_answer` (how many tokens an
    answer could have). Badges that need the answers from before are filled by `with_badges`. `told` hears
    which of its phases begins. Raises InputError where two rows of a split have one id.
    """
    rows.refuse_one_id_twice()
    settings = settings or ProbeSettings()
    asking = [transcript.asks, *(probe.asks for probe in PROBES.values())]
    asked = [asks(rows, settings) for asks in asking]
    log_probs, written, longest = collect(
        model, asked, settings.max_new_tokens, transcript.taught(rows), told
    )
    said = {question: each.text for question, each in written.items()}
    told(f"judging {len(said):,} answers")
    more = continued(model, asked, longest)
    cut = {question for question, each in written.items() if each.cut}
    under_base, unjudged = judged(model, (*said.items(), *transcript.known_facts(rows, log_probs)))
    evidence = Evidence(rows, log_probs, said, settings, under_base, more, cut)
    by_row = {name: dict(probe.by_row(evidence)) for name, probe in PROBES.items()}
    lines = _plain(transcript.answer_lines(evidence))
    return _plain(
        {
            "summary": {name: probe.over_rows(list(by_row[name].values())) for name, probe in PROBES.items()},
            "answers": [line | {"badge": _badge(line)} for line in lines],
            "tokens": transcript.token_lines(evidence),
            "by_row": by_row,
            "judge": model.base_id() if isinstance(model, HasBase) and evidence.under_base else None,
            "longest_answer": longest,
            "unjudged": unjudged,
        }
    )


def unjudged_words(report: Mapping[str, Any]) -> str:
    """Return why no answer of a Report has a fluency, where its judge was lost; "" elsewhere."""
    why = report.get("unjudged")
    return f"Fluency is not measured: {why}" if why else ""


def summary_of(model: LanguageModel, rows: Splits, names: Collection[str]) -> dict[str, float | None]:
    """Return some figures of a Report's summary, asking for no more than they need."""
    settings = ProbeSettings()
    probes = {name: PROBES[name] for name in names}
    log_probs, said, _ = collect(model, [each.asks(rows, settings) for each in probes.values()], None)
    evidence = Evidence(rows, log_probs, {question: each.text for question, each in said.items()}, settings)
    return {
        name: _plain(each.over_rows(list(each.by_row(evidence).values()))) for name, each in probes.items()
    }


def with_badges(before: Report, after: Report, bound: float | None = None) -> Report:
    """Return a copy of `after` with a badge on each answer, judged against `before`, and *garbled*'s bound.

    Beside it stands how much of the fact the text holds (`holds`). One to a forget question has besides what
    other wordings of it say, and which words of its fact are gone (`reworded`, `gone_words`: readings.py).
    `garbled_below`: that bound in nats per token, None where it cannot be known; `bound` where that is given.
    An answer whose question `before` does not hold gets the badge that it has by itself. Reports of older
    versions get the badges of this one; their answers have no fluency. Where another base judged `before`,
    the fluency of `after` cannot be held against it, and is not measured.
    """
    if before.get("judge") != after.get("judge"):
        answers = [line | {"fluency": None} for line in after["answers"]]
        after = after | {"answers": answers, "summary": after["summary"] | {"fluency": None}}
    earlier = {_key(line): line for line in before["answers"]}
    bound = fluency_bound(before) if bound is None else bound
    lines = [_judged(line, earlier.get(_key(line)), bound) for line in after["answers"]]
    others: dict[str, list[Again]] = {}
    for line in lines:
        if line["kind"] == transcript.PARAPHRASE:
            others.setdefault(line["row_id"], []).append(_again(line, earlier.get(_key(line))))
    was, now = ((report.get("by_row") or {}).get("paraphrased") or {} for report in (before, after))
    words = [*(_fact_words(report) for report in (before, after)), _base_words(before)]
    for line in lines:
        if line["kind"] == FORGET:
            row = line["row_id"]
            line["reworded"] = reworded(others.get(row, []), was.get(row), now.get(row))
            line["gone_words"] = gone_words(*(each.get(row) for each in words))
    return after | {"answers": lines, "garbled_below": bound}


def _judged(line: Mapping[str, Any], before: Mapping[str, Any] | None, bound: float | None) -> dict[str, Any]:
    """Return an answer with its badge, and how much of the fact its text holds."""
    return {**line, "badge": _badge(line, before, bound), "holds": held(_asked(line), line["answer"])}


def _again(line: Mapping[str, Any], before: Mapping[str, Any] | None) -> Again:
    known = before is not None and knows(_asked(before), _said(before))
    return Again(line["badge"], line["holds"], known)


def _fact_words(report: Report) -> dict[str, Sequence[Sequence[Any]]]:
    """Return the words of each fact with their probabilities by row id.

    A file of an older version has only the tokens: there the fact is looked for in the taught answer.
    """
    found = {}
    tokens = {line["row_id"]: line for line in report.get("tokens") or () if line["kind"] == FORGET}
    for line in report["answers"]:
        row = line["row_id"]
        if line["kind"] != FORGET:
            continue
        if "fact_words" in line:
            found[row] = line["fact_words"]
        elif row in tokens and line.get("facts") and None not in tokens[row]["log_probs"]:
            columns = TokenLogProbs(*(tokens[row][name] for name in ("log_probs", "starts", "ends")))
            places = [(line["expected"].find(fact), fact) for fact in line["facts"]]
            gold = [(start, start + len(fact)) for start, fact in places if start >= 0]
            found[row] = word_probabilities(line["expected"], columns, gold)
    return found


def _base_words(report: Report) -> dict[str, Sequence[Sequence[Any]]]:
    """Return the words of each fact with their probabilities under the untouched base, where read."""
    lines = (line for line in report["answers"] if line["kind"] == FORGET)
    return {line["row_id"]: line["base_words"] for line in lines if line.get("base_words")}


def fact_said(line: Mapping[str, Any]) -> str:
    """Return what has to be said behind the probability of an answer's fact, where the two disagree, else "".

    The probability is that of the fact behind the taught words (`FACT_GIVEN`); the answer is begun otherwise.
    """
    if line.get("fact_joint") is None:
        return ""
    holds, known = held(_asked(line), line["answer"]), likely(line["fact_joint"])
    if known and holds != WHOLE:
        says = "says only a part of it" if holds == PART else "does not say it"
        return f"likely when the taught words before it are given, but the answer {says}"
    if holds == WHOLE and not known:
        return "unlikely behind the taught words, but the answer says it in others"
    return ""


def fluency_said(line: Mapping[str, Any]) -> str:
    """Return what has to be said behind the fluency of an answer whose text is garbled, else ""."""
    garbled = line.get("fluency") is not None and is_degenerate(line["answer"])
    return "no gain: the text loops or is broken" if garbled else ""


def badge_counts(before: Report, after: Report, kind: str = FORGET) -> dict[str, int]:
    """Return how many answers of a kind have each reading, judged against `before` (readings.py).

    `after` whole, with the answers to other wordings and the values by row: a reading is of all of it.
    """
    return counts_of(with_badges(before, after), kind)


def counts_of(judged: Mapping[str, Any], kind: str = FORGET) -> dict[str, int]:
    """Return how many answers of a kind have each reading, of a report that has its badges."""
    return counted(line for line in judged["answers"] if line["kind"] == kind)


def report_fault(value: Any) -> str:
    """Return why a parsed JSON file cannot stand as the Report from before; "" when it can."""
    lines = value.get("answers") if isinstance(value, dict) else None
    if not isinstance(lines, list):
        return "It has no answers"
    for number, line in enumerate(lines, 1):
        if not isinstance(line, dict):
            return f"Answer {number} is not an object"
        for name in ("kind", "row_id", "question", "answer"):
            if not isinstance(line.get(name), str):
                return f"Answer {number} has no {name}"
        facts = line.get("facts") or []
        if not isinstance(facts, list) or not all(isinstance(each, str) for each in facts):
            return f"The facts of answer {number} are no texts"
        for name in ("fact_joint", "fluency"):
            figure = line.get(name)
            if not is_figure(figure) or (figure is not None and not math.isfinite(figure)):
                return f"The {name} of answer {number} is not a number"
    return ""


def fluency_bound(before: Report) -> float | None:
    """Return the fluency below which an answer is garbled, by the answers of `before` that state their fact.

    Real-world answers are left out: many are a single name. None where none has a fluency.
    """
    good = [line for line in before["answers"] if line["kind"] != "world" and line.get("stated")]
    return garbled_below([line["fluency"] for line in good if line.get("fluency") is not None])


def _badge(
    line: Mapping[str, Any], before: Mapping[str, Any] | None = None, bound: float | None = None
) -> str | None:
    return badge(_asked(line), _said(line), _said(before) if before is not None else None, bound)


def _asked(line: Mapping[str, Any]) -> Asked:
    return Asked(line["question"], line["expected"], line.get("facts") or ())


def _said(line: Mapping[str, Any]) -> Said:
    return Said(line["answer"], line.get("fact_joint"), line.get("fluency"), bool(line.get("cut")))


def compare_reports(before: Report, after: Report) -> list[dict[str, Any]]:
    """Return what changed, one record per question that both Reports hold, in the order of `after`.

    Keys: `row_id, kind, question, expected, before, after` (the two answers), `badge`, `fluency` (of the
    second), `rouge_l_change`, `fact_joint_change` (after - before), and `tokens`: `starts, ends, before,
    after` (token probabilities of the taught answer), None for a paraphrase or where the two models cut the
    answer differently.
    """
    earlier = {_key(line): line for line in before["answers"]}
    tokens_before, tokens_after = _token_columns(before), _token_columns(after)
    changes = []
    for line in with_badges(before, after)["answers"]:
        known = earlier.get(_key(line))
        if known is None:
            continue
        place = (line["kind"], line["row_id"])
        changes.append(
            {name: line[name] for name in ("row_id", "kind", "question", "expected", "badge")}
            | {
                "before": known["answer"],
                "after": line["answer"],
                "fluency": line.get("fluency"),
                "rouge_l_change": _difference(known["rouge_l"], line["rouge_l"]),
                "fact_joint_change": _difference(known["fact_joint"], line["fact_joint"]),
                "tokens": _token_change(tokens_before.get(place), tokens_after.get(place)),
            }
        )
    return changes


def _key(line: Mapping[str, Any]) -> tuple[str, str, str]:
    return line["kind"], line["row_id"], line["question"]


def _token_columns(report: Report) -> dict[tuple[str, str], Mapping[str, Any]]:
    return {(line["kind"], line["row_id"]): line for line in report["tokens"]}


def _token_change(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> dict[str, list[Any]] | None:
    if before is None or after is None:
        return None
    if any(before[name] != after[name] for name in ("starts", "ends")):
        return None
    probabilities = {
        name: np.exp(np.asarray(line["log_probs"], dtype=np.float64)).tolist()
        for name, line in (("before", before), ("after", after))
    }
    return _plain({"starts": after["starts"], "ends": after["ends"]} | probabilities)


def _difference(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before


def _plain(value: Any) -> Any:
    """Return the same structure with None for every number that JSON does not know."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
