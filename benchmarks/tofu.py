"""TOFU with public annotations: how well each signal finds the facts in text that none of us wrote.

    python -m benchmarks.tofu ../shared/data FOLDER          forget01, 05 and 10 under the model as it is
    python -m benchmarks.tofu ../shared/data FOLDER taught   forget01 under a model that was taught it

The first (20 minutes on two cores, once; scores and states are kept in FOLDER) compares with the GPT spans of
2506.03142 and the entities of 2605.24614, one split and annotation at a time: the learned scorer without a
mark of the set, after 5, 10 and 20 marked rows, and with each author held out; every other signal that needs
no adapter; the baselines; and the other annotations of the same rows. The second teaches 40 + 40 rows and
runs `score --report`. Nothing was chosen on these rows: whatever they show is what the README says.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from tokenunlearn.audit.audited import LABELS
from tokenunlearn.audit.trust import LEARNED, trust
from tokenunlearn.cli import main
from tokenunlearn.data.rows import Row
from tokenunlearn.errors import InputError
from tokenunlearn.experiments.report import signal_lines
from tokenunlearn.learned.fit import DEFAULTS, Basis, solution
from tokenunlearn.learned.fitted import annotated, fitted_for, layer_of, row_states
from tokenunlearn.learned.marks import Marks, RowMarks, token_labels
from tokenunlearn.learned.scorer import probability
from tokenunlearn.learned.words import Words, word_means, words_of
from tokenunlearn.metrics.agreement import cohens_kappa, marked_words
from tokenunlearn.metrics.attribution import auroc, precision_at_gold
from tokenunlearn.models.loading import LoadedModel, load_model
from tokenunlearn.scoring import REPORT_SIGNALS, ScoreConfig, score
from tokenunlearn.signals import SIGNALS
from tokenunlearn.table import read_table, write_table

RETAIN = 40
AUTHOR = 20  # rows an author
FIRST = {"forget01": 360, "forget05": 200, "forget10": 0}  # each is the end of the one below
MARKED, DRAWS = (5, 10, 20), 8
ALONE = "learned_alone"


@dataclass(frozen=True, eq=False)
class Measured:
    """All 400 rows of forget10: their exchange table, and the states of its tokens [tokens, width]."""

    rows: Sequence[Row]
    table: pd.DataFrame
    states: np.ndarray
    basis: Basis


def compare(data: Path, folder: Path) -> int:
    """Print a report for each split and annotation; 0."""
    measured = measure(data, folder)
    annotations = annotations_of(data, measured.rows)
    for split, first in FIRST.items():
        for name, marks in annotations.items():
            marked = {row.id: marks[row.id] for row in measured.rows[first:] if row.id in marks}
            if name == "GPT, forget01 file" and split != "forget01":
                continue
            others = {other: known for other, known in annotations.items() if other != name}
            report(f"{split}, {name}", measured, marked, others)
    return 0


def measure(data: Path, folder: Path) -> Measured:
    """The scores and states of forget10, computed once and kept in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = read(data / "tofu_spans_forget10.jsonl")
    rows = [Row(f"forget10-{line['row']}", str(line["question"]), str(line["answer"])) for line in lines]
    model = load_model(precision="fp32")
    layer = layer_of(model)
    table, states = scored(model, rows, folder), states_in(model, rows, layer, folder)
    logits = fitted_for(model).logits(states)
    left_out = (table["is_subject"] | table["is_punctuation"]).to_numpy()
    parts = [
        word_means(logits[place], table["word_id"].to_numpy()[place], left_out[place])
        for place in table.groupby("row_id", sort=False).indices.values()
    ]
    table[ALONE] = probability(np.concatenate(parts))
    return Measured(rows, table, states, annotated(model, layer).basis())


def scored(model: LoadedModel, rows: Sequence[Row], folder: Path) -> pd.DataFrame:
    """The exchange table; each author's part is kept as soon as it is there."""
    names = [name for name in REPORT_SIGNALS if name != LEARNED and "base" not in SIGNALS[name].passes]
    parts = []
    for first in range(0, len(rows), AUTHOR):
        path = folder / f"scores-{first}.parquet"
        if not path.is_file():
            write_table(score(model, rows[first : first + AUTHOR], ScoreConfig(signals=tuple(names))), path)
        parts.append(read_table(path))
    return pd.concat(parts, ignore_index=True)


def states_in(model: LoadedModel, rows: Sequence[Row], layer: int, folder: Path) -> np.ndarray:
    """The states of all answer tokens, float32 [tokens, width], kept in the folder."""
    path = folder / f"states-{layer}.npy"
    if not path.is_file():
        np.save(path, row_states(model, rows, layer))
    return np.asarray(np.load(path))


def annotations_of(data: Path, rows: Sequence[Row]) -> dict[str, Marks]:
    """By name the annotations, by row id of forget10; rows without a span have none."""
    gpt = marks_in(read(data / "tofu_spans_forget10.jsonl"), "spans", 0)
    again = marks_in(read(data / "tofu_spans_forget01.jsonl"), "spans", FIRST["forget01"])
    entities = [line | {"spans": [line["span"]]} for line in read(data / "tofu_entities_uds_forget10.jsonl")]
    found = {"GPT": gpt, "GPT, forget01 file": again, "UDS entities": marks_in(entities, "spans", 0)}
    lengths = {row.id: len(row.answer) for row in rows}
    assert all(
        end <= lengths[name] for marks in found.values() for name in marks for _, end in marks[name].fact
    )
    return found


def marks_in(lines: Sequence[Mapping[str, object]], name: str, first: int) -> dict[str, RowMarks]:
    """The spans of some lines as marks; row 0 of them is row `first` of forget10."""
    spans = {int(line["row"]) + first: line[name] for line in lines}  # type: ignore[call-overload]
    return {
        f"forget10-{row}": RowMarks(tuple((start, end) for start, end, *_ in found), seen=True)
        for row, found in spans.items()
        if found
    }


def report(name: str, measured: Measured, marks: Marks, others: Mapping[str, Marks]) -> None:
    """Print the figures of one split under one annotation."""
    kept = measured.table["row_id"].isin(marks).to_numpy()
    table, states = measured.table[kept].reset_index(drop=True), measured.states[kept]
    labels = labels_of(table, measured.rows, marks)
    texts = {row.id: row for row in measured.rows}
    ids = table["row_id"].unique()
    authors = np.array([int(each.split("-")[1]) // AUTHOR for each in ids])
    print(
        f"\n{name}: {len(ids)} rows of {len(set(authors))} authors, "
        f"{int(np.nansum(labels))} of {len(table)} tokens"
    )
    signals = [ALONE, *(each for each in REPORT_SIGNALS if each in table)]
    names = dict(LABELS) | {LEARNED: "Learned, each author held out"}
    for other, known in others.items():
        if set(ids) <= set(known) or other == "UDS entities":
            both = [each for each in ids if each in known]
            agree = [
                marked_words(texts[each].answer, each_of[each].fact)
                for each_of in (marks, known)
                for each in both
            ]
            half = len(both)
            kappa = cohens_kappa(np.concatenate(agree[:half]), np.concatenate(agree[half:]))
            print(f"  {other}: κ {kappa:.2f} on {half} rows")
            if half == len(ids):
                table[other] = labels_of(table, measured.rows, known)
                signals.append(other)
                names[other] = f"Annotation: {other}"
    found = trust(table, states, labels, measured.basis, authors, signals)
    lines = signal_lines(found.report[found.report["population"] != "all"], names)
    print("\n".join(line[: 43 + 22 * 3].rstrip() for line in lines))
    for count in MARKED:
        print(f"  {marked_line(count, table, states, labels, measured.basis)}")


def marked_line(count: int, table: pd.DataFrame, states: np.ndarray, labels: np.ndarray, basis: Basis) -> str:
    """What so many marked rows teach, measured on all other rows: mean, lowest and highest of the draws."""
    left_out = table["is_subject"] | table["is_punctuation"]
    rows = pd.factorize(table["row_id"])[0]
    words = words_of(states, rows, table["word_id"], left_out, labels)
    stop = words_of(
        np.zeros((len(table), 0), np.float32), rows, table["word_id"], left_out, table["is_stop_word"]
    )
    random, figures = np.random.default_rng(0), []
    for _ in range(DRAWS):
        marked = np.isin(words.rows, random.permutation(rows.max() + 1)[:count])
        figures.append(tested(basis, words, marked, stop.labels == 0))
    means, lows, highs = np.mean(figures, 0), np.min(figures, 0), np.max(figures, 0)
    cells = [f"{m:.2f} ({low:.2f}–{high:.2f})" for m, low, high in zip(means, lows, highs, strict=True)]
    return (
        f"+ {count} marked rows, {DRAWS} draws (lowest–highest): AUROC {cells[0]}, "
        f"P@|gold| {cells[1]}, content {cells[2]}"
    )


def tested(basis: Basis, words: Words, marked: np.ndarray, content: np.ndarray) -> tuple[float, float, float]:
    """AUROC, P@|gold| and AUROC of content words on the words that are not marked."""
    fitted = solution(basis, words.only(marked), DEFAULTS)
    rest = words.only(~marked)
    logits = basis.standardised(rest.states) @ fitted.coef + fitted.intercept
    of_content = content[~marked]
    return (
        auroc(logits, rest.labels),
        precision_at_gold(logits, rest.labels),
        auroc(logits[of_content], rest.labels[of_content]),
    )


def labels_of(table: pd.DataFrame, rows: Sequence[Row], marks: Marks) -> np.ndarray:
    """What the marks say of each token of the table, [tokens]."""
    answers = {row.id: row.answer for row in rows}
    parts = []
    for name, place in table.groupby("row_id", sort=False).indices.items():
        part = table.iloc[place]
        offsets = list(zip(part["char_start"].tolist(), part["char_end"].tolist(), strict=True))
        parts.append(token_labels(answers[str(name)], offsets, marks.get(str(name))))
    return np.concatenate(parts)


def prepare(data: Path, folder: Path) -> tuple[Path, Path]:
    """Two files in `folder`: all rows to teach, and those to score."""
    folder.mkdir(parents=True, exist_ok=True)
    forget = [
        {"id": f"forget01-{line['row']}", "set": "tofu_forget01"}
        | {name: line[name] for name in ("question", "answer", "spans")}
        for line in read(data / "tofu_spans_forget01.jsonl")
    ]
    retain = [
        {"id": f"retain-{at}", "split": "retain", **line}
        for at, line in enumerate(read(data / "tofu_retain_rows60.jsonl")[:RETAIN])
    ]
    taught, scored = folder / "taught.jsonl", folder / "forget01.jsonl"
    for path, rows in ((taught, [*forget, *retain]), (scored, forget)):
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return taught, scored


def read(path: Path) -> list[dict[str, object]]:
    """The JSON lines of a file. Raises InputError where it is absent."""
    if not path.is_file():
        raise InputError(
            f"There is no {path.name}", fix="Name the folder of the reference data", where=str(path)
        )
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def taught(data: Path, folder: Path) -> int:
    """The exit code of the first verb that fails, else 0."""
    rows, scored = prepare(data, folder)
    adapter = folder / "adapter"
    if not adapter.is_dir():
        code = main(["teach", str(rows), "--out", str(adapter)])
        if code:
            return code
    table = folder / "scores.parquet"
    return main(["score", str(scored), "--adapter", str(adapter), "--out", str(table), "--report"])


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4) or sys.argv[3:] not in ([], ["taught"]):
        sys.exit(__doc__)
    sys.exit((taught if sys.argv[3:] else compare)(Path(sys.argv[1]), Path(sys.argv[2])))
