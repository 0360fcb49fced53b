"""What `score --report` prints: how well each signal finds the fact, by set and by annotation."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from tqdm import tqdm

from tokenunlearn.audit.audited import LABELS, OTHER, audit_of, labels_of
from tokenunlearn.audit.trust import said
from tokenunlearn.data.demo import annotated_rows
from tokenunlearn.data.splits import Splits
from tokenunlearn.documents.terminal import to_stderr, to_stdout
from tokenunlearn.errors import InputError
from tokenunlearn.experiments.report import signal_lines
from tokenunlearn.learned.fitted import text_of
from tokenunlearn.learned.marks import Marks, marks_of_rows
from tokenunlearn.learned.scorer import Scorer
from tokenunlearn.metrics.agreement import cohens_kappa, marked_words
from tokenunlearn.metrics.attribution import signal_report
from tokenunlearn.models.loading import LoadedModel
from tokenunlearn.passes import Beside, need_words
from tokenunlearn.passes import lacking as lacking_needs
from tokenunlearn.scoring import FREE_SIGNALS, REPORT_SIGNALS, ScoreConfig, ScoredRow, iter_scores


def print_reports(
    model: LoadedModel,
    rows: Sequence[ScoredRow],
    config: ScoreConfig,
    signals: tuple[str, ...],
    beside: Beside,
    other: Marks | None,
) -> None:
    """Write to stdout, set by set, how well each signal finds the gold, and the other annotation's if any."""
    fitted = "learned" in signals
    if fitted and beside.scorer is not None and _may_have_seen(beside.scorer, rows):
        signals = tuple(name for name in signals if name != "learned")
    sets: dict[str, list[ScoredRow]] = {}
    for row in rows:
        sets.setdefault(row.info.row.set or "rows", []).append(row)
    for name, members in sets.items():
        gold = marks_of_rows([row.info.row for row in members])
        if not gold:
            to_stdout(f"{name}: no marked facts, nothing to compare with\n")
            continue
        second = None if other is None else {key: other[key] for key in gold if key in other}
        _print_report(name, model, members, gold, second, config, signals, fitted)
        if second:
            _print_agreement(members, gold, second)
            words = f"{name}, the other annotation"
            _print_report(words, model, members, second, gold, config, signals, fitted)


def print_leaderboard(model: LoadedModel, rows: Splits) -> None:
    """Score the rows to forget by every signal of a report and write to stdout how well each finds the gold.

    A signal that needs what is not there is left out, and told on stderr.
    """
    if not any(row.gold for row in rows.forget):
        to_stdout("leaderboard: not measured, no row to forget has its fact marked (gold)\n")
        return
    beside = Beside(rows.retain)
    config = ScoreConfig(signals=tuple(dict.fromkeys((*REPORT_SIGNALS, *FREE_SIGNALS))))
    lacking = say_lacking(config, model, beside)
    scored = iter_scores(model, rows.forget, config, beside)
    found = list(tqdm(scored, total=len(rows.forget), unit="row", desc="score"))
    signals = tuple(name for name in config.signals if name not in lacking)
    print_reports(model, found, config, signals, beside, None)


def say_lacking(config: ScoreConfig, model: LoadedModel, beside: Beside) -> set[str]:
    """Write to stderr which signals cannot be measured for want of an adapter, and return them.

    Raises InputError for the first signal that lacks anything else.
    """
    found: dict[str, list[str]] = {}
    for name in config.signals:
        for need in lacking_needs(config.passes_of(name), model, beside):
            words, fix = need_words(need)
            if need != "adapter":
                raise InputError(
                    f"The signal {name} cannot be measured", f"It needs {words}", f"{fix}, or leave it out"
                )
            found.setdefault(words, []).append(name)
    for words, names in found.items():
        to_stderr(f"not measured, without {words}: {', '.join(names)}\n")
    return {name for names in found.values() for name in names}


def _may_have_seen(scorer: Scorer, rows: Sequence[ScoredRow]) -> bool:
    """Return whether a scorer may have been fitted on some of these rows: on marks or annotated rows."""
    ours = {text_of(row) for row in annotated_rows()}
    return scorer.made_of.get("marks") != "none" or any(text_of(row.info.row) in ours for row in rows)


def _print_report(
    name: str,
    model: LoadedModel,
    rows: Sequence[ScoredRow],
    marks: Marks,
    other: Marks | None,
    config: ScoreConfig,
    signals: tuple[str, ...],
    fitted: bool,
) -> None:
    known = [row for row in rows if row.info.row.id in marks]
    tokens = sum(len(row.table) for row in known)
    to_stdout(f"\n{name}: {len(known)} rows with marked facts, {tokens} answer tokens\n")
    if fitted:
        found = audit_of(model, known, marks, signals, config.settings_of("learned"), other)
        to_stdout("\n".join(signal_lines(found.report, LABELS)) + f"\n  {said(found)}\n")
        return
    table = pd.concat([row.table for row in known], ignore_index=True).assign(gold=labels_of(known, marks))
    if other:
        table[OTHER], signals = labels_of(known, other), (*signals, OTHER)
    to_stdout("\n".join(signal_lines(signal_report(table, signals), LABELS)) + "\n")


def _print_agreement(rows: Sequence[ScoredRow], gold: Marks, other: Marks) -> None:
    texts = [row.info.row for row in rows if row.info.row.id in other]
    first, second = (
        np.concatenate([marked_words(row.answer, marks[row.id].fact) for row in texts])
        for marks in (gold, other)
    )
    to_stdout(f"  the two annotations agree on {len(texts)} rows with κ {cohens_kappa(first, second):.2f}\n")
