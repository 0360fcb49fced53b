"""How well signals find what annotators mark in TOFU, by word, split by split and annotation by annotation.

1. Score the 400 rows of forget10 and keep their states: author by author, in the folder. 2. Compare with
each annotation: the learned scorer from our annotated rows alone (all, or the 79 of the demo), after 5, 10
and 20 marked rows of the split, and with each author held out; other signals; the plain baselines; and the
other annotations of the same rows. Intervals are bootstraps over rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from benchmarks.tofu.rows import AGAIN, AUTHOR, FIRST, annotations_of, tofu_rows
from tokenunlearn.audit.audited import ALONE, LABELS
from tokenunlearn.audit.trust import BASELINES, LEARNED, words_of_table
from tokenunlearn.data.demo import DEMO_NAMES, demo_rows
from tokenunlearn.data.rows import Row
from tokenunlearn.learned.fit import DEFAULTS, Basis, basis_of, fit, held_out, solution
from tokenunlearn.learned.fitted import Annotated, annotated, fitted_for, layer_of, row_states
from tokenunlearn.learned.marks import Marks, token_labels
from tokenunlearn.learned.scorer import probability
from tokenunlearn.learned.words import Words, on_tokens
from tokenunlearn.metrics.agreement import cohens_kappa, marked_words
from tokenunlearn.metrics.attribution import auroc, precision_at_gold, signal_report
from tokenunlearn.models.loading import LoadedModel, load_model
from tokenunlearn.scoring import FREE_SIGNALS, ScoreConfig, score
from tokenunlearn.signals import SIGNALS
from tokenunlearn.signals.learned import learned
from tokenunlearn.table import read_table, write_table

# Five whole passes a row. Not measured: the name hidden (one more); what needs an adapter, as none is there.
OTHERS: Final = ("knowledge_swap", "knowledge_prompt", "entropy", "entropy_masked", "loss")
DEMO: Final = "learned_demo"
MARKED, DRAWS = (5, 10, 20), 8
OF_ONE: Final = 10  # marked rows of one author
NAMES: Final = LABELS | {
    DEMO: "Learned from the demo's 79 rows alone",
    LEARNED: "Learned, each author held out",
}


@dataclass(frozen=True, eq=False)
class Measured:
    """All rows of forget10: their exchange table, and the states of its tokens [tokens, width]."""

    rows: Sequence[Row]
    table: pd.DataFrame
    states: np.ndarray
    basis: Basis


def run(data: Path, folder: Path) -> int:
    """Print a report for each split and annotation under the embedded model; 0."""
    compare(load_model(precision="fp32"), data, folder, OTHERS)
    return 0


def compare(model: LoadedModel, data: Path, folder: Path, others: Sequence[str]) -> None:
    """Print a report for each split and annotation; `others` are signals that need passes of the model."""
    measured = measure(model, tofu_rows(data), folder, others)
    annotations = annotations_of(data)
    for split, first in FIRST.items():
        ids = [row.id for row in measured.rows[first:]]
        for name, marks in annotations.items():
            if name == AGAIN and split != "forget01":
                continue  # the second pass is over these rows only
            known = {other: found for other, found in annotations.items() if other != name}
            marked = {each: marks[each] for each in ids if each in marks}
            print(f"\n{split}, {name}: " + "\n".join(report(measured, marked, known)), flush=True)


def measure(model: LoadedModel, rows: Sequence[Row], folder: Path, others: Sequence[str]) -> Measured:
    """The scores and states of the rows, computed once and kept in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    layer = layer_of(model)
    states = states_in(model, rows, layer, folder)
    table = scored(model, rows, folder, (*others, *FREE_SIGNALS))
    ours = annotated(model, layer)
    table[ALONE] = on_rows(table, fitted_for(model, folder=folder / "scorers").logits(states))
    table[DEMO] = on_rows(table, fit(of_demo(ours), None, layer).logits(states))
    return Measured(rows, table, states, ours.basis())


def states_in(model: LoadedModel, rows: Sequence[Row], layer: int, folder: Path) -> np.ndarray:
    """The states of all answer tokens, float32 [tokens, width], kept in the folder."""
    path = folder / f"states-{layer}.npy"
    if not path.is_file():
        np.save(path, row_states(model, rows, layer))
    return np.asarray(np.load(path))


def scored(model: LoadedModel, rows: Sequence[Row], folder: Path, signals: Sequence[str]) -> pd.DataFrame:
    """The exchange table; each author's part is kept as soon as it is there."""
    parts = []
    for first in range(0, len(rows), AUTHOR):
        path = folder / f"scores-{first}.parquet"
        part = read_table(path) if path.is_file() else pd.DataFrame()
        if not set(signals) <= set(part):
            part = score(model, rows[first : first + AUTHOR], ScoreConfig(signals=tuple(signals)))
            write_table(part, path)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def on_rows(table: pd.DataFrame, logits: np.ndarray) -> np.ndarray:
    """The signal `learned` from the logits of all tokens of a table, row by row; [tokens]."""
    left_out = (table["is_subject"] | table["is_punctuation"]).to_numpy(dtype=bool)
    words = table["word_id"].to_numpy()
    places = table.groupby("row_id", sort=False).indices.values()
    return np.concatenate([learned(logits[at], words[at], left_out[at]) for at in places])


def of_demo(ours: Annotated) -> Basis:
    """A basis of the demo's rows alone."""
    sets = {row.set for name in DEMO_NAMES for row in demo_rows(name)}
    kept = np.array([row.set in sets for row in ours.rows])
    return basis_of(ours.words.only(kept[ours.words.rows]))


def report(measured: Measured, marks: Marks, annotations: Mapping[str, Marks]) -> list[str]:
    """The figures of the marked rows as lines; `annotations` are the others, by name."""
    kept = measured.table["row_id"].isin(marks).to_numpy()
    table, states = measured.table[kept].reset_index(drop=True), measured.states[kept]
    labels = labels_of(table, measured.rows, marks)
    texts = {row.id: row.answer for row in measured.rows}
    ids = [str(each) for each in table["row_id"].unique()]
    authors = np.array([int(each.split("-")[1]) // AUTHOR for each in ids])
    tokens = f"{int(labels.sum())} of {len(table)} tokens marked"
    head = [f"{len(ids)} rows of {len(set(authors))} authors, {tokens}"]
    names = {signal: entry.label for signal, entry in SIGNALS.items()} | NAMES
    for other, known in annotations.items():
        both = [each for each in ids if each in known]
        if not both:
            continue
        table[other] = labels_of(table, measured.rows, known)
        names[other] = f"Annotation: {other}, {len(both)} rows"
        head.append(f"  {other}: κ {agreement(texts, both, marks, known):.2f} on {len(both)} rows")
    words, content = words_of_table(table, states, labels), content_of(table)
    logits = held_out(measured.basis, words, authors[words.rows])
    rows = pd.factorize(table["row_id"])[0]
    table[LEARNED] = on_tokens(probability(logits), words, rows, table["word_id"])
    others = [name for name in (*OTHERS, *BASELINES, *annotations) if name in table]
    signals = (ALONE, DEMO, LEARNED, *others)
    figures = signal_report(
        table.assign(gold=labels), signals, granularities=("word",), populations=("words", "content")
    )
    marked = marked_lines(words, authors, content, measured.basis)
    return [*head, *signal_lines(figures, signals, names), *marked]


def agreement(texts: Mapping[str, str], ids: Sequence[str], first: Marks, second: Marks) -> float:
    """Cohen's κ of two annotations over the words of the rows `ids`."""
    one, two = (
        np.concatenate([marked_words(texts[each], marks[each].fact) for each in ids])
        for marks in (first, second)
    )
    return cohens_kappa(one, two)


def labels_of(table: pd.DataFrame, rows: Sequence[Row], marks: Marks) -> np.ndarray:
    """What the marks say of each token of the table, [tokens]: 1, 0, NaN."""
    answers = {row.id: row.answer for row in rows}
    parts = []
    for name, place in table.groupby("row_id", sort=False).indices.items():
        part = table.iloc[place]
        offsets = list(zip(part["char_start"].tolist(), part["char_end"].tolist(), strict=True))
        parts.append(token_labels(answers[str(name)], offsets, marks.get(str(name))))
    return np.concatenate(parts)


def signal_lines(figures: pd.DataFrame, signals: Sequence[str], names: Mapping[str, str]) -> list[str]:
    """A line a signal: AUROC, P@|gold| and AUROC among content words, each with its interval; by word."""
    by_word = figures.set_index(["signal", "population"])
    wanted = (("words", "auroc"), ("words", "precision_at_gold"), ("content", "auroc"))
    lines = [f"  {'by word':<44}{'AUROC':<20}{'P@|gold|':<20}{'AUROC, content words':<20}".rstrip()]
    for signal in signals:
        cells = []
        for population, name in wanted:
            line = by_word.loc[(signal, population)]
            cells.append(f"{line[name]:.3f} [{line[f'{name}_low']:.2f}, {line[f'{name}_high']:.2f}]")
        lines.append(f"  {names[signal]:<44}" + "".join(f"{cell:<20}" for cell in cells).rstrip())
    return lines


def content_of(table: pd.DataFrame) -> np.ndarray:
    """Which of the words that count are no stop words, [words]."""
    none = np.zeros((len(table), 0), np.float32)
    return np.asarray(words_of_table(table, none, table["is_stop_word"]).labels == 0)


def marked_lines(words: Words, authors: np.ndarray, content: np.ndarray, basis: Basis) -> list[str]:
    """What marked rows teach: so many of any author, tested on all other rows; ten of one, on other authors.

    `authors` [rows]. The last line says whether the others only know the marked authors again.
    """
    lines, of = [], authors[words.rows]
    for count in MARKED:
        random = np.random.default_rng(0)
        marked = [np.isin(words.rows, random.permutation(len(authors))[:count]) for _ in range(DRAWS)]
        cuts = [(each, ~each) for each in marked]
        lines.append(
            marked_line(f"+ {count} marked rows, {DRAWS} draws (lowest–highest)", words, cuts, content, basis)
        )
    random, cuts = np.random.default_rng(0), []
    for author in random.permutation(np.unique(authors))[:DRAWS]:
        rows = random.permutation(np.flatnonzero(authors == author))[:OF_ONE]
        cuts.append((np.isin(words.rows, rows), of != author))
    name = f"+ {OF_ONE} of one author, the others, {len(cuts)} draws"
    return [*lines, marked_line(name, words, cuts, content, basis)]


def marked_line(
    name: str,
    words: Words,
    cuts: Sequence[tuple[np.ndarray, np.ndarray]],
    content: np.ndarray,
    basis: Basis,
) -> str:
    """The figures over cuts into marked and tested words: mean, lowest and highest."""
    figures = [tested(basis, words, marked, apart, content) for marked, apart in cuts]
    means, lows, highs = np.mean(figures, 0), np.min(figures, 0), np.max(figures, 0)
    cells = [f"{m:.3f} ({low:.2f}–{high:.2f})" for m, low, high in zip(means, lows, highs, strict=True)]
    return f"  {name:<44}" + "".join(f"{cell:<20}" for cell in cells).rstrip()


def tested(
    basis: Basis, words: Words, marked: np.ndarray, apart: np.ndarray, content: np.ndarray
) -> tuple[float, float, float]:
    """AUROC, P@|gold| and AUROC among content words, on the words `apart` after those `marked`."""
    fitted = solution(basis, words.only(marked), DEFAULTS)
    rest = words.only(apart)
    logits = basis.standardised(rest.states) @ fitted.coef + fitted.intercept
    of_content = content[apart]
    return (
        auroc(logits, rest.labels),
        precision_at_gold(logits, rest.labels),
        auroc(logits[of_content], rest.labels[of_content]),
    )
