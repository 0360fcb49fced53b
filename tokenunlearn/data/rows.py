"""A row is one question with its answer, and what is known about the fact in it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from tokenunlearn.errors import InputError

Span = tuple[int, int]
FORGET, RETAIN, WORLD, HOLDOUT, CHOICE = SPLITS = ("forget", "retain", "world", "holdout", "choice")
LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# A quote that is never closed makes a cell of the rest of the file; no row that a model takes comes near it.
MOST_TEXT: Final = 131_072


@dataclass(frozen=True)
class Row:
    """One question and answer. Spans are (start, end) characters of their text, end exclusive.

    A plain text is an answer to the question "".

    `gold` marks the fact in `answer`; `paraphrased_gold` marks it in each paraphrased answer in turn, and is
    empty or as long as `paraphrased_answer`. Empty means not known, never "no fact".
    `choices` are the texts of a multiple-choice question and `correct` the index of the true one; None where
    that is not known.
    """

    id: str
    question: str
    answer: str
    subject: str = ""
    gold: tuple[Span, ...] = ()
    set: str = ""
    split: str = FORGET
    attribute: str = ""
    paraphrased_question: tuple[str, ...] = ()
    paraphrased_answer: tuple[str, ...] = ()
    paraphrased_gold: tuple[tuple[Span, ...], ...] = ()
    perturbed_answer: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    correct: int | None = None


def row_from_dict(record: Mapping[str, Any], where: str) -> Row:
    """Return the row in a JSON object with the field names of Row; other keys are ignored.

    A question of "" is that of a plain text; one of spaces is empty by mistake. A row with `choices` may have
    the number of the true one, from 0, or its letter as its `answer`, as MMLU and WMDP write it; without a
    split it is one of split choice. Raises InputError that names the row (`where`) and the field.
    """
    if not isinstance(record, Mapping):
        form = (
            '{"text": "…"} for a plain text'
            if isinstance(record, str)
            else '{"question": "…", "answer": "…"}'
        )
        raise InputError("The row is not a JSON object", f"It is {_kind(record)}", f"Write {form}", where)
    choices = _choices(record, where)
    correct = _correct(record, choices, where)
    answer = choices[correct] if correct is not None else _required(record, "answer", where)
    paraphrases = _texts(record, "paraphrased_answer", where)
    return Row(
        id=_identity(record, where),
        question="" if record.get("question") == "" else _required(record, "question", where),
        answer=answer,
        subject=_text(record, "subject", where),
        gold=_spans(record.get("gold"), answer, "gold", where),
        set=_label(record, "set", where),
        split=split_word(_text(record, "split", where) or (CHOICE if choices else FORGET), where),
        attribute=_label(record, "attribute", where),
        paraphrased_question=_texts(record, "paraphrased_question", where),
        paraphrased_answer=paraphrases,
        paraphrased_gold=_span_lists(record.get("paraphrased_gold"), paraphrases, where),
        perturbed_answer=_texts(record, "perturbed_answer", where),
        choices=choices,
        correct=correct,
    )


def _choices(record: Mapping[str, Any], where: str) -> tuple[str, ...]:
    choices = _texts(record, "choices", where)
    if not choices and record.get("correct") is None:
        return ()
    if not 2 <= len(choices) <= len(LETTERS):
        why = f"A question has 2 to {len(LETTERS)} of them"
        raise InputError(f"choices has {len(choices)} texts", why, 'Write ["…", "…"]', where)
    for index, text in enumerate(choices):
        if not text.strip() or text in choices[:index]:
            state = "is there before" if text.strip() else "is empty"
            raise InputError(f"choices[{index}] {state}", "Each choice is another text", "Mend it", where)
    return choices


def _correct(record: Mapping[str, Any], choices: tuple[str, ...], where: str) -> int | None:
    """Return the index of the true choice: said by `correct`, or by `answer`; None for an answer of its own.

    An answer is the choice's number, its letter or its text; that of a table is text in any case.
    """
    if not choices:
        return None
    name = "answer" if record.get("correct") is None else "correct"
    value = record.get(name)
    if isinstance(value, str):
        read = _readings(value, choices)
        if name == "answer" and len(read) > 1:
            why = f"It is {_shown(value)}, the text of one choice and the number or letter of another"
            raise InputError("answer names two choices", why, "Give the number in a column correct", where)
        if name == "answer" and not read and not _is_number(value):
            return None
        value = _numbered(value) if name == "correct" or not read else read.pop()
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < len(choices):
        why = f"It is {_shown(value)}, and there are {len(choices)} choices"
        fix = f"Write the number of the true one, 0 to {len(choices) - 1}"
        raise InputError(f"{name} names no choice", why, fix, where)
    given = record.get("answer")
    if name == "correct" and isinstance(given, str) and value not in _readings(given, choices):
        why = f"answer is {_shown(given)}, and correct names {_shown(choices[value])}"
        raise InputError("answer and correct differ", why, "Leave one of them out", where)
    return value


def _readings(text: str, choices: tuple[str, ...]) -> set[int]:
    """Return the indices of the choices that a text may name: by its own text, its number or its letter."""
    of_text = {choices.index(text)} if text in choices else set()
    at = _numbered(text)
    return of_text | ({at} if isinstance(at, int) and at < len(choices) else set())


def _numbered(text: str) -> int | str:
    """Return the number, from 0, that a number or a letter means; any other text as it is."""
    word = text.strip()
    if _is_number(word):
        return int(word)
    return LETTERS.index(word) if len(word) == 1 and word in LETTERS else text


def _is_number(text: str) -> bool:
    return text.strip().isascii() and text.strip().isdecimal() and len(text.strip()) < 3


def row_to_dict(row: Row) -> dict[str, Any]:
    """Return the row as plain JSON values; the inverse of `row_from_dict`."""
    return {each.name: _plain(getattr(row, each.name)) for each in fields(row)}


def _plain(value: Any) -> Any:
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


def split_word(given: str, where: str) -> str:
    """Return the word of SPLITS that is meant, letter case and blanks round it apart; "" means forget.

    Raises InputError for another word.
    """
    word = given.strip().casefold() or FORGET
    if word not in SPLITS:
        raise InputError(
            f"split is {given[:60]!r}",
            f"It must be one of: {', '.join(SPLITS)}",
            "Write one of them, or read no column as split",
            where,
        )
    return word


def _identity(record: Mapping[str, Any], where: str) -> str:
    return _label(record, "id", where) or _required(record, "id", where)


def _label(record: Mapping[str, Any], name: str, where: str) -> str:
    """Return a text, or a whole number as one: a table that lacks a number somewhere writes 1 as 1.0."""
    value = record.get(name)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        try:
            return str(value)
        except ValueError as error:  # of more digits than Python writes
            raise InputError(f"{name} is too long a number", str(error), "Put it in quotes", where) from error
    return _text(record, name, where)


def _required(record: Mapping[str, Any], name: str, where: str) -> str:
    text = _text(record, name, where)
    if not text.strip():
        state = "empty" if name in record else "missing"
        raise InputError(
            f"{name} is {state}", f"Every row needs a text in {name}", f"Give it one: {name}", where
        )
    return text


def _text(record: Mapping[str, Any], name: str, where: str) -> str:
    value = record.get(name)
    return "" if value is None else _string(value, name, where)


def _string(value: Any, name: str, where: str) -> str:
    """Return the value if it is text that UTF-8 can hold: half a surrogate pair breaks every later file."""
    if not isinstance(value, str):
        fix = "Leave it out" if value is None else "Put it in quotes"
        raise InputError(f"{name} is {_kind(value)}", "It must be text", fix, where)
    if len(value) > MOST_TEXT:
        why = f"At most {MOST_TEXT:,} are read"
        raise InputError(f"{name} has {len(value):,} characters", why, "Split it into rows", where)
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(
            f"{name} holds a broken character at {error.start}",
            "It is half of a pair that UTF-16 writes for one character",
            "Write the character whole, or leave it out",
            where,
        ) from error
    return value


def _texts(record: Mapping[str, Any], name: str, where: str) -> tuple[str, ...]:
    """Return a list of texts; one text alone counts as a list of one, as TOFU writes it."""
    value = record.get(name)
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        return (_string(value, name, where),)
    if not isinstance(value, (list, tuple)):
        raise InputError(
            f"{name} is {_kind(value)}",
            "It must be a list of texts",
            f'Write ["…", "…"], or read no column as {name}',
            where,
        )
    return tuple(_string(each, f"{name}[{index}]", where) for index, each in enumerate(value))


def _span_lists(value: Any, texts: tuple[str, ...], where: str) -> tuple[tuple[Span, ...], ...]:
    if value is None or len(_as_list(value, "paraphrased_gold", where)) == 0:
        return ()
    if len(value) != len(texts):
        why = f"There are {len(texts)} paraphrased answers and {len(value)} lists of spans"
        raise InputError("paraphrased_gold does not fit", why, "Give one list for each answer", where)
    pairs = enumerate(zip(value, texts, strict=True))
    return tuple(_spans(each, text, f"paraphrased_gold[{index}]", where) for index, (each, text) in pairs)


def _spans(value: Any, text: str, name: str, where: str) -> tuple[Span, ...]:
    """Return the spans inside the text.

    A third entry, as in the public TOFU spans, must be the text of the span.
    """
    if value is None:
        return ()
    if isinstance(value, str):
        start = text.find(value)
        place = f"[[{start}, {start + len(value)}]]" if text.count(value) == 1 else "[[start, end]]"
        raise InputError(
            f"{name} is text",
            "It must be a list of [start, end]",
            f"Write {place} to mark {_shown(value)}",
            where,
        )
    return tuple(
        _span(each, text, f"{name}[{i}]", where) for i, each in enumerate(_as_list(value, name, where))
    )


def _span(value: Any, text: str, name: str, where: str) -> Span:
    numbers = list(value[:2]) if isinstance(value, (list, tuple)) and len(value) in (2, 3) else []
    if len(numbers) != 2 or any(isinstance(each, bool) or not isinstance(each, int) for each in numbers):
        raise InputError(
            f"{name} is not a span", f"It is {_shown(value)}", "Write [start, end] in characters", where
        )
    start, end = numbers
    if not 0 <= start < end <= len(text):
        why = f"It is {_shown([start, end])} in a text of {len(text)} characters"
        raise InputError(
            f"{name} lies outside its text", why, "End is exclusive, start comes before it", where
        )
    if not text[start:end].strip():
        raise InputError(f"{name} marks no word", f"{_shown([start, end])} is blank", "Mark the fact", where)
    if len(value) == 3 and text[start:end] != value[2]:
        raise InputError(
            f"{name} marks {_shown(text[start:end])}",
            f"It says it marks {_shown(value[2])}",
            "Count the characters again; end is exclusive",
            where,
        )
    return start, end


def _as_list(value: Any, name: str, where: str) -> list[Any] | tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        why = "It must be a list of [start, end]"
        raise InputError(f"{name} is {_kind(value)}", why, "Write [[start, end]]", where)
    return value


def _shown(value: Any) -> str:
    """Return the value as JSON writes it, short enough for a sentence."""
    try:
        text = json.dumps(value, default=str, ensure_ascii=False)
    except (ValueError, RecursionError):
        text = _kind(value)
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= 60 else f"{text[:59]}…"


def _kind(value: Any) -> str:
    """Return the JSON word for a value's type."""
    if value is None:
        return "null"
    names = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list"}
    return names.get(type(value), "an object" if isinstance(value, Mapping) else f"a {type(value).__name__}")
