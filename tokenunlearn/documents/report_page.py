"""A report as one HTML file: opens offline, runs nothing, loads nothing, and says only what its record says.

Every text is escaped. Every figure stands in a <data> element with its whole value, so that the page can be
held against the record (tests/unit/test_report.py).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from tokenunlearn.documents.depth import depth_table
from tokenunlearn.documents.drawing import Drawing, style, svg
from tokenunlearn.documents.heatmap import Heatmap
from tokenunlearn.documents.heatmap_page import STYLE, drawn
from tokenunlearn.documents.plots import NARROW, plots, slug
from tokenunlearn.documents.record import Report
from tokenunlearn.documents.safe_text import escaped
from tokenunlearn.documents.summary import FLUENCY
from tokenunlearn.documents.words import rows_words, seeds_words
from tokenunlearn.experiments.planned import FEWEST_SEEDS
from tokenunlearn.experiments.verdict import FEWEST_ROWS, LEVEL
from tokenunlearn.metrics.statistics import FEWEST_VALUES, NO_SPREAD
from tokenunlearn.probes.depth_words import LAYER_FIGURES
from tokenunlearn.probes.kept import KEPT
from tokenunlearn.probes.readings import SUCCESS
from tokenunlearn.probes.report import FACT_GIVEN
from tokenunlearn.text.numbers import agreeing_decimals, signed

COMPARED_BY: Final = (
    "figure",
    "verdict",
    "difference",
    "95 % interval",
    "p (Holm)",
    "effect",
    "seeds",
    "rows",
)
FIRST_ROWS: Final = 6  # of the heatmap; the others are folded
FIRST_FACTS: Final = 6  # whose depth is drawn: a picture takes a twentieth of a megabyte
CODE: Final = re.compile("`([^`]+)`")
CODED: Final = r"<code>\1</code>"
LEAST_CHANCE: Final = 0.001
UNKNOWN: Final = '<span class="none">not measured</span>'
REPORT_STYLE: Final = """
body { max-width: 80em; }
h1 { font-size: 1.6em; line-height: 1.25; margin: 0 0 .3em; overflow-wrap: anywhere; }
h2 { margin: 2.6em 0 .6em; padding-top: .9em; border-top: 1px solid var(--line); font-size: 1.2em; }
h3 { margin: 1.8em 0 .4em; font-size: 1em; }
p, li { max-width: 46em; } .legend { max-width: none; } h1 { max-width: 30em; }
h1, .verdict { text-wrap: balance; }
nav { display: flex; flex-wrap: wrap; gap: .2em 1.1em; margin: 1.2em 0 0; font-size: 14px; }
a { color: var(--accent); }
.unfinished { margin: .8em 0; padding: .5em .8em; border: 1px solid var(--bad); border-radius: 6px;
  font-weight: 600; }
.verdict { margin: .8em 0 .2em; padding-left: .8em; border-left: 3px solid var(--accent); font-size: 1.1em;
  font-weight: 600; }
.explored { border-left-color: var(--line); font-size: 1em; }
.note, .none, caption { color: var(--muted); } .none { font-size: .9em; white-space: normal; }
.note { font-size: 14px; }
caption { text-align: left; font-size: 13px; padding-bottom: .4em; }
/* A shadow at each side that hides something: the covers move with the content, the shadows stay. */
.scroll { --edge: light-dark(rgb(26 29 33 / 18%), rgb(0 0 0 / 70%)); overflow-x: auto; margin: .6em 0;
  background: linear-gradient(90deg, var(--page) 50%, transparent) left / 48px 100% no-repeat local,
  linear-gradient(270deg, var(--page) 50%, transparent) right / 48px 100% no-repeat local,
  linear-gradient(90deg, var(--edge), transparent) left / 14px 100% no-repeat scroll,
  linear-gradient(270deg, var(--edge), transparent) right / 14px 100% no-repeat scroll; }
.scroll td, .scroll th { padding-right: 8px; } .scroll:focus-visible { outline: 2px solid var(--accent); }
.scroll table { min-width: 100%; } .scroll td, .scroll th { border-bottom: 1px solid var(--line);
  overflow-wrap: normal; } .scroll td { white-space: nowrap; font-variant-numeric: tabular-nums; }
thead th { vertical-align: bottom; white-space: normal; }
tbody th { white-space: normal; color: inherit; min-width: 9em; }
td small { display: block; color: var(--muted); }
tr.group th { padding-top: 1em; color: var(--ink); font-weight: 600; }
.good { color: var(--good); font-weight: 600; } .bad { color: var(--bad); font-weight: 600; }
figure { margin: 1.2em 0; } figcaption { color: var(--muted); font-size: 13px; }
.facts th { min-width: 11em; } .facts td { word-break: break-word; }
.said { display: grid; grid-template-columns: 1fr 1fr; gap: .2em 1.5em; margin: .3em 0 1.4em; }
.said p { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; } .said .note { margin-bottom: .2em; }
.badge { display: inline-block; border: 1px solid currentColor; border-radius: 1em; padding: 0 .6em;
  font-size: 12px; font-weight: 600; }
.badge.forgot { color: var(--good); } .badge.garbled { color: var(--bad); }
code, pre { font: 13px/1.5 ui-monospace, Menlo, Consolas, "Noto Sans Mono", monospace; }
pre { padding: .8em 1em; border: 1px solid var(--line); border-radius: 6px; white-space: pre-wrap;
  overflow-wrap: anywhere; }
summary { cursor: pointer; margin: .8em 0; color: var(--accent); }
.a { font-size: 1.2em; }
figure svg { min-width: 40em; } figure .scroll { margin: 0; } .narrow { display: none; }
.limits { max-width: 52em; border: 1px solid var(--strong); border-radius: 8px; padding: .2em 1.4em .6em;
  margin-top: 2.6em; }
.limits h2 { border: 0; margin: .6em 0; padding: 0; } .limits li { margin: .5em 0; }
@media screen and (max-width: 40em) { body { padding: 0 1em; } .wide { display: none; }
  .narrow { display: block; } .narrow svg { min-width: 0; width: 100%; height: auto; }
  .said { grid-template-columns: 1fr; }
  .facts th, .facts td { display: block; padding: 0; } .facts td { padding-bottom: .7em; } }
@media print { body { max-width: none; font-size: 10.5pt; } nav { display: none; }
  summary { list-style: none; color: inherit; font-weight: 600; }
  details::details-content { content-visibility: visible; display: block; }
  h2, h3, figcaption { break-after: avoid; } figure, .said, tr, .limits { break-inside: avoid; }
  .scroll { overflow: visible; background: none; }
  .scroll td, .scroll th { padding-right: 5px; font-size: 7pt; }
  tbody th { min-width: 0; }
  .scroll td { white-space: normal; } }
"""


def report_page(report: Report) -> str:
    """Return the whole HTML document."""
    record, drawings = report.record, _drawn(report.record)
    sections = [each for each in _sections(report, drawings) if each[2]]
    links = "".join(f'<a href="#{name}">{escaped(title)}</a>' for name, title, _ in sections)
    body = "\n".join(_section(*each) for each in sections)
    title = escaped(str(record["title"]))
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Report: {title}</title><style>{STYLE}{style()}{REPORT_STYLE}</style></head><body>
<header><p class="note">Report of an unlearning experiment · TokenUnlearn Explorer</p>
<h1>{escaped(record["asked"])}</h1>
<p class="note">{title}: {escaped(record["how"])}</p>
{_note(record["remark"]) if record["remark"] else ""}
{f'<p class="unfinished">{escaped(record["unfinished"])}</p>' if record["unfinished"] else ""}
<nav aria-label="Sections">{links}</nav></header>
<main>
{body}
</main></body></html>
"""


def _drawn(record: Mapping[str, Any]) -> list[tuple[Drawing, Drawing]]:
    """Return each plot as it is wide, and as it is on a phone."""
    narrow = (replace(each, name=f"{each.name}-narrow") for each in plots(record, NARROW))
    return list(zip(plots(record), narrow, strict=True))


def _sections(report: Report, drawings: Sequence[tuple[Drawing, Drawing]]) -> list[tuple[str, str, str]]:
    """Return name, title and content of each section, content "" where there is nothing to say."""
    record = report.record
    one_run = record["kind"] == "run"
    return [
        ("shown", "What is shown", _verdict(record, drawings)),
        ("change", "Before and after", _change(record) if one_run else ""),
        ("data", "Data, model and mask", _data(record)),
        ("tokens", "The tokens", _tokens(report)),
        ("signals", "Does a signal find the fact?", _signals(record)),
        ("arms", "The arms", "" if one_run else _arms(record, drawings)),
        ("differences", "Every difference", "" if one_run else _differences(record)),
        ("series", "How forgetting follows the score", "" if one_run else _series(record, drawings)),
        ("depth", "How deep it was erased", _depth(record, drawings)),
        ("answers", "What the model says", _answers(record)),
        ("notes", "What went otherwise than planned", _list(record["notes"])),
        ("limits", "What this does not prove", _list(record["limits"])),
        ("made", "How it was made", _made(record)),
    ]


def _section(name: str, title: str, content: str) -> str:
    kind = ' class="limits"' if name == "limits" else ""
    head = f'<h2 id="{name}-head">{escaped(title)}</h2>'
    return f'<section id="{name}"{kind} aria-labelledby="{name}-head">\n{head}\n{content}\n</section>'


def _verdict(record: Mapping[str, Any], drawings: Sequence[tuple[Drawing, Drawing]]) -> str:
    if record["kind"] == "run":
        return f'<p class="verdict">{escaped(record["sentence"])}</p>'
    if not record["verdicts"] and not record["planned"]:
        return _note("No control was measured row by row, so nothing can be held against the chosen tokens.")
    parts = _planned(record["planned"]) if record["planned"] else []
    for verdict in record["verdicts"]:
        tone = "verdict explored" if record["planned"] else "verdict"
        parts.append(f'<p class="{tone}">{escaped(verdict["headline"] or verdict["text"])}</p>')
        if verdict["headline"]:
            parts.append(_note(verdict["text"]))
        lines = [_against(each) for each in verdict["against"]]
        parts.append(f"<ul>{''.join(lines)}</ul>" if lines else "")
        parts += _figures(drawings, f"differences-{slug(verdict['moment'])}")
    parts.append("<h3>What each control rules out, where the chosen tokens do better</h3>")
    return "\n".join([*parts, _list(record["controls"])])


def _planned(planned: Mapping[str, Any]) -> list[str]:
    """Return how many of the named comparisons are shown, when they were named, and each of them."""
    lines = (
        f'<li><span class="{_tone(each)}">{escaped(each["text"])}</span></li>' for each in planned["lines"]
    )
    told = [planned["headline"], planned["text"]] if planned["headline"] else [planned["text"], ""]
    return [
        f'<p class="verdict">{escaped(told[0])}</p>',
        _note(told[1]) if told[1] else "",
        f"<ul>{''.join(lines)}</ul>",
    ]


def _tone(line: Mapping[str, Any]) -> str:
    return ("good" if line["better"] else "bad") if line["shown"] else ""


def _against(against: Mapping[str, str]) -> str:
    words = [f"<b>Against {escaped(against['control'])}</b> ({escaped(against['counts'])})."]
    for name, label, tone in (
        ("better", "Better", "good"),
        ("worse", "Worse", "bad"),
        ("open", "Not shown", ""),
    ):
        if against[name]:
            words.append(f'<span class="{tone}">{label}:</span> {escaped(against[name])}.')
    return f"<li>{' '.join(words)}</li>"


def _change(record: Mapping[str, Any]) -> str:
    counts = record["answers"]["counts"]
    garbled = (
        f" ({counts['garbled']} of {sum(counts.values())} answers garbled)" if "garbled" in counts else ""
    )
    rows = [
        [
            _head(each["heading"] + (garbled if each["name"] == FLUENCY else "")),
            *_before_and_after(each),
            _cell(escaped(each["unit"])),
        ]
        for each in record["change"]
    ]
    head = ["figure", "before", "after", "change", "unit"]
    table = _table("Every figure before and after the run", head, rows)
    left = "".join(f"<p>{escaped(each)}</p>" for each in record["left"])
    return left + table + _note("↓ lower is better, ↑ higher is better.") + _beside(record)


def _before_and_after(line: Mapping[str, Any]) -> list[str]:
    """Return the cells of a figure before and after and of its change, which add up as they are read."""
    before, after = line["before"], line["after"]
    form = ".3f" if None in (before, after) else f".{agreeing_decimals(before, after)}f"
    cells = [_cell(_number(value, form)) for value in (before, after)]
    return [*cells, _cell(_number(line["change"], form, plus=True))]


def _beside(record: Mapping[str, Any]) -> str:
    """Return the figures after the run beside those of the runs that were started with it."""
    runs = record["beside"]
    if not runs:
        return ""
    rows = [
        [_head(each["heading"]), _cell(_number(each["after"]))]
        + [_cell(_number(run["after"].get(each["name"]))) for run in runs]
        for each in record["change"]
    ]
    own = (record["mask"] or {}).get("facts")
    rows.append(
        [
            _head("answers"),
            *(
                _cell(_badges(each))
                for each in (record["answers"]["counts"], *(run["counts"] for run in runs))
            ),
        ]
    )
    rows.append(
        [
            _head("tokens trained that are the fact"),
            *(_cell(_of_fact(each)) for each in (own, *(run["facts"] for run in runs))),
        ]
    )
    head = ["after the run", record["answers"]["of"], *(run["label"] for run in runs)]
    return _table("What was started with it, one run each: no statistics", head, rows)


def _of_fact(found: Mapping[str, int] | None) -> str:
    """Return how many of the trained tokens are the fact: a control that trains it as well is none."""
    return UNKNOWN if found is None else f"{_whole(found['facts'])} of {_whole(found['of'])}"


def _data(record: Mapping[str, Any]) -> str:
    rows = [
        (each["label"].capitalize(), f"{_count(each['rows'])} <code>{escaped(each['hash'])}</code>")
        for each in record["data"]
    ]
    rows += [
        (name.capitalize(), f"<code>{escaped(value or 'not recorded')}</code>")
        for name, value in record["model"].items()
    ]
    mask = record["mask"]
    if mask is None:
        rows.append(("Mask", escaped(record["no_mask"])))
        return _facts(rows)
    digest = f"<code>{escaped(mask['hash'])}</code>" if mask["hash"] else "not kept beside the measurements"
    rows += [
        ("Mask", digest),
        ("Chosen by", escaped(mask["chosen_by"])),
        ("Rule", escaped(mask["rule"])),
        ("Equation", _equation(mask)),
        ("Tokens", _counts(mask)),
    ]
    return _facts(rows)


def _equation(mask: Mapping[str, Any]) -> str:
    return (
        f"φ = α·K̂ + (1−α)·Ĥ = {_number(mask['alpha'], form='g')}·K̂ + "
        f"{_number(mask['one_less_alpha'], form='g')}·Ĥ<br>K is {escaped(mask['knowledge'])}; "
        f"H is {escaped(mask['entropy'])}; the hat means: {escaped(mask['scaled'])}."
    )


def _counts(mask: Mapping[str, Any]) -> str:
    counts = mask["counts"]
    if counts is None:
        return UNKNOWN
    parts = [
        f"{_whole(counts['tokens'])} of {_whole(counts['of_tokens'])} tokens",
        f"{_whole(counts['words'])} of {_whole(counts['of_words'])} words",
        f"{_whole(counts['gold'])} of {_whole(counts['of_gold'])} gold tokens are chosen",
    ]
    told = [", ".join(parts) + "."]
    if mask["forced_in"] or mask["forced_out"]:
        told.append(f"Overrides: {_whole(mask['forced_in'])} in, {_whole(mask['forced_out'])} out.")
    empty = mask["rows_without_tokens"]
    if empty:
        told.append(f"{rows_words(len(empty))} without a chosen token: {escaped(', '.join(empty))}.")
    return " ".join(told)


def _tokens(report: Report) -> str:
    if report.record["mask"] is None:
        return _note(f"No heatmap: {report.record['no_mask']}.")
    if not report.heatmaps:
        return _note(
            "No heatmap: the scores and the mask were not kept beside the measurements. Give them by "
            "--scores and --mask, or measure with --out, which keeps them."
        )
    first, *others = report.heatmaps
    left_out = report.record["rows_without_heatmap"]
    parts = [drawn(replace(first, rows=first.rows[:FIRST_ROWS]), 3)]
    rest = first.rows[FIRST_ROWS:]
    if rest:
        parts.append(_folded(f"{rows_words(len(rest))} more", drawn(replace(first, rows=rest), 3)))
    parts += [_folded(f"The same rows by {each.label}", drawn(_unnoted(each), 3)) for each in others]
    if left_out:
        parts.append(_note(f"{rows_words(left_out)} more would make the file too large and are left out."))
    return "\n".join(parts)


def _unnoted(shown: Heatmap) -> Heatmap:
    """Return a heatmap without notes: they stand under the first one."""
    rows = [replace(row, pieces=tuple(replace(each, note="") for each in row.pieces)) for row in shown.rows]
    return replace(shown, rows=tuple(rows))


def _signals(record: Mapping[str, Any]) -> str:
    if not record["signals"]:
        return ""
    rows = [
        [
            _head(each["label"]),
            *(_cell(_bounded(each, name)) for name in ("auroc", "precision_at_gold")),
            _cell(_whole(each["rows"])),
        ]
        for each in record["signals"]
    ]
    caption = "Each signal against the annotated fact, by word, names left out; below it the 95 % interval"
    told = (
        "AUROC: how often a word of the fact has a higher value than another word, .5 by chance. P@|gold|: "
        "the share of facts among as many of the highest words. What does not beat random values and a list "
        "of content words has found nothing."
    )
    return _table(caption, ["signal", "AUROC", "P@|gold|", "rows"], rows) + _note(told)


def _bounded(line: Mapping[str, Any], name: str) -> str:
    """Return a figure of a signal with its interval over rows."""
    return _mean([line[name], line[f"{name}_low"], line[f"{name}_high"]])


def _arms(record: Mapping[str, Any], drawings: Sequence[tuple[Drawing, Drawing]]) -> str:
    figures = [each for each in record["figures"] if _is_measured(record, each["name"])]
    names = [each["name"] for each in figures]
    # The answers stand beside the fluency, which a text that repeats itself may raise.
    beside = names.index(FLUENCY) + 1 if FLUENCY in names else len(names)
    head = ["arm", "seeds", *_put_in([each["heading"] for each in figures], beside, "answers")]
    head += ["step", "norm", "tokens trained", "seconds"]
    parts = []
    for moment in dict.fromkeys(line["moment"] for line in record["arms"]):
        rows = []
        if record["before"]:
            start = [_cell(_number(record["before"].get(name))) for name in names]
            own = _put_in(start, beside, _cell(""))
            rows.append([_head("before any step"), _cell(""), *own, *[_cell("")] * 4])
        for line in (each for each in record["arms"] if each["moment"] == moment):
            means = [_cell(_mean_over_seeds(line, name)) for name in names]
            answers = _badges(line["badges"])
            answers += _of_seeds(len(line["answered"]), len(line["seeds"])) if line["badges"] else ""
            own = _put_in(means, beside, _cell(answers))
            costs = [
                _cell(_number(line["costs"][name], form=form))
                for name, form in (("step", ".3g"), ("norm", ".4g"), ("tokens", ",.0f"), ("seconds", ",.0f"))
            ]
            rows.append([_head(line["label"]), _cell(_whole(len(line["seeds"]))), *own, *costs])
        parts.append(f"<h3>{escaped(_begun(moment))}</h3>")
        parts += _figures(drawings, f"kept-{slug(moment)}")
        caption = (
            f"{_begun(moment)}: mean over the seeds, below it the 95 % interval of the mean (none of fewer "
            f"than {FEWEST_VALUES} seeds, or of equal ones), and over how many seeds where not over all"
        )
        parts.append(_table(caption, head, rows))
    kept = next(each["help"] for each in record["figures"] if each["name"] == KEPT)
    told = "↓ lower is better, ↑ higher is better. Norm: of the change of the weights (Frobenius). "
    told += "Answers: those to the forget questions, all seeds together of which they were kept. "
    return "\n".join([*parts, _note(f"{told}Kept: {kept}.")])


def _put_in(cells: Sequence[str], at: int, cell: str) -> list[str]:
    return [*cells[:at], cell, *cells[at:]]


def _mean_over_seeds(line: Mapping[str, Any], name: str) -> str:
    """Return an arm's mean of a figure, with over how many of its seeds it is where not over all."""
    known = sum(value is not None for value in line["values"].get(name, ()))
    return _mean(line["figures"].get(name)) + (_of_seeds(known, len(line["seeds"])) if known else "")


def _of_seeds(known: int, seeds: int) -> str:
    """Return over how many of the seeds a figure is, "" where over all."""
    return f"<small>{_whole(known)} of {seeds_words(seeds)}</small>" if known != seeds else ""


def _badges(counts: Mapping[str, int] | None) -> str:
    """Return how many answers are a success, and below it how many have each other reading."""
    if counts is None:
        return UNKNOWN
    first = f"{_whole(counts[SUCCESS])} {SUCCESS}"
    rest = "; ".join(f"{_whole(count)} {words}" for words, count in counts.items() if words != SUCCESS)
    return first + (f"<small>{rest}</small>" if rest else "")


def _is_measured(record: Mapping[str, Any], name: str) -> bool:
    return any(name in line["figures"] for line in record["arms"])


def _mean(found: Sequence[float | None] | None) -> str:
    if found is None or found[0] is None:
        return UNKNOWN
    mean, low, high = found
    interval = "" if low is None else f"<small>[{_number(low)}, {_number(high)}]</small>"
    return f"{_number(mean)}{interval}"


def _differences(record: Mapping[str, Any]) -> str:
    parts = []
    for moment in dict.fromkeys(each["moment"] for each in record["differences"]):
        rows: list[list[str]] = []
        found = [each for each in record["differences"] if each["moment"] == moment]
        for control in dict.fromkeys((each["control_label"], each["method"]) for each in found):
            method = f", {control[1]}" if control[1] else ""
            rows.append([f'<th colspan="8" scope="rowgroup">against {escaped(control[0] + method)}</th>'])
            own = (each for each in found if (each["control_label"], each["method"]) == control)
            rows += [_difference(each) for each in own]
        parts.append(f"<h3>{escaped(_begun(moment))}</h3>")
        caption = f"{_begun(moment)}: chosen tokens minus the control, over rows and seeds"
        parts.append(_table(caption, COMPARED_BY, rows))
    told = (
        f"Shown: the interval misses 0 and p is below {LEVEL:g}, on {FEWEST_SEEDS} seeds and "
        f"{FEWEST_ROWS} rows or more. p is "
        f"adjusted by Holm over {_family(record['planned'])}. So an interval may miss 0 where nothing is "
        "shown. Effect: the mean difference in standard deviations of a row's difference."
    )
    return "\n".join([*parts, _note(told)]) if parts else ""


def _family(planned: Mapping[str, Any] | None) -> str:
    """Return over what p-values are adjusted."""
    of_all = (
        "as many differences as stand below it, those of all controls that the file holds at that moment: "
        "with more or fewer of them, as after another sitting, the same measurements give another one"
    )
    if planned is None:
        return of_all
    what = f"the comparisons that were named ({planned['when']}: {'; '.join(planned['words'])})"
    return f"{what}, and for all else, which is exploratory, over {of_all}"


def _difference(found: Mapping[str, Any]) -> list[str]:
    name = _head(found["label"] + (f" ({found['unit']})" if found["unit"].startswith("nats") else ""))
    if found["mean"] is None:
        return [name, f'<td colspan="7">{UNKNOWN}</td>']
    low, high, over = found["low"], found["high"], found["over"]
    interval = (
        f"[{_number(low, plus=True)}, {_number(high, plus=True)}]" if low is not None else _no_interval(found)
    )
    words, tone = ("better", "good") if found["better"] else ("worse", "bad")
    verdict = f'<span class="{tone}">shown, {words}</span>' if found["shown"] else "not shown"
    role = f", {found['role']}" if found["role"] else ""
    return [
        name,
        _cell(verdict),
        _cell(_number(found["mean"], plus=True)),
        _cell(interval),
        _cell(f"{_chance(found['p_value'])}<small>over {_whole(found['adjusted_over'])}{role}</small>"),
        _cell(_number(found["effect"], form=".2f", plus=True)),
        _cell(_whole(found["seeds"])),
        _cell(_whole(found["rows"]) + (f"<small>{escaped(over)}</small>" if over else "")),
    ]


def _no_interval(found: Mapping[str, Any]) -> str:
    """Return why a difference has no interval."""
    return f'<span class="none">{NO_SPREAD}</span>' if found["no_spread"] else UNKNOWN


def _series(record: Mapping[str, Any], drawings: Sequence[tuple[Drawing, Drawing]]) -> str:
    parts = []
    for number, series in enumerate(record["series"], 1):
        figures = [each for each in record["figures"] if each["name"] in series["before"]]
        head = ["arm", "seeds", "tokens trained", *(each["heading"] for each in figures)]
        start = [_cell(_number(series["before"][each["name"]])) for each in figures]
        rows = [[_head("value before any step"), _cell(""), _cell(""), *start]]
        for point in series["points"]:
            changes = [point["changes"][each["name"]] for each in figures]
            seeds = max(change["seeds"] for change in changes)
            tokens = _cell(_number(point["tokens"], form=",.0f"))
            own = [
                _cell(_changed(each) + (_of_seeds(each["seeds"], seeds) if each["seeds"] else ""))
                for each in changes
            ]
            rows.append([_head(point["label"]), _cell(_whole(seeds)), tokens, *own])
        parts.append(f"<h3>{escaped(series['title'])}</h3>")
        parts.append(f'<p class="verdict">{escaped(series["headline"])}</p>' if series["headline"] else "")
        parts.append(_note(series["note"]))
        parts += _figures(drawings, f"{series['series']}-{number}")
        caption = f"{series['title']}: change since before any step, below it the 95 % interval"
        parts.append(_table(caption, head, rows))
        if series["ends"]:
            ends = [_difference(each) for each in series["ends"]]
            parts.append(_table(f"{series['title']}: the highest bin minus the lowest", COMPARED_BY, ends))
    return "\n".join(parts)


def _changed(change: Mapping[str, Any]) -> str:
    if change["mean"] is None:
        return UNKNOWN
    low, high = change["low"], change["high"]
    ends = "" if low is None else f"<small>[{_number(low, plus=True)}, {_number(high, plus=True)}]</small>"
    ends = f"<small>{NO_SPREAD}</small>" if change["no_spread"] else ends
    return f"{_number(change['mean'], plus=True)}{ends}"


def _depth(record: Mapping[str, Any], drawings: Sequence[tuple[Drawing, Drawing]]) -> str:
    depth = record["depth"]
    if depth is None:
        return ""
    parts = [_list(depth["says"]), *_figures(drawings, "depth-layers")]
    head = ["layer", *LAYER_FIGURES.values()]
    lines = [
        [_head(str(layer)), *(_cell(_number(line[name])) for name in LAYER_FIGURES)]
        for layer, line in enumerate(depth["layers"], 1)
    ]
    parts.append(_folded("Every layer", _table("Means over the facts, nats a token", head, lines)))
    for number, (row_id, row) in enumerate(list(depth["rows"].items())[:FIRST_FACTS], 1):
        parts.append(f"<h3>{escaped(row_id)}: {escaped(row['question'])}</h3>")
        parts += _figures(drawings, f"depth-fact-{number}")
        head, values = depth_table(row)
        lines = [
            [_head(str(len(values) - at)), *map(_cell, map(_number, line))] for at, line in enumerate(values)
        ]
        caption = "Log-probability of each token of the fact by the logit lens, nats"
        parts.append(_folded("Its numbers", _table(caption, head, lines)))
    left = len(depth["rows"]) - FIRST_FACTS
    if left > 0:
        parts.append(_note(f"{rows_words(left)} more: `report --plots FOLDER` draws them all."))
    return "\n".join(parts)


def _answers(record: Mapping[str, Any]) -> str:
    answers = record["answers"]
    if answers is None:
        return ""
    names = answers["readings"]
    lines = answers["by_arm"] or [{"arm": answers["of"], "seeds": 1, "counts": answers["counts"]}]
    rows = [
        [
            _head(line["arm"]),
            _cell(_whole(line["seeds"])),
            *(
                _cell(UNKNOWN if line["counts"] is None else _whole(line["counts"].get(name, 0)))
                for name in names
            ),
        ]
        for line in lines
    ]
    head = ["arm", "seeds", *names]
    caption = (
        "Answers to the forget questions after the last step, all seeds together of which they were kept"
    )
    parts = [_table(caption, head, rows)]
    if answers["counts_again"]:
        again = (f"{_whole(count)} {words}" for words, count in answers["counts_again"].items() if count)
        parts.append(
            _note(f"Asked in other words ({escaped(answers['of'])}): {'; '.join(again)}.", plain=False)
        )
    if answers["length"]:
        parts.append(_note(f"{answers['length']}."))
    if answers["garbled_below"] is not None:
        parts.append(
            _note(
                "Garbled: empty, looping or broken text, or less fluent than "
                f"{_number(answers['garbled_below'], form='.2f')} nats per token.",
                plain=False,
            )
        )
    if any(line["fact_after"] is not None for line in answers["rows"]):
        parts.append(_note(f"{FACT_GIVEN}."))
    parts.append(f"<h3>{escaped(answers['of'])}: the first answers of each kind</h3>")
    parts += [_said(line) for line in answers["rows"]]
    return "\n".join(parts)


def _said(line: Mapping[str, Any]) -> str:
    kept = "" if line["kind"] == "forget" else " · to keep"
    asked, taught = (f"<bdi>{escaped(line[name])}</bdi>" for name in ("question", "expected"))
    again = "".join(
        f'<p class="note">asked in other words: <bdi>{escaped(each["question"])}</bdi></p>\n{_sides(each)}'
        for each in line["again"]
    )
    return (
        f'<p class="q"><b>{escaped(line["row_id"])}</b>{kept} {asked}</p>\n'
        f'<p class="note">taught: {taught}</p>\n{_sides(line)}{again}'
    )


def _sides(line: Mapping[str, Any]) -> str:
    """Return what was said before and after, side by side."""
    # Forgetting that is not shown whole has the words of that, and not the colour of a success.
    name = line["badge"] if line["success"] or line["badge"] == "garbled" else ""
    badge = f'<span class="badge {escaped(name)}">{escaped(line["badge_words"])}</span>'
    sides = "".join(
        f'<div><p class="note">{name} {badge if name == "after" else ""} {_measured(line, name)}</p>'
        f'<p dir="auto">{escaped(line[name] or "(nothing)")}</p></div>'
        for name in ("before", "after")
    )
    return f'<div class="said">{sides}</div>\n'


def _measured(line: Mapping[str, Any], side: str) -> str:
    fact, fluency = line[f"fact_{side}"], line[f"fluency_{side}"]
    gone = line["gone"] if side == "after" else ""
    parts = [
        [
            f"fact {_number(fact)}" if fact is not None else "",
            escaped(line[f"fact_said_{side}"]),
            escaped(gone),
        ],
        [f"fluency {_number(fluency, form='.2f')}", line[f"fluency_said_{side}"]]
        if fluency is not None
        else [],
        ["cut, no end"] if line[f"cut_{side}"] else [],
    ]
    return " · ".join(filter(None, ("; ".join(filter(None, each)) for each in parts)))


def _made(record: Mapping[str, Any]) -> str:
    training = [
        (name.replace("_", " ").capitalize(), _setting(value)) for name, value in record["training"].items()
    ]
    versions = [(name, escaped(str(value))) for name, value in record["versions"].items()]
    commands = "\n".join(record["commands"])
    return "\n".join(
        [
            "<h3>Commands</h3>",
            _note("In this order; the last one writes this file."),
            f"<pre>{escaped(commands)}</pre>",
            "<h3>Settings of training</h3>",
            _facts(training),
            "<h3>Versions</h3>",
            _facts([*versions, ("Report written", escaped(record["made"]))]),
        ]
    )


def _setting(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{escaped(name)} {_inner(each)}" for name, each in value.items()) or "none"
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, int | float):
        return _number(value, form="g")
    return escaped(", ".join(map(str, value)) if isinstance(value, list) else str(value))


def _inner(value: Any) -> str:
    return f"({_setting(value)})" if isinstance(value, Mapping) else _setting(value)


def _number(value: float | None, form: str = ".3f", plus: bool = False) -> str:
    """Return a figure as it is read, with its whole value beside it."""
    if value is None:
        return UNKNOWN
    text = signed(value, f"+{form}" if plus else form)
    return f'<data value="{value!r}">{text}</data>'


def _chance(value: float | None) -> str:
    """Return a p-value, never as 0."""
    small = value is not None and value < LEAST_CHANCE
    return f'<data value="{value!r}">&lt; {LEAST_CHANCE:g}</data>' if small else _number(value)


def _whole(value: int | None) -> str:
    return _number(value, form=",d")


def _count(rows: int | None) -> str:
    return UNKNOWN if rows is None else f"{_whole(rows)} {'row' if rows == 1 else 'rows'}"


def _figures(drawings: Sequence[tuple[Drawing, Drawing]], name: str) -> list[str]:
    """Return the drawings of that name, and of that name for another unit."""
    return [
        f'<figure><div class="wide">{_scrolling(each.title, svg(each))}</div>'
        f'<div class="narrow">{_scrolling(each.title, svg(narrow))}</div>'
        f"<figcaption>{escaped(each.title)}. {escaped(each.about)}</figcaption></figure>"
        for each, narrow in drawings
        if each.name in (name, f"{name}-nats")
    ]


def _table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table that scrolls by itself where it is too wide; a row of one cell heads a group."""
    columns = "".join(f'<th scope="col">{_unbroken(escaped(each))}</th>' for each in head)
    lines = "".join(f"<tr{' class=group' * (len(row) == 1)}>{''.join(row)}</tr>" for row in rows)
    return _scrolling(
        caption,
        f"<table><caption>{escaped(caption)}</caption><thead><tr>{columns}</tr></thead>"
        f"<tbody>{lines}</tbody></table>",
    )


def _unbroken(heading: str) -> str:
    """Return a heading whose arrow stays with its last word."""
    return re.sub(" ([↑↓])$", r"&nbsp;\1", heading)


def _scrolling(name: str, content: str) -> str:
    """Return what scrolls by itself where it is too wide, by keyboard as well."""
    return f'<div class="scroll" role="region" tabindex="0" aria-label="{escaped(name)}">{content}</div>'


def _facts(rows: Iterable[tuple[str, str]]) -> str:
    """Return names with their values, the values already escaped."""
    lines = "".join(f'<tr><th scope="row">{escaped(name)}</th><td>{value}</td></tr>' for name, value in rows)
    return f'<table class="facts">{lines}</table>'


def _head(text: str) -> str:
    return f'<th scope="row">{escaped(text)}</th>'


def _cell(content: str) -> str:
    return f"<td>{content}</td>"


def _list(texts: Sequence[str]) -> str:
    items = "".join(f"<li>{CODE.sub(CODED, escaped(text))}</li>" for text in texts)
    return f"<ul>{items}</ul>" if texts else ""


def _note(text: str, plain: bool = True) -> str:
    return f'<p class="note">{escaped(text) if plain else text}</p>'


def _folded(title: str, content: str) -> str:
    return f"<details><summary>{escaped(title)}</summary>\n{content}\n</details>"


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]
