"""Which forward passes a group of rows needs, run once each; every mask's fallback is decided here.

The target pass is always run. A row without a subject is masked by its whole question, and says so.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, fields, replace
from types import MappingProxyType

import numpy as np

from tokenunlearn.data.rows import Row
from tokenunlearn.errors import InputError
from tokenunlearn.models.forward import PassScores, run_pass
from tokenunlearn.models.loading import LoadedModel
from tokenunlearn.signals import RowPasses
from tokenunlearn.text.encoding import Encoding, encode
from tokenunlearn.text.folding import fold
from tokenunlearn.text.masking import (
    aligned,
    prompt_positions,
    shares_word,
    subject_positions,
    swap_names,
    swap_subject,
)
from tokenunlearn.text.spans import propose_subjects, subject_spans

MOST_NAMES = 10


@dataclass(frozen=True)
class SubjectEdit:
    """The subject that a person gave a row, and the names put in its place; none: names of the set."""

    subject: str
    names: tuple[str, ...] = ()

    def check(self, row: Row) -> None:
        """Nothing; raises InputError for a subject that the row does not name, and for unfit names."""
        text = f"{row.question}\n{row.answer}"
        if not subject_spans(text, self.subject):
            inside = self.subject in text
            why = "stands only inside longer words" if inside else "stands neither in question nor answer"
            raise InputError(f"{self.subject[:60]!r} {why}", fix="Select whole words of them", where=row.id)
        if len(self.names) > MOST_NAMES:
            raise InputError(
                f"{len(self.names)} names are too many", f"At most {MOST_NAMES} are put in", where=row.id
            )
        for name in self.names:
            if not name.strip() or shares_word(self.subject, name):
                raise InputError(
                    f"The name {name[:60]!r} cannot be put in the place of {self.subject[:60]!r}",
                    "It is empty, or shares a word with it, and that word would stay",
                    "Give another name",
                    row.id,
                )


@dataclass(frozen=True)
class RowInfo:
    """How one row was masked. `subject_source`: row, edited, proposed or none; `masking` swap or prompt.

    `subject_spans`: where the subject stands in the question; none where it stands in the answer only.
    """

    row: Row
    subject: str
    subject_source: str
    subject_spans: tuple[tuple[int, int], ...]
    masking: str
    names: tuple[str, ...]


def row_info(row: Row, rows: Sequence[Row], count: int, edit: SubjectEdit | None = None) -> RowInfo:
    """How `row` is masked: its subject (edited, its own, proposed, or none) and up to `count` swap names.

    `rows` lend their names as the data give them: an edit of one row changes no other.
    """
    return _info(row, _lent_names(rows).get(row.set, ()), count, edit)


def row_infos(
    rows: Sequence[Row], count: int, edits: Mapping[str, SubjectEdit] = MappingProxyType({})
) -> list[RowInfo]:
    """How each of the rows is masked, with the edits by row id; they lend each other their names."""
    lent = _lent_names(rows)
    return [_info(row, lent.get(row.set, ()), count, edits.get(row.id)) for row in rows]


def _lent_names(rows: Sequence[Row]) -> dict[str, list[str]]:
    """Per set the subjects that stand in their own row: a topic beside the text is no name to put in.

    They are sorted, so that the same rows in another order get the same names, and each is there once.
    """
    found: dict[str, dict[str, str]] = {}
    for row in sorted(rows, key=lambda row: row.subject):
        if row.subject and subject_spans(f"{row.question}\n{row.answer}", row.subject):
            found.setdefault(row.set, {}).setdefault(fold(row.subject).lower(), row.subject)
    return {name: list(names.values()) for name, names in found.items()}


def _info(row: Row, others: Sequence[str], count: int, edit: SubjectEdit | None) -> RowInfo:
    subject, source = row.subject, "row"
    if edit:
        subject, source, row = edit.subject, "edited", replace(row, subject=edit.subject)
    elif not subject or not subject_spans(row.question + "\n" + row.answer, subject):
        proposed = propose_subjects(row.question, row.answer)
        subject, source = (proposed[0], "proposed") if proposed else ("", "none")
    spans = tuple((start, end) for start, end, _ in subject_spans(row.question, subject))
    names = tuple(swap_names(subject, others, count)) if subject else ()
    names = edit.names if edit and edit.names else names
    return RowInfo(row, subject, source, spans, "swap" if names else "prompt", names)


Measured = tuple[RowPasses, PassScores, PassScores | None]


def group_passes(
    model: LoadedModel, infos: Sequence[RowInfo], encodings: Sequence[Encoding], wanted: Set[str]
) -> list[Measured]:
    """Per row all `wanted` passes, the target's scores, and the masked ones that show alternatives."""
    target = run_pass(model.model, encodings, model.pad_id)
    results = [RowPasses(scores.log_probs, scores.entropies) for scores in target]
    masked: list[PassScores | None] = [None] * len(infos)
    if "base" in wanted:
        base = run_pass(model.model, encodings, model.pad_id, adapter_off=True)
        for result, scores in zip(results, base, strict=True):
            result.base, result.base_entropy = scores.log_probs, scores.entropies
    nameless = [index for index, info in enumerate(infos) if not info.names]
    asked = list(range(len(infos))) if "prompt" in wanted else nameless
    _prompt_passes(model, infos, encodings, asked, results, masked)
    named = [index for index, info in enumerate(infos) if info.names]
    if "swap" in wanted and named:
        _swap_passes(model, infos, encodings, named, results, masked)
    if "subject" in wanted and named:
        _subject_passes(model, infos, encodings, named, results)
    if "occlusion" in wanted:
        for result, encoding in zip(results, encodings, strict=True):
            result.occlusion = _occlusion_pass(model, encoding)
    return list(zip(results, target, masked, strict=True))


def _prompt_passes(
    model: LoadedModel,
    infos: Sequence[RowInfo],
    encodings: Sequence[Encoding],
    asked: Sequence[int],
    results: Sequence[RowPasses],
    masked: list[PassScores | None],
) -> None:
    """Fill the prompt columns of the asked rows, and all name masks of those that have no subject."""
    chosen = [encodings[index] for index in asked]
    hidden = [prompt_positions(encoding) for encoding in chosen]
    passes = run_pass(model.model, chosen, model.pad_id, hidden=hidden)
    for index, positions, scores in zip(asked, hidden, passes, strict=True):
        if not positions:  # a plain text has no question to hide: not known, which is not 0
            scores = _at_none(scores)
        results[index].prompt = scores.log_probs
        if not infos[index].names:  # no subject: every name mask falls back to the question, and says so
            masked[index] = scores
            results[index].subject = scores.log_probs
            results[index].swap, results[index].swap_entropy = scores.log_probs[None], scores.entropies[None]


def _subject_passes(
    model: LoadedModel,
    infos: Sequence[RowInfo],
    encodings: Sequence[Encoding],
    named: Sequence[int],
    results: Sequence[RowPasses],
) -> None:
    """Fill the subject column of the named rows: the name hidden from attention."""
    hidden = [
        subject_positions(encodings[i], infos[i].row.question, infos[i].row.answer, infos[i].subject)
        for i in named
    ]
    passes = run_pass(model.model, [encodings[i] for i in named], model.pad_id, hidden=hidden)
    for index, scores in zip(named, passes, strict=True):
        results[index].subject = scores.log_probs


def _swap_passes(
    model: LoadedModel,
    infos: Sequence[RowInfo],
    encodings: Sequence[Encoding],
    named: Sequence[int],
    results: Sequence[RowPasses],
    masked: list[PassScores | None],
) -> None:
    """Fill the swap columns of the named rows: one pass over all rows × names."""
    places = [(index, name) for index in named for name in infos[index].names]
    swaps = [
        swap_subject(infos[i].row.question, infos[i].row.answer, infos[i].subject, name) for i, name in places
    ]
    swapped = [encode(model.tokenizer, swap.question, swap.answer) for swap in swaps]
    by_name: dict[int, list[PassScores]] = {index: [] for index in named}
    passes = run_pass(model.model, swapped, model.pad_id)
    for (index, _), swap, encoding, scores in zip(places, swaps, swapped, passes, strict=True):
        found = aligned(encodings[index], encoding, swap.replaced)
        moved = (_at(getattr(scores, each.name), found) for each in fields(scores))
        by_name[index].append(PassScores(*moved))
    for index, found_by_name in by_name.items():
        log_probs = np.stack([scores.log_probs for scores in found_by_name])
        results[index].swap = log_probs
        results[index].swap_entropy = np.stack([scores.entropies for scores in found_by_name])
        masked[index] = _picked(found_by_name, most_moving(results[index].target, log_probs))


def most_moving(target: np.ndarray, swap: np.ndarray) -> np.ndarray:
    """The number of the name that moves each token most: int [tokens], from [tokens] and [names, tokens].

    Of equals the first; 0 where no name has the token.
    """
    return np.nan_to_num(np.abs(swap - target), nan=-1.0).argmax(axis=0)


def _picked(by_name: Sequence[PassScores], picks: np.ndarray) -> PassScores:
    """At each token the scores under the name that `picks` says."""
    places = np.arange(len(picks))
    columns = ([getattr(scores, each.name) for scores in by_name] for each in fields(PassScores))
    return PassScores(*(np.stack(column)[picks, places] for column in columns))


def _at(values: np.ndarray, found: np.ndarray) -> np.ndarray:
    """`values[found]`, NaN where `found` is −1."""
    picked = values[np.maximum(found, 0)].astype(np.float64)
    picked[found < 0] = np.nan
    return picked


def _at_none(scores: PassScores) -> PassScores:
    """The scores of a pass that says nothing: NaN, with the alternatives that it had."""
    nothing = np.full(scores.log_probs.shape, np.nan)
    return replace(scores, log_probs=nothing, entropies=nothing)


def _occlusion_pass(model: LoadedModel, encoding: Encoding) -> np.ndarray:
    """Log-probs of one row with each question token hidden in turn: float64 [hidden, tokens]."""
    positions = prompt_positions(encoding)
    passes = run_pass(model.model, [encoding] * len(positions), model.pad_id, hidden=[[p] for p in positions])
    if not passes:
        return np.full((1, encoding.answer_length), np.nan)
    return np.stack([scores.log_probs for scores in passes])
