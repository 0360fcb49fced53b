"""Which rows can be scored: a row that cannot is told apart before anything runs, with its reason."""

from collections.abc import Sequence

from tokenunlearn.data.rows import Row
from tokenunlearn.errors import InputError
from tokenunlearn.models.loading import LoadedModel
from tokenunlearn.text.encoding import Encoding, encode


def fitting_encoding(model: LoadedModel, row: Row, max_tokens: int) -> Encoding:
    """The row as token ids. Raises InputError for one of too many tokens, or without an answer token."""
    encoding = encode(model.tokenizer, row.question, row.answer)
    window = getattr(model.model.config, "max_position_embeddings", None)
    if window and len(encoding.ids) > window:
        raise InputError(
            what=f"Row {row.id} has {len(encoding.ids):,} tokens.",
            why=f"The model reads at most {window:,}.",
            fix="Shorten the row, or take a model that reads further.",
            where=row.id,
        )
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


def misfits(model: LoadedModel, rows: Sequence[Row], max_tokens: int) -> dict[str, str]:
    """The reason of each row that cannot be scored, by its id. Raises InputError when none of them can."""
    reasons: dict[str, InputError] = {}
    for row in rows:
        try:
            fitting_encoding(model, row, max_tokens)
        except InputError as error:
            reasons[row.id] = error
    if reasons and len(reasons) == len(rows):
        raise next(iter(reasons.values()))
    return {name: str(error) for name, error in reasons.items()}
