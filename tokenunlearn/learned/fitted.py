"""The scorer of a model: shipped, kept, or fitted from the annotated rows in seconds.

States are those of the model with its adapter off: one scorer then serves a model under any target.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final
from weakref import WeakKeyDictionary

import numpy as np

from tokenunlearn.data.demo import ASSETS, annotated_rows
from tokenunlearn.data.rows import Row
from tokenunlearn.errors import InputError, ModelError
from tokenunlearn.fitting import fitting_encoding
from tokenunlearn.learned.fit import DEFAULTS, Basis, FitSettings, basis_of, fit
from tokenunlearn.learned.marks import Marks, marks_of_rows, marks_to, token_labels
from tokenunlearn.learned.scorer import Scorer
from tokenunlearn.learned.scorer_files import read_scorer, write_scorer
from tokenunlearn.learned.word_files import read_words, write_words
from tokenunlearn.learned.words import Words, words_of
from tokenunlearn.models.embedded import EMBEDDED_NAME, cache_root
from tokenunlearn.models.forward import causal_model, without_adapter
from tokenunlearn.models.hidden import depth, hidden_states
from tokenunlearn.models.loading import LoadedModel, text_hash
from tokenunlearn.text.encoding import Encoding
from tokenunlearn.text.spans import punctuation, subject_of, subject_spans, tokens_in, word_ids

SHIPPED: Final = ASSETS / "learned"
MOST_TOKENS: Final = 32_768  # what scoring takes at most
_FIT_AGAIN: Final = "Fit one on this model: python -m tokenunlearn fit ROWS --out FOLDER"

_tokens: "WeakKeyDictionary[Any, str]" = WeakKeyDictionary()
_annotated: "WeakKeyDictionary[Any, dict[int, Annotated]]" = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Annotated:
    """The annotated rows that a model can read, and their words; `words.rows` are numbers of `rows`."""

    rows: tuple[Row, ...]
    words: Words

    def basis(self, without: str = "", beside: Sequence[Row] = ()) -> Basis:
        """Return a basis of the words; rows of the kind `without` and texts of `beside` take no part."""
        texts = {text_of(row) for row in beside}
        kept = [row.set != without and text_of(row) not in texts for row in self.rows]
        return basis_of(self.words.only(np.array(kept, dtype=bool)[self.words.rows]))


def text_of(row: Row) -> tuple[str, str]:
    """Return what makes two rows the same to a scorer: question and answer."""
    return row.question, row.answer


def layer_of(model: LoadedModel, settings: FitSettings = DEFAULTS) -> int:
    """Return the layer after which states are read: the share of the depth, at least 1."""
    return max(1, round(settings.layer_share * depth(model)))


def states_of(model: LoadedModel, encodings: Sequence[Encoding], layer: int) -> list[np.ndarray]:
    """Return the states that scorers are fitted on and score, adapter off; float32 [tokens, width] a row."""
    with without_adapter(model.model):
        return hidden_states(model, encodings, layer)


def row_states(model: LoadedModel, rows: Sequence[Row], layer: int) -> np.ndarray:
    """Return the states of all answer tokens of the rows, one row after the other; float32 [tokens, width].

    Raises InputError for a row that does not fit.
    """
    return np.concatenate(
        states_of(model, [fitting_encoding(model, row, MOST_TOKENS) for row in rows], layer)
    )


def words_of_rows(model: LoadedModel, rows: Sequence[Row], marks: Marks, layer: int) -> Words:
    """Return the words of the rows, with what the marks say.

    Raises InputError for a row that does not fit.
    """
    encodings = [fitting_encoding(model, row, MOST_TOKENS) for row in rows]
    states = states_of(model, encodings, layer)
    texts = [_texts(row, encoding, marks) for row, encoding in zip(rows, encodings, strict=True)]
    places = np.repeat(np.arange(len(rows)), [len(each) for each in states])
    numbers, left_out, labels = (np.concatenate(column) for column in zip(*texts, strict=True))
    return words_of(np.concatenate(states), places, numbers, left_out, labels)


def _texts(row: Row, encoding: Encoding, marks: Marks) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return per answer token: its word's number, whether it is left out, what the marks say of it."""
    answer, offsets = row.answer, encoding.answer_offsets
    subject, _ = subject_of(row.question, answer, row.subject)
    names = [(start, end) for start, end, _ in subject_spans(answer, subject)]
    left_out = tokens_in(answer, offsets, names) | punctuation(answer, offsets)
    return word_ids(answer, offsets), left_out, token_labels(answer, offsets, marks.get(row.id))


def annotated(model: LoadedModel, layer: int) -> Annotated:
    """Return our annotated rows under a model: run once per layer, then kept in memory and on disk.

    A minute on two busy processors for the embedded model; read back in a moment.
    """
    known = _annotated.setdefault(causal_model(model.model), {})
    if layer not in known:
        rows = tuple(row for row in annotated_rows() if _encoded(model, row))
        decided = [model.base_id(), annotated_hash(), layer, model.precision, _read_as(model)]
        path = cache_root() / "annotated" / f"words-{text_hash(json.dumps(decided))}.safetensors"
        words = read_words(path)
        if words is None:
            words = words_of_rows(model, rows, marks_of_rows(rows), layer)
            with suppress(OSError):  # a full disk: they are measured again
                path.parent.mkdir(parents=True, exist_ok=True)
                write_words(path, words)
        known[layer] = Annotated(rows, words)
    return known[layer]


def scorers_for(model: LoadedModel, rows: Sequence[Row], settings: FitSettings = DEFAULTS) -> list[Scorer]:
    """Return a scorer for each of the rows: one of our own annotated rows has that of the other kinds.

    So no row is scored by what was fitted on it, nor on others of its kind.
    """
    kinds = _kinds()
    names = [kinds.get(text_of(row), "") for row in rows]
    found = {name: fitted_for(model, settings, name) for name in dict.fromkeys(names)}
    return [found[name] for name in names]


def fitted_for(
    model: LoadedModel, settings: FitSettings = DEFAULTS, without: str = "", folder: Path | None = None
) -> Scorer:
    """Return the model's scorer from our annotated rows alone: shipped, kept in `folder`, or fitted now.

    `without`: the kind of rows (`Row.set`) that it must not have seen. `folder` (None: beside the converted
    models) keeps what was fitted, under the hash of all that decides it.
    """
    layer, about = layer_of(model, settings), made_of(model, without)
    # a model's name changes with the path to it, its weights do not
    wanted = {name: text for name, text in about.items() if name != "model"} | {"C": f"{settings.C:g}"}

    def read(path: Path) -> Scorer | None:
        scorer = _read(path)
        fits = scorer and scorer.layer == layer and wanted.items() <= scorer.made_of.items()
        return scorer if fits else None

    ready = read(shipped(without))
    if ready:  # Before all our rows are read as tokens for the name of a file.
        return ready
    kept = folder or cache_root() / "scorers"
    decided = [layer, wanted, model.precision, _read_as(model)]
    place = kept / f"learned-{text_hash(json.dumps(decided))}.safetensors"
    ready = read(place)
    if ready:
        return ready
    scorer = fit(annotated(model, layer).basis(without), None, layer, settings, about)
    kept.mkdir(parents=True, exist_ok=True)
    write_scorer(place, scorer)
    return scorer


def shipped(without: str = "") -> Path:
    """Return where the embedded model's shipped scorer lies: of all annotated rows, or all but a kind."""
    return SHIPPED / f"{EMBEDDED_NAME}{f'-without-{without}' if without else ''}.safetensors"


def fit_marks(
    model: LoadedModel, rows: Sequence[Row], marks: Marks, settings: FitSettings = DEFAULTS
) -> Scorer:
    """Return the scorer of our annotated rows and of the marks on `rows`.

    Of a row in both, only the marks count.

    So none of `rows` is scored by what is annotated on it. Raises InputError where the marks say nothing of
    any word that counts.
    """
    layer = layer_of(model, settings)
    marked = [row for row in rows if row.id in marks]
    words = words_of_rows(model, marked, marks, layer) if marked else None
    if words is None or np.isnan(words.labels).all():
        raise InputError("There is no mark to learn from", fix="Mark words as the fact or as not the fact")
    about = {**made_of(model), "marks": marks_hash(marked, marks)}
    return fit(annotated(model, layer).basis(beside=rows), words, layer, settings, about)


def marks_hash(rows: Sequence[Row], marks: Marks) -> str:
    """Return what the marks say, with the texts that they are on: 12 hex digits."""
    texts = [(row.id, row.question, row.answer, row.subject) for row in rows if row.id in marks]
    return text_hash(json.dumps([sorted(texts), marks_to({name: marks[name] for name, *_ in texts})]))


def refuse_other_model(scorer: Scorer, model: LoadedModel) -> None:
    """Raise ModelError for a scorer that was fitted on the states of another model."""
    if scorer.made_of.get("weights") != model.base_id():
        raise ModelError(
            what="The scorer is of another model.",
            why=f"It was fitted on {scorer.made_of.get('model', 'no known model')}, not on {model.name}.",
            fix=_FIT_AGAIN,
        )


def made_of(model: LoadedModel, without: str = "") -> dict[str, str]:
    """Return what a scorer of our annotated rows alone is fitted on.

    `without` as in `fitted_for`.
    """
    rows = annotated_hash()
    annotated = f"{rows} without {without}" if without else rows
    return {"model": model.name, "weights": model.base_id(), "annotated": annotated, "marks": "none"}


@cache
def annotated_hash() -> str:
    """Return what our annotated rows say: 12 hex digits."""
    return text_hash(json.dumps([[*text_of(row), row.subject, row.gold] for row in annotated_rows()]))


@cache
def _kinds() -> Mapping[tuple[str, str], str]:
    return {text_of(row): row.set for row in annotated_rows()}


def _read_as(model: LoadedModel) -> str:
    """Return what the model's tokenizer and chat template make of our annotated rows: 12 hex digits.

    Two folders with the same weights may differ in both, and then in every state.
    """
    known = causal_model(model.model)
    if known not in _tokens:
        read = [_encoded(model, row) for row in annotated_rows()]
        _tokens[known] = text_hash(json.dumps([each and each.ids for each in read]))
    return _tokens[known]


def _read(path: Path) -> Scorer | None:
    try:
        return read_scorer(path) if path.is_file() else None
    except ModelError:  # damaged: it is fitted again
        return None


def _encoded(model: LoadedModel, row: Row) -> Encoding | None:
    """Return the row as token ids; None for one that the model cannot read."""
    try:
        return fitting_encoding(model, row, MOST_TOKENS)
    except InputError:
        return None
