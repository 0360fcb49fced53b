"""probe a model: what does it still say about the rows, and what else does it know

A .json holds the whole report; .jsonl, .csv and .parquet hold its answers, a line each.
"""

import argparse
import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tokenunlearn.cli.flags import add_settings, values_of
from tokenunlearn.cli.outputs import PICTURES, add_output
from tokenunlearn.cli.sources import add_model, add_rows, given_rows, load, tell
from tokenunlearn.contents import text_of
from tokenunlearn.data.json_text import from_json
from tokenunlearn.documents.terminal import to_stderr, to_stdout
from tokenunlearn.errors import InputError, SettingError, did_you_mean
from tokenunlearn.settings import from_flags

if TYPE_CHECKING:
    from tokenunlearn.data.splits import Splits
    from tokenunlearn.models.loading import LoadedModel
    from tokenunlearn.probes.evidence import ProbeSettings

WIDTH: Final = 19  # of the column of names: the longest probe's


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_rows(parser, "shared forget, shared retain, world and those held out")
    parser.add_argument(
        "--retain-rows", metavar="FILE", help="rows that must stay known, beside split retain"
    )
    parser.add_argument(
        "--world-rows", metavar="FILE", help="real-world rows that must stay known, beside split world"
    )
    parser.add_argument(
        "--before", metavar="PATH", help="report (.json) of the model before, to judge badges by"
    )
    parser.add_argument(
        "--reference",
        metavar="PATH",
        help="report (.json) of a model that never saw the rows: forget quality, PrivLeak, three axes",
    )
    parser.add_argument(
        "--depth",
        metavar="FOLDER",
        help="adapter of the model before unlearning: how deep the facts were erased, layer by layer (UDS)",
    )
    add_output(
        parser, "--plots", holds=PICTURES, help="every picture of --depth, of all facts, as .svg and .png"
    )
    formats = (".json", ".jsonl", ".csv", ".parquet")
    add_output(parser, "--out", *formats, required=True, help=".json, .jsonl, .csv or .parquet")
    add_model(parser)
    parser.add_argument("--rival", metavar="RIVAL", help="probe a rival built on the model, such as icul")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME[=VALUE]",
        help="a set to probe as well or instead of FILE, such as common or mmlu=FOLDER; or a setting of the "
        "rival, such as examples=3; `list` names both; may be repeated",
    )
    add_settings(parser, "ProbeSettings")


def run(arguments: argparse.Namespace) -> int:
    """Return 0, after the report was written; its summary goes to stdout."""
    folder = _plots(arguments.plots, arguments.depth)
    sets, arguments.sets, arguments.set = _sets(arguments.set, arguments.skip_bad_rows)
    rows = given_rows(arguments, "shared_forget", "shared_retain", "world", "shared_holdout", beside=sets)
    before = _report(arguments.before, bool(arguments.reference)) if arguments.before else None
    reference = _reference(arguments.reference, rows) if arguments.reference else None

    from tqdm import tqdm

    from tokenunlearn.fitting import check_rows
    from tokenunlearn.models.precision import measured_in
    from tokenunlearn.probes.depth_words import depth_said
    from tokenunlearn.probes.evidence import ProbeSettings
    from tokenunlearn.probes.left import left_said
    from tokenunlearn.probes.reference import against
    from tokenunlearn.probes.report import probe_report, unjudged_words, with_badges
    from tokenunlearn.probes.transcript import length_words

    settings = from_flags(ProbeSettings, arguments)
    _refuse_no_adapter(arguments.depth)
    if settings.membership and not rows.holdout:
        to_stderr("no row is held out (split holdout), so membership is not measured\n")
    rival = _rival(arguments, rows)
    with tqdm(total=3 if arguments.depth else 2, unit="stage", desc="load") as bar:
        model = load(arguments)
        check_rows(model, rows.rows, other_words=True)
        bar.update()
        bar.set_description("probe")
        report = probe_report(rival(model), rows, settings) | {"precision": model.precision}
        bar.update()
        if arguments.depth:
            bar.set_description("depth")
            report |= {"depth": _depth(arguments, model, rows)}
            bar.update()
    if before and before.get("judge") != report["judge"]:
        to_stderr(
            "fluency is not compared: another base model judged the report from before. Probe both with the "
            "same base and an adapter\n"
        )
    if before and before.get("precision", model.precision) != model.precision:
        to_stderr(
            f"the report from before was measured in {before['precision']}, this one in {model.precision}: "
            "part of the difference is that. Give both the same --precision\n"
        )
    report = with_badges(before, report) if before else report
    if reference:
        report |= {"reference": against(report, reference, rows, before)}
    _write(report, Path(arguments.out))
    if folder:
        _draw(report["depth"], folder)
    for line in summary_lines(report, settings):
        to_stdout(f"{line}\n")
    for line in reference_lines(report["reference"]) if reference else ():
        to_stdout(f"{line}\n")
    for line in (*depth_lines(report["depth"]), *depth_said(report["depth"])) if arguments.depth else ():
        to_stdout(f"{line}\n")
    for line in choice_lines(report):
        to_stdout(f"{line}\n")
    to_stdout(f"{'precision':{WIDTH}} {measured_in(model.precision)}\n")
    to_stdout(f"{'answers':{WIDTH}} {length_words(report['longest_answer'], report['answers'])}\n")
    to_stderr(f"{lost}\n" if (lost := unjudged_words(report)) else "")
    for line in (*badge_lines(report), *left_said(before, report)) if before else ():
        to_stdout(f"{line}\n")
    return 0


def _plots(folder: str | None, depth: str | None) -> Path | None:
    """Return the folder of --plots. Raises SettingError where there is nothing to draw."""
    if folder is None:
        return None
    if depth is None:
        why = "The pictures are of how deep the facts were erased"
        raise SettingError("There is nothing to draw", why, "Give --depth as well", "--plots")
    return Path(folder)


def _refuse_no_adapter(folder: str | None) -> None:
    """Raise InputError for a folder without an adapter, before anything is probed; None is no folder."""
    if folder is None:
        return
    if not folder or not (Path(folder) / "adapter_config.json").is_file():
        why = "It has no adapter_config.json" if folder else "No folder is named"
        where = f"--depth {folder}"
        raise InputError("There is no adapter", why, "Name the adapter of the model before", where)


def _depth(arguments: argparse.Namespace, model: "LoadedModel", rows: "Splits") -> dict[str, Any]:
    """Return how deep the facts were erased in `model`, against the adapter of --depth on the same base."""
    from tokenunlearn.models.loading import load_model
    from tokenunlearn.probes.depth import depth_report

    full = load_model(arguments.model, arguments.depth, arguments.precision)
    return depth_report(full, model, rows.forget)


def _draw(depth: dict[str, Any], folder: Path) -> None:
    """Write every picture of a depth report into a folder."""
    from tokenunlearn.documents.depth import depth_drawings
    from tokenunlearn.documents.drawing import drawing_files
    from tokenunlearn.runs.disk import write_bytes_atomically

    for path, content in drawing_files(depth_drawings(depth), folder).items():
        write_bytes_atomically(path, content)
        to_stdout(f"{path}\n")


def _reference(where: str, rows: "Splits") -> dict[str, Any]:
    """Return the report of --reference.

    Raises InputError for one that was not made of these rows to forget: its figures are of others.
    """
    report = _report(where, with_figures=True)
    there = {
        (line["row_id"], line["question"], line["expected"])
        for line in report["answers"]
        if line["kind"] == "forget"
    }
    here = {(row.id, row.question, row.answer) for row in rows.forget}
    if there != here:
        raise InputError(
            "The report is of other rows",
            f"{len(here - there)} of {len(here)} rows to forget are not in it, with this question and answer",
            "Probe the other model on the same rows",
            where,
        )
    return report


def _rival(arguments: argparse.Namespace, rows: Any) -> Callable[[Any], Any]:
    """Return what makes the named rival of a loaded model, with settings that are checked now.

    Without --rival that is the model itself.
    """
    from tokenunlearn.rivals import check_rival, make_rival

    values = values_of(arguments.set, "examples=3")
    if arguments.rival is not None and arguments.depth:
        raise SettingError(
            "A rival has no depth", "It changes no weights", "Leave --depth or --rival out", "--depth"
        )
    if arguments.rival is None:
        if values:
            raise SettingError(
                "There is a setting and no rival", "It would change nothing", "Name one: --rival", "--set"
            )
        return lambda model: model
    check_rival(arguments.rival, rows, values)
    return lambda model: make_rival(arguments.rival, model, rows, values)


def _sets(texts: list[str], skip_bad: bool) -> "tuple[Splits, list[str], list[str]]":
    """Return the rows of those of the texts that name a set, these, and the other texts."""
    from tokenunlearn.data.sets import SETS, open_rows
    from tokenunlearn.data.splits import Splits

    named = [text for text in texts if text.partition("=")[0] in SETS or "=" not in text]
    rows = Splits((), (), ())
    for text in named:
        if text.partition("=")[0] not in SETS:
            raise SettingError(
                f"There is no set {text[:60]!r}", fix=did_you_mean(text, list(SETS)), where="--set"
            )
        rows |= open_rows(text, tell, skip_bad)
    return rows, named, [text for text in texts if text not in named]


def summary_lines(report: dict[str, Any], settings: "ProbeSettings") -> list[str]:
    """Return each figure that was asked for, and what it is in words."""
    from tokenunlearn.probes import PROBES, is_asked

    return [
        f"{name:{WIDTH}} {'not measured' if value is None else f'{value:.3f}':12}  {PROBES[name].label}"
        for name, value in report["summary"].items()
        if is_asked(name, settings)
    ]


def choice_lines(report: dict[str, Any]) -> list[str]:
    """Return each accuracy with its 95 % bootstrap interval over questions, and the chance level."""
    import math

    from tokenunlearn.metrics.statistics import FEWEST_VALUES, bootstrap_interval
    from tokenunlearn.probes import PROBES
    from tokenunlearn.probes.choice import ACCURACY, CHANCE

    lines = []
    for name, by_row in report["by_row"].items():
        if PROBES[name].unit == ACCURACY and name != CHANCE and by_row:
            share, chance = report["summary"][name], report["summary"][CHANCE]
            low, high = bootstrap_interval(list(by_row.values()))
            few = len(by_row) < FEWEST_VALUES
            none = "interval not measured" if few else "without an interval, as all are alike,"
            interval = none if math.isnan(low) else f"[{low:.3f}, {high:.3f}]"
            count = "1 question" if len(by_row) == 1 else f"{len(by_row)} questions"
            lines.append(f"{name:{WIDTH}} {share:.3f} {interval} of {count}, chance {chance:.3f}")
    return lines


def reference_lines(found: dict[str, Any]) -> list[str]:
    """Return what a report is worth beside that of a model that never saw the rows, in words."""

    def said(name: str, form: str = ".3f") -> str:
        return "not measured" if found[name] is None else format(found[name], form)

    rows = f" (p of a Kolmogorov-Smirnov test, {found['n']} rows against {found['n_reference']})"
    counted = rows if found["forget_quality"] is not None else ""
    return [
        f"{'forget_quality':{WIDTH}} {said('forget_quality', '.3g')}{counted}",
        f"{'privleak':{WIDTH}} {said('privleak', '.1f')}{'' if found['privleak'] is None else ' per cent'}",
        *(f"{name:{WIDTH}} {said(name)}" for name in ("memorization", "privacy", "utility", "overall")),
        *([f"{'lacks':{WIDTH}} {', '.join(found['lacks'])}"] if found["lacks"] else []),
    ]


def depth_lines(found: dict[str, Any]) -> list[str]:
    """Return the depth score, and a table of means over facts: what each layer holds and still says."""
    from tokenunlearn.probes.depth_words import LAYER_FIGURES, layer_means

    rows = list(found["rows"].values())
    measured = sum(row["uds"] is not None for row in rows)
    score = "not measured" if found["uds"] is None else f"{found['uds']:.3f}"
    lines = [f"{'uds':{WIDTH}} {score} ({measured} of {len(rows)} facts; source: {found['source']})"]
    means = layer_means(found)
    if means:
        widths = [max(9, len(name)) for name in LAYER_FIGURES.values()]
        heads = zip(LAYER_FIGURES.values(), widths, strict=True)
        lines.append(f"layer   {'  '.join(f'{head:>{wide}}' for head, wide in heads)}   (nats a token)")
    for layer, line in enumerate(means, 1):
        cells = zip(line.values(), widths, strict=True)
        said = (f"{'–' if value is None else format(value, '.3f'):>{wide}}" for value, wide in cells)
        lines.append(f"{layer:5}   {'  '.join(said)}")
    return lines


def badge_lines(report: dict[str, Any]) -> list[str]:
    """Return how many answers of each kind have which reading, and the bound of *garbled*, in words."""
    from tokenunlearn.probes.readings import counts_said
    from tokenunlearn.probes.report import counts_of

    counts = {
        kind: counts_of(report, kind) for kind in dict.fromkeys(line["kind"] for line in report["answers"])
    }
    bound = report["garbled_below"]
    limit = "not known" if bound is None else f"{bound:.2f} nats per token"
    return [
        *(f"{kind:{WIDTH}} {counts_said(found)}" for kind, found in counts.items()),
        f"{'garbled below':{WIDTH}} {limit}",
    ]


def _report(path: str, with_figures: bool = False) -> dict[str, Any]:
    from tokenunlearn.probes.reference import figures_fault
    from tokenunlearn.probes.report import report_fault

    try:
        report = from_json(text_of(path))
    except (OSError, ValueError) as error:
        raise InputError("The report cannot be read", str(error), where=path) from error
    fault = report_fault(report) or (figures_fault(report) if with_figures else "")
    if fault:
        raise InputError("This is not a report", fault, "Write it with `probe --out x.json`", path)
    return report


def _flat(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


def _write(report: dict[str, Any], path: Path) -> None:
    """Write the report, or its answers as a table: formulas are quoted, what is nested becomes JSON text.

    An answer that was judged has beside its badge what is read of it (`reading`).
    """
    from tokenunlearn.probes.readings import line_words
    from tokenunlearn.runs.disk import write_bytes_atomically, write_json_atomically

    if path.suffix == ".json":
        write_json_atomically(path, report)
        return
    import pandas as pd

    from tokenunlearn.table import spreadsheet_text

    judged = "garbled_below" in report
    lines = [line | ({"reading": line_words(line)} if judged else {}) for line in report["answers"]]
    table = pd.DataFrame([{name: _flat(value) for name, value in line.items()} for line in lines])
    if path.suffix == ".parquet":
        content = table.to_parquet(None, index=False)
    elif path.suffix == ".csv":
        safe = table.map(lambda value: spreadsheet_text(value) if isinstance(value, str) else value)
        # Every text in quotes: a bare carriage return would begin a new line, and there a new formula.
        content = safe.to_csv(index=False, quoting=csv.QUOTE_NONNUMERIC).encode()
    else:
        content = table.to_json(orient="records", lines=True, force_ascii=False).encode()
    write_bytes_atomically(path, content)
