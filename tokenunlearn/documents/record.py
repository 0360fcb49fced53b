"""A report as a record: everything that its page and its JSON say, and nothing that they do not.

The page is written from this record alone (`report_page.py`), so that a figure is the same in both. A number
that was not measured is None. Sentences of verdicts and notes are those of the command line and the page.
"""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from tokenunlearn import __version__
from tokenunlearn.data.rows import FORGET, RETAIN, WORLD
from tokenunlearn.documents.heatmap import Answer, Heatmap, Scored, heatmap
from tokenunlearn.documents.heatmap_table import json_record
from tokenunlearn.documents.limits import limits
from tokenunlearn.documents.safe_text import escaped
from tokenunlearn.documents.series import interval_of
from tokenunlearn.documents.sources import SPLIT_WORDS, Beside, Source
from tokenunlearn.documents.summary import badges_of, report_of_arm, sweep_view, unfinished_words
from tokenunlearn.documents.words import (
    listed,
    rows_words,
    rule_words,
    scaled_words,
    seeds_words,
    whole_rule_words,
)
from tokenunlearn.experiments.arms import CHOSEN, Arm, arm_words, facts_among, weights_by_row
from tokenunlearn.experiments.moments import LAST, MOMENTS
from tokenunlearn.experiments.planned import Plan
from tokenunlearn.experiments.response import Response, responses
from tokenunlearn.experiments.results import BEFORE, EACH_AT_DEFAULT, how_measured, longest_of, start_of
from tokenunlearn.experiments.runner import ArmResult
from tokenunlearn.experiments.series import FUSED, place_of
from tokenunlearn.experiments.verdict import Finding, arm_method, findings, method_words
from tokenunlearn.masks import columns_from_table
from tokenunlearn.metrics.attribution import signal_report
from tokenunlearn.objectives import OBJECTIVES, RETAINS
from tokenunlearn.probes import COMPARED, PROBES, Probe
from tokenunlearn.probes.depth_words import layer_means
from tokenunlearn.probes.kept import KEPT, KEPT_OF, with_kept
from tokenunlearn.probes.left import left_said
from tokenunlearn.probes.readings import READINGS, gone_said, in_order, is_success, line_words
from tokenunlearn.probes.report import (
    badge_counts,
    counts_of,
    fact_said,
    fluency_bound,
    fluency_said,
    with_badges,
)
from tokenunlearn.probes.transcript import PARAPHRASE, length_words
from tokenunlearn.rivals import RIVALS
from tokenunlearn.selection import Rule, count_selected
from tokenunlearn.settings import describe
from tokenunlearn.signals import SIGNALS
from tokenunlearn.training.origin import FILES, hash_of, name_of

FORMAT: Final = "tokenunlearn report"
VERSION: Final = 1
MOST_LETTERS: Final = 1_000_000  # of one heatmap, as HTML
OF_EACH_TOKEN: Final = 330  # letters of HTML round a token
OF_EACH_BADGE: Final = 3  # answers shown
KEPT_ANSWERS: Final = 3
ONE_SEED: Final = "This is one run of one seed: it shows nothing about others"
ALONE: Final = ", and no control stands beside it."
WITH_OTHERS: Final = ", nor do the runs beside it, which are one each."
FOUND: Final = (  # what is said of a signal
    *("auroc", "auroc_low", "auroc_high"),
    *("precision_at_gold", "precision_at_gold_low", "precision_at_gold_high", "rows"),
)
RULE_SETTINGS: Final = tuple(info.name for info in describe(Rule))


@dataclass(frozen=True, eq=False)
class Report:
    """A report: its record, ready for JSON, and the heatmaps, whose numbers the record has as well."""

    record: Mapping[str, Any]
    heatmaps: tuple[Heatmap, ...]


def report_of(source: Source, command: str, made: str) -> Report:
    """Return the report of what was measured. `command` made it, at the moment `made`."""
    maps, rows_left_out = _heatmaps(source)
    measured = _of_probes(source) if source.probes is not None else _of_results(source)
    record = {
        "format": FORMAT,
        "version": VERSION,
        "title": source.name,
        "remark": source.remark,
        **measured,
        "data": [_rows_said(source, name) for name in SPLIT_WORDS],
        "world_kept": _world_kept(source),
        "model": {name: str(source.origin.get(name) or "") for name in ("model", "adapter", "precision")},
        "training": _training(source),
        "mask": _mask(source),
        "no_mask": "" if source.mask is not None else _no_mask(source),
        "tokens": json.loads(json_record(maps[0])) if maps else None,
        "rows_without_heatmap": rows_left_out,
        "signals": _signals(source),
        "attacks": [{name: each.get(name) for name in ("label", "says")} for each in source.attacks],
        "depth": source.depth and {**source.depth, "layers": layer_means(source.depth)},
        "versions": {
            **source.versions,
            "measured by": str(source.origin.get("code") or "not recorded"),
            "report by": f"tokenunlearn {__version__}",
        },
        "commands": [*source.commands, command],
        "made": made,
    }
    return Report(_plain({**record, "limits": limits(record)}), maps)


def report_json(report: Report) -> str:
    """Return the record as the text of a JSON file."""
    return json.dumps(report.record, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _of_results(source: Source) -> dict[str, Any]:
    """Return what a comparison measured: verdicts, arms, differences, series, answers."""
    results = source.results
    view = sweep_view(results, source.events, source.plan)
    controls = [name for name in dict.fromkeys(each.arm for each in results) if name not in (BEFORE, CHOSEN)]
    named = [f"“{arm_words(name)}”" for name in controls if place_of(name) is None]
    by_arm = _seeds_by_arm(results)
    rows = rows_words(_rows_said(source, FORGET)["rows"] or len(source.texts))
    question = f"Are the chosen tokens forgotten further, or is more kept, than with {listed(named)}?"
    return {
        "kind": "comparison",
        "asked": question if named else "What do the chosen tokens do, over seeds?",
        "how": f"{rows} to forget, {_seeds_words(by_arm)}, all else the same. "
        f"{how_measured(source.origin, results)}.",
        "unfinished": unfinished_words(results, source.runs, source.standing),
        "planned": view["planned"],
        "verdicts": view["verdicts"],
        "controls": view["controls"],
        "notes": [*source.notes, *view["notes"]],
        "before": view["before"],
        "arms": [line for line in view["lines"] if place_of(line["arm"]) is None],
        "not_yet": [
            {"arm": arm.tokens, "label": arm_method(arm.tokens, arm.method)} for arm in _not_yet(source)
        ],
        "differences": [
            record for moment in MOMENTS for record in _differences(results, moment, source.plan)
        ],
        "series": [
            _series(each, said)
            for each, said in zip(responses(results, source.plan), view["series"], strict=True)
        ],
        "answers": _answers_of_results(results, longest_of(source.origin)),
        "seeds": sorted({seed for own in by_arm.values() for seed in own}),
        "seeds_by_arm": by_arm,
        "figures": _figures(),
    }


def _not_yet(source: Source) -> list[Arm]:
    """Return the arms that were asked for and of which nothing is measured."""
    measured = {each.of for each in source.results if each.summary}
    return list(dict.fromkeys(arm for _, arm in source.runs if arm not in measured))


def _seeds_by_arm(results: Sequence[ArmResult]) -> dict[str, list[int]]:
    """Return the seeds that each arm has figures of; of a series, counted as one arm, those of all of it."""
    found: dict[Arm, set[int]] = {}
    for each in results:
        if each.arm != BEFORE:
            own = found.setdefault(each.of, set())
            own |= {each.seed} if any(value is not None for value in each.summary.values()) else set()
    by_arm: dict[str, set[int]] = {}
    for arm, own in found.items():
        place = place_of(arm.tokens)
        name = arm_method(arm.tokens if place is None else place.series, arm.method)
        by_arm[name] = by_arm.get(name, own) & own
    return {name: sorted(own) for name, own in by_arm.items()}


def _seeds_words(by_arm: Mapping[str, Sequence[int]]) -> str:
    """Return how many seeds there are, of each arm where not all have the same ones."""
    if len(set(map(tuple, by_arm.values()))) == 1:
        return seeds_words(len(next(iter(by_arm.values()))))
    counts = Counter(len(own) for own in by_arm.values())
    if len(counts) == 1:
        return f"{seeds_words(next(iter(counts)))} of each arm, not the same ones"
    told = [
        f"{seeds_words(count)} of {listed([f'“{arm}”' for arm, own in by_arm.items() if len(own) == count])}"
        for count in sorted(counts, reverse=True)
    ]
    return ", ".join(told)


def _of_probes(source: Source) -> dict[str, Any]:
    """Return what one run measured: figures before and after, answers."""
    assert source.probes is not None
    before, after = source.probes["before"], source.probes["after"]
    was, now = with_kept(before["summary"]) or {}, with_kept(after["summary"]) or {}
    figures = [_changed(each, was, now) for each in _figures([*PROBES, KEPT])]
    arm = str(source.origin.get("arm") or "")
    what = RIVALS[arm].label if arm in RIVALS else arm_words(arm) or "every token"
    # The badges of this version, whatever the file has.
    judged = with_badges(before, after)
    return {
        "kind": "run",
        "asked": f"What changed on {rows_words(len(source.texts))} to forget, with “{what}”?",
        "how": f"Seed {source.origin.get('seed')}; measured before the first step and after {source.took}.",
        "unfinished": source.standing,
        "planned": None,
        "verdicts": [],
        "sentence": f"{ONE_SEED}{WITH_OTHERS if source.beside else ALONE}",
        "controls": [],
        "notes": list(source.notes),
        "change": [each for each in figures if each["before"] is not None or each["after"] is not None],
        "left": left_said(before, judged),
        "beside": [_beside(each) for each in source.beside],
        "answers": _answers(before["answers"], judged, what, [], source.longest),
        "seeds": [source.origin.get("seed")],
        "figures": _figures(),
    }


def _beside(run: Beside) -> dict[str, Any]:
    """Return what was measured after a run that was started with the one of the report."""
    return {
        "label": f"{arm_words(run.arm) or 'every token'} ({run.run_id})",
        "after": with_kept(run.after["summary"]) or {},
        "counts": badge_counts(run.before, run.after),
        "left": left_said(run.before, with_badges(run.before, run.after)),
        "facts": run.facts and {"facts": run.facts[0], "of": run.facts[1]},
    }


def _changed(
    figure: Mapping[str, Any], before: Mapping[str, float | None], after: Mapping[str, float | None]
) -> dict[str, Any]:
    """Return a figure with its values before and after, and their difference."""
    was, now = before.get(figure["name"]), after.get(figure["name"])
    change = now - was if was is not None and now is not None else None
    return {**figure, "before": was, "after": now, "change": change}


def _figures(names: Sequence[str] = (*COMPARED, KEPT)) -> list[dict[str, Any]]:
    """Return each figure's name, heading, label, better direction, unit and help."""
    kept = {
        "name": KEPT,
        "label": "kept",
        "heading": "kept ↑",
        "wanted": "up",
        "unit": "probability",
        "help": f"Mean of {listed([PROBES[name].label for name in KEPT_OF])}",
    }
    return [kept if name == KEPT else _figure(PROBES[name], name) for name in names]


def _figure(probe: Probe, name: str) -> dict[str, Any]:
    told = {each: getattr(probe, each) for each in ("label", "wanted", "unit", "help")}
    return {"name": name, "heading": f"{probe.label} {probe.arrow}".rstrip(), **told}


def _differences(results: Sequence[ArmResult], moment: str, plan: Plan | None) -> list[dict[str, Any]]:
    """Return each difference chosen − control that was looked at at a moment; p_value is Holm's."""
    return [_difference(each) for each in findings(results, moment, plan)]


def _difference(found: Finding) -> dict[str, Any]:
    return {
        "moment": found.moment,
        "method": method_words(found.method),
        "arm": found.arm,
        "control": found.control,
        "control_label": arm_words(found.control),
        "probe": found.probe,
        "label": PROBES[found.probe].label,
        "unit": PROBES[found.probe].unit,
        **interval_of(found.comparison),
        "over": found.over,
        "effect": found.comparison.effect,
        "p_value": found.p_value,
        "adjusted_over": found.of,
        "role": found.role,
        "shown": found.shown,
        "better": found.better if np.isfinite(found.comparison.mean) else None,
        "words": found.words,
    }


def _series(response: Response, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return a series in numbers, with what the Compare tab says of it."""
    return {
        "series": response.series,
        **{name: said[name] for name in ("title", "note", "headline")},
        "by": response.by,
        "of": response.of,
        "method": method_words(response.method),
        "before": dict(response.before),
        "points": [
            {
                "arm": point.place.name,
                "label": place,
                "at": point.place.at,
                "tokens": point.tokens,
                "changes": {probe: interval_of(change) for probe, change in point.changes.items()},
            }
            for point, place in zip(response.points, said["places"], strict=True)
        ],
        "ends": [_difference(each) for each in response.ends],
    }


def _answers_of_results(results: Sequence[ArmResult], longest: int) -> dict[str, Any] | None:
    """Return answers of the chosen arm's first seed after the last step, and every arm's badges."""
    start = start_of(results)
    last = [each for each in results if each.moment == LAST and each.answers and place_of(each.arm) is None]
    shown = next((each for each in last if each.arm == CHOSEN), last[0] if last else None)
    if start is None or not start.answers or shown is None:
        return None
    arms = dict.fromkeys(each.of for each in last)
    badges = [
        {
            "arm": arm_method(arm.tokens, arm.method),
            "seeds": sum(each.of == arm for each in last),
            "counts": badges_of(start, [each for each in last if each.of == arm]),
        }
        for arm in arms
    ]
    of = f"{arm_method(shown.arm, shown.method)}, seed {shown.seed}, {shown.moment}"
    judged = with_badges(report_of_arm(start), report_of_arm(shown))
    return _answers(start.answers, judged, of, badges, longest)


def _answers(
    before: Sequence[Mapping[str, Any]],
    after: Mapping[str, Any],
    of: str,
    badges: Sequence[Mapping[str, Any]],
    longest: int | None,
) -> dict[str, Any]:
    """Return a few answers before and after: of each reading the first ones, so that none is hidden.

    `after` has its badges. `longest`: how many tokens an answer could have. `counts`: of the answers to
    forget; `counts_again`: of those to other words of their questions.
    """
    earlier = {_key(line): line for line in before}
    forget = [line for line in after["answers"] if line["kind"] == FORGET]
    picked: list[Mapping[str, Any]] = []
    for words in READINGS:
        picked += [line for line in forget if line_words(line) == words][:OF_EACH_BADGE]
    picked += [line for line in after["answers"] if line["kind"] == RETAIN][:KEPT_ANSWERS]
    again: dict[str, list[Mapping[str, Any]]] = {}
    for line in after["answers"]:
        if line["kind"] == PARAPHRASE:
            again.setdefault(line["row_id"], []).append(line)
    counts = counts_of(after)
    return {
        "of": of,
        "counts": counts,
        "counts_again": counts_of(after, PARAPHRASE) if again else {},
        "asked": len(forget),
        "length": length_words(longest, after["answers"]),
        "garbled_below": fluency_bound({"answers": list(before)}),
        "by_arm": list(badges),
        "readings": in_order([counts, *(each["counts"] or {} for each in badges)]),
        "rows": [
            {
                **_said(line, earlier),
                "again": [_said(each, earlier) for each in again.get(line["row_id"], ())]
                if line["kind"] == FORGET
                else [],
            }
            for line in picked
        ],
    }


def _said(line: Mapping[str, Any], earlier: Mapping[Any, Mapping[str, Any]]) -> dict[str, Any]:
    """Return a question with its answer before and after, and what is read of it."""
    known = earlier.get(_key(line), {})
    return {name: line.get(name) for name in ("kind", "row_id", "question", "expected", "badge")} | {
        "badge_words": line_words(line),
        "success": line["kind"] in (FORGET, PARAPHRASE) and is_success(line),
        "gone": gone_said(line.get("gone_words")),
        "before": known.get("answer"),
        "after": line["answer"],
        "fact_before": known.get("fact_joint"),
        "fact_after": line.get("fact_joint"),
        "cut_before": known.get("cut"),
        "cut_after": line.get("cut"),
        "fluency_before": known.get("fluency"),
        "fluency_after": line.get("fluency"),
        "fact_said_before": fact_said(known) if known else "",
        "fact_said_after": fact_said(line),
        "fluency_said_before": fluency_said(known) if known else "",
        "fluency_said_after": fluency_said(line),
    }


def _key(line: Mapping[str, Any]) -> tuple[str, str, str]:
    return line["kind"], line["row_id"], line["question"]


def _rows_said(source: Source, split: str) -> dict[str, Any]:
    """Return how many rows a split has, and the hash of their content."""
    count, _, digest = str(source.origin.get(SPLIT_WORDS[split]) or "").partition(" rows @")
    return {
        "split": split,
        "label": SPLIT_WORDS[split],
        "rows": int(count) if count.isdecimal() else None,
        "hash": digest,
    }


def _world_kept(source: Source) -> bool:
    """Return whether the facts of the world are rows to keep; an older origin has only hashes of both."""
    if "world_kept" in source.origin:
        return bool(source.origin["world_kept"])
    kept, world = (source.origin.get(SPLIT_WORDS[name]) for name in (RETAIN, WORLD))
    return bool(_rows_said(source, RETAIN)["rows"]) and kept == world


def _training(source: Source) -> dict[str, Any]:
    """Return the settings of training, those of the rule and what has its own place left out."""
    elsewhere = {*RULE_SETTINGS, *SPLIT_WORDS.values()}
    elsewhere |= {"model", "adapter", FILES, "precision", "code", "mask", "arm", "rival"}
    elsewhere |= {"longest_answer", "world_kept"}
    found = {name: value for name, value in source.origin.items() if name not in elsewhere}
    objective = str(found.get("objective") or "")
    retain = str(found.get("retain") or "")
    if objective in OBJECTIVES:
        found["objective"] = OBJECTIVES[objective].label
    if objective == EACH_AT_DEFAULT:  # those of the arms; a file of an older version does not say them
        methods = dict.fromkeys(each.method for each in source.results if each.method)
        known = dict(found.get("objective_settings") or {})
        found["objective_settings"] = {
            method_words(name): known.get(name, "not recorded") for name in methods
        }
    if retain in RETAINS:
        found["retain"] = RETAINS[retain].label
    return found


def _mask(source: Source) -> dict[str, Any] | None:
    """Return the mask: hash, rule in words, equation, counts; None where no rule is known."""
    given = {name: source.origin[name] for name in RULE_SETTINGS if name in source.origin}
    rule = source.mask.rule if source.mask is not None else Rule(**given) if given else None
    if rule is None:
        return None
    labels = {name: {"label": SIGNALS[name].label} for name in rule.signals if name in SIGNALS}
    by = str(source.origin.get("mask") or "not recorded")
    knowledge, entropy = (labels.get(name, {"label": name})["label"] for name in rule.signals)
    found: dict[str, Any] = {
        "chosen_by": name_of(by) if hash_of(by) or not by.startswith("none") else "the rule alone",
        "hash": source.mask.hash if source.mask is not None else hash_of(by) or None,
        "rule": whole_rule_words(rule, labels),
        "short": rule_words(rule),
        "equation": f"φ = {rule.alpha:g}·K̂ + {1 - rule.alpha:g}·Ĥ",
        "alpha": rule.alpha,
        "one_less_alpha": round(1 - rule.alpha, 6),
        "knowledge": knowledge,
        "entropy": entropy,
        "scaled": scaled_words(rule),
        "settings": asdict(rule),
        "counts": None,
        "facts": None,
    }
    if source.mask is None or source.table is None:
        return found
    own = source.table["row_id"].astype(str).isin(source.texts).to_numpy()
    columns = {name: values[own] for name, values in columns_from_table(source.table).items()}
    counts = asdict(count_selected(columns, source.mask.selected[own]))
    names = list(dict.fromkeys(source.table["row_id"].astype(str)))
    empty = [names[row] for row in counts.pop("empty_rows")]
    by_hand = Counter(source.mask.overrides.values())
    facts = facts_among(source.table, weights_by_row(source.table, source.mask.weights))
    return found | {
        "facts": facts and {"facts": facts[0], "of": facts[1]},
        "counts": counts,
        "rows_without_tokens": empty,
        "forced_in": by_hand["in"],
        "forced_out": by_hand["out"],
    }


def _signals(source: Source) -> list[dict[str, Any]]:
    """Return how well each signal of the scores finds the annotated fact, by word, the best first.

    None of it where no fact is annotated or the scores were not kept.
    """
    if source.table is None:
        return []
    table = source.table[source.table["row_id"].astype(str).isin(source.texts)]
    names = [name for name in SIGNALS if name in table and table[name].notna().any()]
    if not names or not (table["gold"] == 1).any():
        return []
    report = signal_report(table, names, granularities=("word",), populations=("all",))
    lines = [
        {"signal": line["signal"], "label": SIGNALS[line["signal"]].label}
        | {name: line[name] for name in FOUND}
        for line in report.to_dict("records")
    ]
    return sorted(lines, key=lambda line: -np.nan_to_num(line["auroc"]))


def _no_mask(source: Source) -> str:
    """Return what was trained where there is no mask."""
    if source.probes is None:
        return "what was trained is not recorded"
    rival = source.origin.get("rival")
    return "a rival trains nothing" if rival else "every token was trained, with weight 1"


def _heatmaps(source: Source) -> tuple[tuple[Heatmap, ...], int]:
    """Return the heatmaps of the fused score and its two signals, and how many rows they leave out."""
    if source.table is None or source.mask is None:
        return (), 0
    table, rule = source.table, source.mask.rule
    ids = table["row_id"].astype(str).to_numpy()
    places = np.flatnonzero(np.isin(ids, list(source.texts)))
    answers, letters = list[Answer](), 0
    for name in dict.fromkeys(ids[places]):
        own = np.flatnonzero(ids == name)
        question, answer = source.texts[name]
        letters += OF_EACH_TOKEN * own.size + len(escaped(name + question + answer))
        if letters > MOST_LETTERS:
            break
        answers.append(Answer(name, question, answer, int(own[0]), own.size))
    columns = {
        **columns_from_table(table),
        "start": table["char_start"].to_numpy(),
        "end": table["char_end"].to_numpy(),
    }
    signals = {
        name: {"label": SIGNALS[name].label, "unit": SIGNALS[name].unit, "family": SIGNALS[name].family}
        for name in columns
        if name in SIGNALS
    }
    facts = {"mask": source.mask.hash, "rule": whole_rule_words(rule, signals)}
    scored = Scored(columns, places, source.mask, signals, facts)
    shares = zip(rule.signals, (rule.alpha, 1 - rule.alpha), strict=True)
    shown = [FUSED, *dict.fromkeys(name for name, share in shares if share > 0 and name in columns)]
    maps = tuple(heatmap(scored, answers, name) for name in shown)
    return maps, len(dict.fromkeys(ids[places])) - len(answers)


def _plain(value: Any) -> Any:
    """Return the same structure in Python's own types, None for every number that JSON does not know."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
