"""What the page asks of marks: to learn from them, how far to trust that, which weights agree with them."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any, Final

import numpy as np

from app.actions.draft import rule_given
from app.actions.marks import TextShown, marks_store, shown_text
from app.learning import MarkedText, fit_id, labels_of, marked_text, scorer_of, signal_on
from app.requests import SetName
from app.service import Service
from app.shown import ShownScores
from app.views.tokens import column, is_compared
from tokenunlearn.audit.trust import (
    ENOUGH_ROWS,
    LEARNED,
    Trust,
    groups_of,
    learning_curve,
    said,
    trust,
)
from tokenunlearn.audit.weights import fit_weights
from tokenunlearn.data.rows import Row
from tokenunlearn.errors import InputError
from tokenunlearn.learned.fit import held_out
from tokenunlearn.learned.scorer import probability
from tokenunlearn.learned.words import on_tokens
from tokenunlearn.selection import Rule
from tokenunlearn.signals import FAMILIES, SIGNALS

CURVE_DRAWS: Final = 3  # a fit is a quarter of a second
NO_TRUTH: Final = "No facts are marked in this set yet."


class Outdated(Exception):
    """Ends work on marks that were changed meanwhile: their new ones are asked about anyway."""


@dataclass(frozen=True, kw_only=True)
class SetShown(TextShown):
    """One set of the text."""

    set: SetName = ""


@dataclass(frozen=True, kw_only=True)
class FitWeights(SetShown):
    """One set, and the rule that it has now."""

    rule: Annotated[Rule, rule_given] = Rule()


def learn(service: Service, page: TextShown) -> dict[str, Any]:
    """Fit the learned signal on the marks that are kept: `{fit, values, info, leaderboard}`.

    From then on the signal belongs to these scores, with `fit`, the hash of what it was fitted on, "" where
    nothing is marked. Raises MaskError, InputError.
    """
    shown = shown_text(service, page)
    grown = None
    while grown is None:  # Others marked meanwhile: once more, from theirs.
        with suppress(Outdated):
            grown = _fitted(service, shown)
    return {
        "fit": grown.fits[LEARNED],
        "values": column(grown.columns[LEARNED]),
        "info": grown.payload["signals"][LEARNED],
        "leaderboard": grown.payload["leaderboard"],
    }


def trusted(service: Service, page: SetShown) -> dict[str, Any]:
    """Return how far the learned signal is to be trusted on one set, beside every other signal.

    Returns `{set, rows, enough, better, verdict, table, curve}`: `better` is whether the learned signal is
    above the best plain list, `table` `[{signal, label, auroc, low, high, precision}]` by word, the learned
    signal held out by subject, empty below the least number of rows; `curve` `[{rows, auroc, low, high}]`.
    `{outdated: true}` where the marks were changed meanwhile. Raises MaskError, InputError.
    """
    shown, name = shown_text(service, page), page.set
    still = _still(service, shown)
    marked = marked_text(service, shown)
    rows = _with_truth(marked, _scored_rows(marked, name))
    nothing: dict[str, Any] = {"set": name, "rows": 0, "enough": False, "better": False}
    nothing |= {"verdict": NO_TRUTH, "table": [], "curve": []}
    if not rows:
        return nothing
    try:
        found = _trust(marked, rows, still)
        enough = found.verdict != "few"
        labels = {name: info["label"] for name, info in shown.payload["signals"].items()}
        labels[LEARNED] = "Learned, held out"
        return {
            **nothing,
            "rows": found.rows,
            "enough": enough,
            "better": found.verdict == "better",
            "verdict": said(found),
            "table": _table(found, labels) if enough else [],
            "curve": _curve(marked, rows, still) if enough else [],
        }
    except Outdated:
        return {"outdated": True}


def fitted_rule(service: Service, wanted: FitWeights) -> dict[str, Any]:
    """Return the weights that agree best with what is true in one set: `{rule, agreement, before, rows}`.

    `rule` are the settings to change, `agreement` is F1 of the chosen and the true words in rows that the
    rule was not fitted on, `before` that of the rule as it is; `rows` how many know what is true. Raises
    InputError for too few rows, MaskError, SettingError.
    """
    shown, name = shown_text(service, wanted), wanted.set
    marked = marked_text(service, shown)
    scored = _scored_rows(marked, name)
    rows = _with_truth(marked, scored)
    if len(rows) < ENOUGH_ROWS:
        raise InputError(
            f"Facts are marked in {len(rows)} rows of this set, and {ENOUGH_ROWS} are needed",
            fix="Mark more rows, and press Enter after each",
        )
    groups = _groups(marked.rows, scored)
    columns = {**shown.columns, LEARNED: _held_out(marked, scored, groups)}
    cut = {key: column[shown.places(name)] for key, column in columns.items()}
    known = {marked.rows[at].id for at in rows}
    truth = labels_of(shown, {row: marked.truth[row] for row in known})[shown.places(name)]
    names = [
        signal
        for signal in (*shown.payload["signals"], LEARNED)
        if "knowledge" in FAMILIES[SIGNALS[signal].family].roles
        and SIGNALS[signal].family != "likelihood"
        and np.isfinite(cut[signal]).any()
    ]
    found = fit_weights(cut, truth, groups, list(dict.fromkeys(names)), wanted.rule)
    return {
        "rule": {name: after for name, (_, after) in found.changed.items()},
        "agreement": found.agreement,
        "before": found.before,
        "rows": len(rows),
    }


def _scored_rows(marked: MarkedText, name: str) -> list[int]:
    """Return the numbers of the rows of a set, without those that could not be scored."""
    ids = {row["id"] for row in marked.shown.rows_of(name) if not row.get("failure")}
    return [at for at, row in enumerate(marked.rows) if row.id in ids]


def _with_truth(marked: MarkedText, rows: Sequence[int]) -> list[int]:
    """Return the rows of which it is known what is true."""
    return [at for at in rows if marked.rows[at].id in marked.truth]


def _trust(marked: MarkedText, rows: Sequence[int], still: Callable[[], None]) -> Trust:
    shown = marked.shown
    assert shown.table is not None
    places = np.flatnonzero(np.isin(shown.columns["row"], rows))
    table = shown.table.iloc[places].reset_index(drop=True)
    signals = [
        name
        for name in shown.payload["signals"]
        if name != LEARNED and is_compared(SIGNALS[name]) and table[name].notna().any()
    ]
    by_person = {name: marked.truth[name] for name in marked.marked}
    return trust(
        table,
        marked.kept.states[places],
        labels_of(shown, marked.truth)[places],
        marked.kept.basis,
        _groups(marked.rows, rows)[rows],
        signals,
        taught=labels_of(shown, by_person)[places],
        before_fit=still,
    )


def _groups(rows: Sequence[Row], kept: Sequence[int]) -> np.ndarray:
    """Return the group of each row, as `groups_of` has it among the rows `kept`; −1 for the others.

    Int [rows].

    Other sets take no part: a set that is all about one subject is held out row by row.
    """
    groups = np.full(len(rows), -1)
    groups[list(kept)] = groups_of([rows[at].subject for at in kept], [rows[at].answer for at in kept])
    return groups


def _table(found: Trust, labels: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the word figures of every signal under its label here, the best first; NaN crosses as None."""
    report = found.report
    lines = report[(report["granularity"] == "word") & (report["population"] == "words")]
    names = ("auroc", "auroc_low", "auroc_high", "precision_at_gold")
    entries = []
    for line in lines.to_dict("records"):
        auroc, low, high, precision = column([round(float(line[name]), 4) for name in names])
        label = labels.get(str(line["signal"])) or SIGNALS[str(line["signal"])].label
        figures = {"auroc": auroc, "low": low, "high": high, "precision": precision}
        entries.append({"signal": line["signal"], "label": label, **figures})
    return sorted(entries, key=lambda entry: -(entry["auroc"] or 0.0))


def _curve(marked: MarkedText, rows: Sequence[int], still: Callable[[], None]) -> list[dict[str, Any]]:
    words = marked.words.only(np.isin(marked.words.rows, rows))
    points = learning_curve(
        words, marked.kept.basis, _groups(marked.rows, rows), draws=CURVE_DRAWS, before_fit=still
    )
    return [
        {"rows": point.rows, "auroc": point.auroc, "low": point.low, "high": point.high} for point in points
    ]


def _held_out(marked: MarkedText, rows: Sequence[int], groups: np.ndarray) -> np.ndarray:
    """Return the learned signal on `rows` by fits that have seen no mark of their group, [tokens].

    Only marks on `rows` teach, as in the figures of trust. NaN on the tokens of other rows.
    """
    words = marked.words.only(np.isin(marked.words.rows, rows))
    values = probability(held_out(marked.kept.basis, words, groups[words.rows]))
    columns = marked.shown.columns
    return on_tokens(values, words, columns["row"], columns["word"])


def _fitted(service: Service, shown: ShownScores) -> ShownScores:
    """Return the scores with the signal fitted on the marks that are kept.

    Raises Outdated where others are kept meanwhile, lest an old fit takes a newer one's place.
    """
    version = _version(service, shown)
    marked = marked_text(service, shown)
    scorer = scorer_of(service, marked)
    values, fit = signal_on(service, marked, scorer), fit_id(scorer)

    def change(newest: ShownScores) -> ShownScores:
        if _version(service, shown) != version:
            raise Outdated
        return newest.with_signals({LEARNED: values}, {LEARNED: fit})

    return service.shelf.grow(shown.scores_id, change)


def _still(service: Service, shown: ShownScores) -> Callable[[], None]:
    """Return what raises Outdated once other marks are kept."""
    version = _version(service, shown)

    def check() -> None:
        if _version(service, shown) != version:
            raise Outdated

    return check


def _version(service: Service, shown: ShownScores) -> Any:
    """Return the version of the marks that are kept; None where there are none."""
    return (marks_store(service).marks(shown.text_id)[0] or {}).get("version")
