"""Which rows a model can read: one that it cannot is told apart before anything runs, with its reason."""

from collections.abc import Sequence

from tokenunlearn.data.choices import by_letter, by_text
from tokenunlearn.data.rows import Row
from tokenunlearn.data.splits import Splits
from tokenunlearn.errors import InputError
from tokenunlearn.models.loading import LoadedModel
from tokenunlearn.text.encoding import Encoding, encode
from tokenunlearn.text.turns import check_written


def fitting_encoding(model: LoadedModel, row: Row, max_tokens: int) -> Encoding:
    """Return the row as token ids.

    Raises InputError for one of too many tokens, without an answer token, or that the chat template rewrites.
    """
    encoding = _readable(model, row, row.question, row.answer)
    if len(encoding.ids) > max_tokens:
        raise InputError(
            what=f"Row {row.id} has {len(encoding.ids):,} tokens.",
            why=f"At most {max_tokens:,} tokens a row are scored (setting max_tokens).",
            fix="Shorten the row, or raise max_tokens if the model reads that far.",
            where=row.id,
        )
    if encoding.answer_length == 0:
        raise InputError(what=f"Row {row.id} has no answer token.", fix="Give it an answer.", where=row.id)
    return encoding


def check_rows(model: LoadedModel, rows: Sequence[Row], other_words: bool = False) -> None:
    """Raise InputError for the first row that the model cannot read whole.

    With `other_words` its paraphrases, perturbed answers and choices, which probes ask for, are looked at.
    """
    for row in rows:
        _readable(model, row, row.question, row.answer)
        if other_words:
            _check_other_words(model, row)


def misfits(model: LoadedModel, rows: Sequence[Row], max_tokens: int) -> dict[str, str]:
    """Return the reason of each row that cannot be scored or probed, by its id.

    Raises InputError when none of them can.
    """
    reasons = _refusals(model, rows, max_tokens)
    if reasons and len(reasons) == len(rows):
        raise next(iter(reasons.values()))
    return {name: str(error) for name, error in reasons.items()}


def session_misfits(model: LoadedModel, rows: Splits, max_tokens: int) -> dict[str, str]:
    """Return the reason of each row that cannot take part, by its id.

    Raises InputError when none of those to forget, or none of those to keep, can; the others may all be left
    out.
    """
    others = _refusals(model, (*rows.world, *rows.holdout, *rows.choice), max_tokens)
    return {
        **misfits(model, rows.forget, max_tokens),
        **misfits(model, rows.retain, max_tokens),
        **{name: str(error) for name, error in others.items()},
    }


def _refusals(model: LoadedModel, rows: Sequence[Row], max_tokens: int) -> dict[str, InputError]:
    reasons: dict[str, InputError] = {}
    for row in rows:
        try:
            fitting_encoding(model, row, max_tokens)
            _check_other_words(model, row)
        except InputError as error:
            reasons[row.id] = error
    return reasons


def _check_other_words(model: LoadedModel, row: Row) -> None:
    for question in row.paraphrased_question:
        _readable(model, row, question, row.answer)
    for answer in (*row.paraphrased_answer, *row.perturbed_answer):
        _readable(model, row, row.question, answer)
    for question, answer in (*by_letter(row), *by_text(row)) if row.choices else ():
        _readable(model, row, question, answer)


def _readable(model: LoadedModel, row: Row, question: str, answer: str) -> Encoding:
    """Return one conversation of the row. Raises InputError, named after the row, where it does not fit."""
    try:
        check_written(model.tokenizer, question, answer)
    except InputError as error:
        raise InputError(f"Row {row.id}: {error.what}", error.why, error.fix, row.id) from error
    encoding = encode(model.tokenizer, question, answer)
    if not encoding.prompt_length:
        raise InputError(
            what=f"Row {row.id} has no token before its answer.",
            why="The tokenizer makes one token of the beginning, the question and the answer.",
            fix="Use a tokenizer that cuts between words.",
            where=row.id,
        )
    if model.positions and len(encoding.ids) > model.positions:
        own = (question, answer) == (row.question, row.answer)
        raise InputError(
            what=f"Row {row.id} has {len(encoding.ids):,} tokens{'' if own else ' in other words'}.",
            why=f"The model reads at most {model.positions:,}.",
            fix="Shorten the row, or take a model that reads further.",
            where=row.id,
        )
    return encoding
