"""score every answer token: how much of the fact it carries

Rows × signals → the exchange table, one line per answer token.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tokenunlearn.cli.flags import add_settings, values_of
from tokenunlearn.cli.outputs import add_output
from tokenunlearn.cli.sources import (
    INTERRUPTED,
    add_model,
    add_rows,
    given_rows,
    load,
    models_beside,
    stoppable,
)
from tokenunlearn.documents.terminal import to_stderr
from tokenunlearn.errors import SettingError
from tokenunlearn.settings import from_flags

if TYPE_CHECKING:
    from tokenunlearn.passes import RowInfo


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_rows(parser, "the shared and the one-off set")
    add_output(
        parser,
        "--out",
        ".parquet",
        ".jsonl",
        ".csv",
        help="table to write: .parquet or .jsonl, which `select` reads, or .csv",
    )
    parser.add_argument(
        "--report",
        action="store_true",
        help="print how well each signal finds the marked facts, per set; without --signals, all masks",
    )
    parser.add_argument(
        "--annotations", metavar="FILE", help="rows with other gold on the same texts: a second --report"
    )
    parser.add_argument(
        "--scorer", metavar="FOLDER", help="scorer that `fit` has written, for the signal learned"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SIGNAL.NAME=VALUE",
        help="a setting of a signal itself; `list` names them; may be repeated",
    )
    parser.add_argument(
        "--retain-rows",
        metavar="FILE",
        help="rows to keep, beside split retain, for signals that need them (`list` says which)",
    )
    parser.add_argument(
        "--beside",
        action="append",
        default=[],
        metavar="NAME=MODEL",
        help="another model by a name, for a signal's setting such as su.reference=NAME: folder, hub id, or "
        "the folder of an adapter on the same model; may be repeated",
    )
    add_model(parser)
    add_settings(parser, "ScoreConfig")


def run(arguments: argparse.Namespace) -> int:
    """Return the exit code after the table was written; 130 with the finished rows after Ctrl-C."""
    if not arguments.out and not arguments.report:
        raise SettingError(
            "There is nothing to do", "Neither --out nor --report was given", "Add one of them"
        )
    if arguments.annotations and not arguments.report:
        raise SettingError("--annotations has nothing to do", "It is for a report", "Add --report")
    given = given_rows(arguments, "shared_forget", "shared_retain", "one_off")
    rows = given.forget

    from tqdm import tqdm

    from tokenunlearn.cli.signal_reports import print_reports, say_lacking
    from tokenunlearn.fitting import check_rows
    from tokenunlearn.learned.marks import read_marks
    from tokenunlearn.learned.scorer_files import read_scorer
    from tokenunlearn.passes import Beside, needs_of
    from tokenunlearn.scoring import FREE_SIGNALS, REPORT_SIGNALS, ScoreConfig, iter_scores, new_scores
    from tokenunlearn.table import write_table

    config = from_flags(ScoreConfig, arguments)
    reported = config.signals if arguments.signals else REPORT_SIGNALS
    if arguments.report:
        # What costs no pass stands in every report: a signal has to beat it.
        reported = tuple(dict.fromkeys((*reported, *FREE_SIGNALS)))
        config = replace(config, signals=tuple(dict.fromkeys((*config.signals, *reported))))
    if arguments.scorer and "learned" not in config.signals:
        raise SettingError("--scorer has nothing to do", "It is for learned", "Add learned to --signals")
    config = replace(config, signal_settings=_signal_settings(arguments.set))
    scorer = read_scorer(arguments.scorer) if arguments.scorer else None
    other = read_marks(arguments.annotations, rows) if arguments.annotations else None
    model = load(arguments)
    beside = Beside(given.retain, models_beside(arguments), scorer)
    if any("retain" in needs_of(name) for name in config.signals):
        check_rows(model, given.retain)
    lacking = say_lacking(config, model, beside)
    reported = tuple(name for name in reported if name not in lacking)
    scores = new_scores(model, rows, config, beside=beside)
    with stoppable() as stop:
        for row in tqdm(iter_scores(model, rows, config, beside), total=len(rows), unit="row", desc="score"):
            scores.rows.append(row)
            if stop:
                break
    _say_subjects([row.info for row in scores.rows])
    if arguments.out:
        write_table(scores.table, arguments.out)
    if arguments.report:
        print_reports(model, scores.rows, config, reported, beside, other)
    return INTERRUPTED if stop else 0


def _signal_settings(texts: list[str]) -> dict[str, dict[str, object]]:
    """Return the settings by signal, from texts such as signal.name=0.5.

    Raises SettingError for another form.
    """
    settings: dict[str, dict[str, object]] = {}
    for key, value in values_of(texts, "signal.name=0.5").items():
        signal, _, name = key.partition(".")
        settings.setdefault(signal, {})[name] = value
    return settings


def _say_subjects(infos: "Sequence[RowInfo]") -> None:
    """Write to stderr where the subjects come from, and which rows have theirs where little is masked."""
    sources = [info.subject_source for info in infos]
    counts = (
        f"{sources.count('row')} given, {sources.count('proposed')} proposed, {sources.count('none')} none"
    )
    to_stderr(f"subjects: {counts}\n")
    told = {
        "in the answer only, so that nothing of the question is masked": [
            info for info in infos if info.subject and info.row.question and not info.subject_spans
        ],
        "given, but not in their row": [
            info for info in infos if info.row.subject and info.subject_source in ("proposed", "none")
        ],
    }
    for words, found in told.items():
        if found:
            more = f" and {len(found) - 3} more" if len(found) > 3 else ""
            names = ", ".join(f"{info.row.subject or info.subject} ({info.row.id})" for info in found[:3])
            to_stderr(f"subjects {words}: {names}{more}\n")
