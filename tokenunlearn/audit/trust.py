"""How far to trust the learned scorer on a set: held out, with intervals, beside what it has to beat.

1. Each group of rows (a subject, or a row where no subject repeats) is scored by a fit without its marks.
2. These scores and every other signal are compared with the marks on the same words (`metrics.attribution`).
3. The verdict is the weakest of: too few rows, nothing found, no better than the plain baselines, better.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from tokenunlearn.learned.fit import DEFAULTS, Basis, FitSettings, held_out, solution
from tokenunlearn.learned.scorer import probability
from tokenunlearn.learned.words import Words, on_tokens, words_of
from tokenunlearn.metrics.attribution import auroc, auroc_difference, precision_at_gold, signal_report
from tokenunlearn.signals import SIGNALS
from tokenunlearn.text.folding import fold

ENOUGH_ROWS: Final = 5  # rows with words of both kinds; below, an interval over rows says next to nothing
ENOUGH_FACTS: Final = 10  # words of the fact
BASELINES: Final = ("random", "content_words", "content_words_new")
CURVE: Final = (0, 1, 2, 5, 10, 20, 40)
LEARNED: Final = "learned"


@dataclass(frozen=True, eq=False)
class Trust:
    """`report` as `signal_report`, the learned scorer's figures held out; `rows` with words of both kinds.

    `verdict`: `few`, `nothing`, `no_better` or `better`. `above`: how far its AUROC is above that of
    `baseline`, the best of the plain ones, with an interval; NaN where there is too little to compare.
    """

    report: pd.DataFrame
    rows: int
    facts: int
    verdict: str
    baseline: str
    above: tuple[float, float, float]

    def figure(
        self, signal: str, name: str = "auroc", population: str = "words"
    ) -> tuple[float, float, float]:
        """Return a word figure of a signal with its interval: value, low, high."""
        found = self.report[
            (self.report["signal"] == signal)
            & (self.report["granularity"] == "word")
            & (self.report["population"] == population)
        ].iloc[0]
        return float(found[name]), float(found[f"{name}_low"]), float(found[f"{name}_high"])


@dataclass(frozen=True)
class CurvePoint:
    """Word figures after `rows` marked rows: means over draws, with the lowest and highest AUROC."""

    rows: int
    auroc: float
    low: float
    high: float
    precision: float


def groups_of(subjects: Sequence[str], answers: Sequence[str] = ()) -> NDArray[np.int64]:
    """Return the group of each row: its subject where any subject repeats, else the row itself; int [rows].

    Rows of one group are held out together. Where all rows are about one subject each is a group by itself.
    Rows with the same of `answers` are of one group whatever their subject: a fit that has seen one has seen
    the other.
    """
    names = [fold(subject).casefold() for subject in subjects]
    known = [name for name in names if name]
    if len(set(known)) == len(known) or len(set(names)) == 1:
        group = np.arange(len(names))
    else:
        alone = [name or f"\0{place}" for place, name in enumerate(names)]
        group = np.unique(alone, return_inverse=True)[1].astype(np.int64)
    first: dict[str, int] = {}
    for place, answer in enumerate(answers):
        other = group[first.setdefault(answer, place)]
        group[group == group[place]] = other
    return np.unique(group, return_inverse=True)[1].astype(np.int64)


def trust(
    table: pd.DataFrame,
    states: NDArray[np.float32],
    labels: ArrayLike,
    basis: Basis,
    groups: ArrayLike,
    signals: Sequence[str],
    settings: FitSettings = DEFAULTS,
    draws: int = 1000,
    taught: ArrayLike | None = None,
    before_fit: Callable[[], None] = lambda: None,
) -> Trust:
    """Return the figures of the learned scorer and of `signals` against the marks.

    `table`: the exchange table of the rows; of its tokens `states` [tokens, width] and `labels` [tokens],
    what marks say (1, 0, NaN); `groups` [rows], in the order of the table. `basis` must not hold any of the
    rows. The baselines are always reported. `taught` [tokens] is the part of the labels that a fit may see,
    all unless it is given; `before_fit` is called before each fit, and what it raises ends the work.
    """
    words = words_of_table(table, states, labels)
    seen = words if taught is None else words_of_table(table, states, taught)
    group = np.asarray(groups)[words.rows]
    rows = pd.factorize(table["row_id"])[0]
    logits = held_out(basis, seen, group, settings, before_fit)
    values = on_tokens(probability(logits), words, rows, table["word_id"])
    marked = table.assign(gold=np.asarray(labels, dtype=np.float64), **{LEARNED: values})
    known = words.known
    both, facts = _rows_of_both(known), int(known.labels.sum())
    # rows without a mark would be drawn and add nothing
    marked = marked[np.isin(rows, np.unique(known.rows))]
    names = tuple(dict.fromkeys((LEARNED, *signals, *BASELINES)))
    report = signal_report(marked, names, draws)
    if both < ENOUGH_ROWS or facts < ENOUGH_FACTS:
        return Trust(report, both, facts, "few", BASELINES[0], (np.nan, np.nan, np.nan))
    of_words = report[(report["granularity"] == "word") & (report["population"] == "words")].set_index(
        "signal"
    )
    baseline = str(of_words["auroc"][list(BASELINES)].idxmax())
    above = auroc_difference(marked, LEARNED, baseline, draws=draws)
    if not _least(of_words["auroc"][LEARNED], of_words["auroc_low"][LEARNED]) > 0.5:
        verdict = "nothing"
    else:
        verdict = "better" if _least(*above[:2]) > 0 else "no_better"
    return Trust(report, both, facts, verdict, baseline, above)


def _least(figure: float, low: float) -> float:
    """Return the least that a figure may be: where all draws agree there is no bound, and each says this."""
    return figure if np.isnan(low) else low


def words_of_table(table: pd.DataFrame, states: NDArray[np.float32], labels: ArrayLike) -> Words:
    """Return the words of an exchange table from its tokens' `states` [tokens, width], `labels` [tokens]."""
    left_out = table["is_subject"].astype(bool) | table["is_punctuation"].astype(bool)
    return words_of(states, pd.factorize(table["row_id"])[0], table["word_id"], left_out, labels)


def said(found: Trust) -> str:
    """Return the verdict in a sentence, with its figures."""
    if found.verdict == "few":
        return (
            f"Not enough marks yet: {_counted(found.rows, 'row')} ({ENOUGH_ROWS} are needed) "
            f"with {_counted(found.facts, 'word')} of the fact ({ENOUGH_FACTS} are needed)."
        )
    value, low, high = found.figure(LEARNED)
    plain, *_ = found.figure(found.baseline)
    interval = f" [{low:.2f}, {high:.2f}]" if np.isfinite(low) else ""
    figures = f"AUROC {value:.2f}{interval} held out on {found.rows} rows"
    words = SIGNALS[found.baseline].short
    if found.verdict == "nothing":
        return f"Nothing was learned from these marks: {figures}, where .50 is chance."
    if found.verdict == "no_better":
        return f"The learned scorer is no better than {words} ({plain:.2f}): {figures}."
    return f"The learned scorer finds the marked words: {figures}; {words} {plain:.2f}."


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def learning_curve(
    words: Words,
    basis: Basis,
    groups: ArrayLike,
    settings: FitSettings = DEFAULTS,
    counts: Sequence[int] = CURVE,
    draws: int = 8,
    seed: int = 0,
    before_fit: Callable[[], None] = lambda: None,
) -> list[CurvePoint]:
    """Return what the first 0, 1, 2 … marked rows taught, measured on marked rows that no fit has seen.

    Of each draw about half of the rows are tested, the same for every count, and no row of their `groups`
    ([rows], by the numbers in `words`) teaches. Empty where too few rows, or rows of one group, are marked.
    `before_fit` is called before each fit; what it raises ends the work.
    """
    known = words.known
    rows = np.unique(known.rows)
    group = np.asarray(groups)[rows]
    if len(np.unique(group)) < 2 or _rows_of_both(known) < ENOUGH_ROWS:
        return []
    random = np.random.default_rng(seed)
    cuts = [halves(rows, group, random) for _ in range(draws)]
    most = min(len(taught) for taught, _ in cuts)
    alone = solution(basis, None, settings)
    points = []
    for count in (count for count in counts if count <= most):
        figures = []
        for taught, apart in cuts:
            before_fit()
            marks = known.only(np.isin(known.rows, taught[:count]))
            fitted = solution(basis, marks, settings) if count else alone
            tested = known.only(np.isin(known.rows, apart))
            logits = basis.standardised(tested.states) @ fitted.coef + fitted.intercept
            figures.append((auroc(logits, tested.labels), precision_at_gold(logits, tested.labels)))
        areas, precisions = np.array(figures).T
        mean, low, high = (float(f(areas)) for f in (np.nanmean, np.nanmin, np.nanmax))
        points.append(CurvePoint(count, mean, low, high, float(np.nanmean(precisions))))
    return points


def halves(
    rows: NDArray[np.int64], group: NDArray[np.int64], random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows of some groups in random order, and those of the others.

    As near to half as groups allow.
    """
    order = random.permutation(np.unique(group))
    sizes = np.cumsum([np.count_nonzero(group == each) for each in order[:-1]])
    first = order[: 1 + int(np.argmin(np.abs(sizes - len(rows) / 2)))]
    taught = np.isin(group, first)
    return random.permutation(rows[taught]), rows[~taught]


def _rows_of_both(known: Words) -> int:
    """Return how many rows have words of the fact and other words."""
    facts = set(known.rows[known.labels == 1].tolist())
    return len(facts & set(known.rows[known.labels == 0].tolist()))
