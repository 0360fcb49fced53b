"""Which column of a file becomes which part of a row: guessed by its name, or said by a person.

A column named like a field is that field. Else `prompt`, `instruction` and `query` are questions,
`completion` and `output` answers, `spans` is gold; a chat in `messages` or `conversations` gives question and
answer. A file of plain `text` has no question: each text is a whole answer under an empty one.

Alpaca's `input` is part of the question and goes below it, after a blank line. Its `system` and `history`
change what the answer depends on and have no place in a row: a row that has one is refused.
"""

import ast
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from tokenunlearn.errors import InputError, SettingError

Columns = Mapping[str, str]
"""Field → column; "" for a field that no column gives. Fields left out are guessed."""


@dataclass(frozen=True)
class Field:
    """A part of a row that a column can give: its name on the page, what it is for, what is without it."""

    label: str
    says: str
    none: str = "none"
    many: bool = False
    """Whether a row may hold a list of them."""
    refused: bool = False
    """Whether a row that has one is refused."""
    usual: bool = False
    """Whether the page shows it before *More columns* is opened."""


_DEPENDS: Final = "a row that has one is refused: the answer depends on it"
FIELDS: Final[Mapping[str, Field]] = MappingProxyType(
    {
        "question": Field("Question", "what the model is asked", "none: plain text", usual=True),
        "answer": Field("Answer", "what it should no longer say", usual=True),
        "subject": Field("Subject", "the name that is masked", "none: it is proposed", usual=True),
        "gold": Field("Fact spans", "[start, end] in the answer", "none: not known", many=True, usual=True),
        "id": Field("Id", "names a row", "none: line number", usual=True),
        "set": Field("Set", "rows that are scored together", "none: one set", usual=True),
        "split": Field("Split", "forget, retain or world", "none: all to forget", usual=True),
        "input": Field("Input", "goes below the question, as Alpaca has it"),
        "system": Field("System text", _DEPENDS, refused=True),
        "history": Field("History", _DEPENDS, refused=True),
        "attribute": Field("Attribute", "what the fact is about"),
        "paraphrased_question": Field(
            "Paraphrased question", "the question in other words, asked when probing", many=True
        ),
        "paraphrased_answer": Field("Paraphrased answer", "the answer in other words", many=True),
        "paraphrased_gold": Field(
            "Paraphrased fact spans", "[start, end] in each paraphrased answer", many=True
        ),
        "perturbed_answer": Field(
            "Wrong answer", "answers of the same form that are false, for the truth ratio", many=True
        ),
        "choices": Field("Choices", "the answers to choose from: such a question is only asked", many=True),
        "correct": Field("True choice", "its number, letter or text"),
    }
)
LISTS: Final = tuple(name for name, field in FIELDS.items() if field.many)
_REFUSED: Final = tuple(name for name, field in FIELDS.items() if field.refused)
COLUMNS_HELP: Final = (
    "which column is what, where its name does not say so: question=ask,answer=reply; FIELD= reads no column "
    "as FIELD. It holds for each file that has the column"
)
GUESSED: Final[Columns] = MappingProxyType({})
_OTHER_NAMES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "question": ("prompt", "instruction", "query"),
        "answer": ("completion", "output"),
        "gold": ("spans",),
    }
)
PLAIN: Final = "text"
_CHATS: Final = ("messages", "conversations")
_ROLES: Final = MappingProxyType({"human": "user", "gpt": "assistant"})  # as ShareGPT calls them


def columns_from_text(text: str) -> dict[str, str]:
    """Return the columns written as `question=prompt,answer=completion`.

    `question=` means that there is none.

    What follows a comma without a = goes on with the name before it.

    Raises SettingError for another form and for what is no field.
    """
    given: dict[str, str] = {}
    for part in filter(str.strip, text.split(",")):
        field, sign, column = part.partition("=")
        if sign:
            given[field.strip()] = column
        elif given:  # a comma in the name of a column
            given[list(given)[-1]] += f",{part}"
        else:
            why = "Field and column are joined by ="
            raise SettingError(f"columns says {part.strip()!r}", why, "Write question=prompt")
    return checked({field: column.strip() for field, column in given.items()})


def checked(columns: Mapping[str, Any]) -> dict[str, str]:
    """Return the columns, if each field is one and each column a text. Raises SettingError."""
    for field, column in columns.items():
        if field not in FIELDS:
            raise SettingError(
                f"columns names {str(field)[:40]!r}", f"The fields are {', '.join(FIELDS)}", where="columns"
            )
        if not isinstance(column, str):
            raise SettingError(f"The column of {field} is not a text", where="columns")
    if columns.get("answer") == "":
        raise SettingError("No column gives the answer", "Every row needs one", where="columns")
    return dict(columns)


def guessed(names: Collection[str]) -> dict[str, str]:
    """Return for each field the column that its name suggests among `names`, "" where none does.

    A spreadsheet's "Question" is one, unless there is a "question" too.
    """
    return dict(_guessed(tuple(names)))


@lru_cache(maxsize=256)
def _guessed(names: tuple[str, ...]) -> Columns:
    # One call a line: the lines of a file have a few sets of names among them.
    column = {name.strip().lower(): name for name in reversed(names)} | {name: name for name in names}
    found = {}
    for field in FIELDS:
        known = (field, *_OTHER_NAMES.get(field, ()))
        found[field] = next((column[name] for name in known if name in column), "")
    chat = next((column[name] for name in _CHATS if name in column), "")
    if chat and "question" not in column:
        found["question"] = found["answer"] = chat
    if PLAIN in column and not found["question"] and not found["answer"]:
        found["answer"] = column[PLAIN]
    return found


def chosen(names: Collection[str], columns: Columns) -> dict[str, str]:
    """Return for each field the column among `names` that it is read from, as said or guessed; "" for none.

    What goes below a question is guessed only where there is a question of its own.
    """
    found = {**guessed(names), **columns}
    taken = ("", found["question"], found["answer"])
    for field in {"input", *_REFUSED} - set(columns):
        alone = field == "input" and found["question"] in ("", found["answer"])
        found[field] = "" if alone or found[field] in taken else found[field]
    return found


def needed(names: Collection[str], columns: Columns) -> list[str]:
    """Return the columns among `names` that a row may be read from: those said and those a guess may take."""
    open_fields = [field for field in FIELDS if field not in columns]
    guesses = {name for field in open_fields for name in (field, *_OTHER_NAMES.get(field, ()))}
    if "question" in open_fields or "answer" in open_fields:
        guesses |= {PLAIN, *_CHATS}
    said = set(columns.values())
    return [name for name in names if name in said or name.strip().lower() in guesses]


def mapped(record: Mapping[str, Any], columns: Columns, where: str, cells: bool = False) -> dict[str, Any]:
    """Return the record under the names of Row, without empty values where a default exists.

    `cells`: its values are the texts of a table, lists among them written out. A row that is not meant to
    have a question has "" there. Raises InputError for one that is and has none, for a chat of another form
    than one user and one assistant message, and for a system text or a history.
    """
    record = {name: value for name, value in record.items() if name and not _is_null(value)}
    fields = chosen(record, columns)
    values = {field: record[column] for field, column in fields.items() if column in record}
    for field in LISTS if cells else ("gold",):
        values |= _read_list(values, field, where)
    values |= _chat_texts(values, fields, where)
    if fields["question"] == "" and ("question" in columns or fields["answer"].strip().lower() == PLAIN):
        values["question"] = ""
    elif values.get("question") == "":
        raise InputError("question is empty", "Every row needs a text in question", "Give it one", where)
    for field in ("question", "answer"):
        if field not in values and not (field == "answer" and {"choices", "correct"} <= values.keys()):
            raise InputError(
                f"{field} is missing",
                f"Every row needs a text in {field}",
                f"Say which column is the {field} (--columns {field}=NAME); the line has {_listed(record)}",
                where,
            )
    return _with_input(values, fields, where)


def _is_null(value: Any) -> bool:
    """Return whether the value says that there is none: null, or the NaN of a table of numbers."""
    return value is None or (isinstance(value, float) and value != value)


def _with_input(values: dict[str, Any], fields: Columns, where: str) -> dict[str, Any]:
    """Return the values with their input below the question.

    Raises InputError for a system text or a history.
    """
    for field in _REFUSED:
        if not _is_blank(values.pop(field, "")):
            raise InputError(
                f"{field} is not empty",
                f"The answer depends on it, and a row has no place for it (column {fields[field]!r})",
                f"Leave the row out, or read no column as {field}",
                where,
            )
    text, question = values.pop("input", ""), values["question"]
    if _is_blank(text):
        return values
    if not isinstance(text, str):
        raise InputError("input is not a text", "It goes below the question", "Put it in quotes", where)
    if not isinstance(question, str):
        return values  # row_from_dict says what is wrong with it
    return values | {"question": f"{question}\n\n{text}" if question else text}


def _is_blank(value: Any) -> bool:
    return value in ([], {}) or isinstance(value, str) and value.strip() in ("", "[]")


def _chat_texts(values: Mapping[str, Any], fields: Columns, where: str) -> dict[str, Any]:
    """Return the question and answer of a chat, in one column or in two that go on from each other.

    {} for anything else.
    """
    question, answer = values.get("question"), values.get("answer")
    one = fields["question"] == fields["answer"] != ""
    if one and isinstance(question, str) and question.startswith("["):
        question = _parsed_list(question, fields["question"], where)
    if one and (fields["question"].strip().lower() in _CHATS or isinstance(question, list)):
        return _from_chat(question, fields["question"], where)
    if one and isinstance(question, str):
        raise InputError(
            f"Question and answer are both read from {fields['question']!r}",
            "It holds a text, not a chat",
            "Choose two columns, or none for the question",
            where,
        )
    if not one and isinstance(question, list) and isinstance(answer, list):
        return _from_chat(question + answer, "messages", where)
    return {}


def _from_chat(chat: Any, column: str, where: str) -> dict[str, Any]:
    """Return the question and answer of a chat of one user and one assistant message.

    A system message or more turns would change what the answer depends on, so they are refused, not dropped.
    """
    well_formed = isinstance(chat, list) and all(isinstance(each, Mapping) for each in chat)
    roles = [_role(each) for each in chat] if well_formed else None
    if roles != ["user", "assistant"]:
        why = f"Its roles are {roles}" if roles is not None else "It is not a list of messages"
        raise InputError(f"{column} cannot be used", why, "Give one user and one assistant message", where)
    question, answer = (each.get("content", each.get("value")) for each in chat)
    return {"question": question, "answer": answer}


def _role(message: Mapping[str, Any]) -> Any:
    role = message.get("role", message.get("from"))
    return _ROLES.get(role, role) if isinstance(role, str) else role


def _read_list(values: Mapping[str, Any], field: str, where: str) -> dict[str, Any]:
    """Return the field with the list that its text writes out; nothing where it is none."""
    value = values.get(field)
    if not isinstance(value, str) or not value.startswith("["):
        return {}
    return {field: _parsed_list(value, field, where)}


def _parsed_list(text: str, field: str, where: str) -> Any:
    """Return the list that a table's cell writes out, in JSON or as Python prints it (`DataFrame.to_csv`)."""
    readers: tuple[Callable[[str], Any], ...] = (json.loads, ast.literal_eval)
    why = ""
    for read in readers:
        try:
            return read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError) as error:
            why = why or str(error)
    example = "[[start, end]]" if field.endswith("gold") else '["…", "…"]'
    raise InputError(f"{field} is not a JSON list", why, f"Write {example}", where)


def _listed(record: Mapping[str, Any]) -> str:
    names = [name[:40].encode("utf-8", "replace").decode() for name in record]
    return ", ".join(f"“{name}”" for name in names[:20]) or "no column"
