"""Which column of a file becomes which part of a row: guessed by its name, or said by a person.

A column named like a field of Row is that field. Else `prompt` and `instruction` are questions, `completion`
and `output` answers, `spans` is gold; a chat in `messages` gives both. A file of plain `text` has no
question: each text is a whole answer under an empty one.
"""

import json
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, Final

from tokenunlearn.errors import InputError, SettingError

Columns = Mapping[str, str]
"""Field → column; "" for a field that no column gives. Fields left out are guessed."""

FIELDS: Final = ("question", "answer", "subject", "id", "set", "split", "gold")
GUESSED: Final[Columns] = MappingProxyType({})
_OTHER_NAMES: Final = {
    "question": ("prompt", "instruction"),
    "answer": ("completion", "output"),
    "gold": ("spans",),
}
PLAIN: Final = "text"
_CHAT: Final = "messages"


def columns_from_text(text: str) -> dict[str, str]:
    """The columns written as `question=prompt,answer=completion`; `question=` means that there is none.

    Raises SettingError for another form and for what is no field.
    """
    given = {}
    for part in filter(None, (each.strip() for each in text.split(","))):
        field, sign, column = part.partition("=")
        if not sign:
            raise SettingError(
                f"columns says {part!r}", "Field and column are joined by =", "Write question=prompt"
            )
        given[field.strip()] = column.strip()
    return checked(given)


def checked(columns: Mapping[str, Any]) -> dict[str, str]:
    """The columns, if each field is one and each column a text. Raises SettingError."""
    for field, column in columns.items():
        if field not in FIELDS:
            raise SettingError(
                f"columns names {str(field)[:40]!r}", f"The fields are {', '.join(FIELDS)}", where="columns"
            )
        if not isinstance(column, str):
            raise SettingError(f"The column of {field} is no text", where="columns")
    if columns.get("answer") == "":
        raise SettingError("No column gives the answer", "Every row needs one", where="columns")
    return dict(columns)


def guessed(names: Collection[str]) -> dict[str, str]:
    """For each field the column that its name suggests among `names`, "" where none does.

    A spreadsheet's "Question" is one, unless there is a "question" too.
    """
    column = {name.lower(): name for name in reversed(list(names))} | {name: name for name in names}
    found = {}
    for field in FIELDS:
        known = (field, *_OTHER_NAMES.get(field, ()))
        found[field] = next((column[name] for name in known if name in column), "")
    if _CHAT in names and "question" not in column:
        found["question"] = found["answer"] = _CHAT
    if PLAIN in column and not found["question"] and not found["answer"]:
        found["answer"] = column[PLAIN]
    return found


def mapped(record: Mapping[str, Any], columns: Columns, where: str) -> dict[str, Any]:
    """The record under the names of Row, without empty values where a default exists.

    A row that is not meant to have a question has "" there. Raises InputError for one that is and has none,
    and for a chat of another form than one user and one assistant message.
    """
    record = {key: value for key, value in record.items() if value is not None}
    chosen = {**guessed(record), **columns}
    values = {key: value for key, value in record.items() if key not in FIELDS}
    values |= {field: record[column] for field, column in chosen.items() if column in record}
    if chosen["question"] == "" and ("question" in columns or chosen["answer"].lower() == PLAIN):
        values["question"] = ""
    elif values.get("question") == "":
        raise InputError("question is empty", "Every row needs a text in question", "Give it one", where)
    if isinstance(values.get("gold"), str) and values["gold"].startswith("["):
        values["gold"] = _spans(values["gold"], where)
    return {**values, **_chat_texts(values, chosen, where)}


def _chat_texts(values: Mapping[str, Any], chosen: Columns, where: str) -> dict[str, Any]:
    """Question and answer of a chat, in one column or in two that go on from each other; else nothing."""
    question, answer = values.get("question"), values.get("answer")
    one = chosen["question"] == chosen["answer"] != ""
    if one and (chosen["question"] == _CHAT or isinstance(question, list)):
        return _from_chat(question, where)
    if one and isinstance(question, str):
        raise InputError(
            f"Question and answer are both read from {chosen['question']!r}",
            "It holds a text, not a chat",
            "Choose two columns, or none for the question",
            where,
        )
    if not one and isinstance(question, list) and isinstance(answer, list):
        return _from_chat(question + answer, where)
    return {}


def _from_chat(chat: Any, where: str) -> dict[str, Any]:
    """Question and answer of a chat of one user and one assistant message.

    A system message or more turns would change what the answer depends on, so they are refused, not dropped.
    """
    well_formed = isinstance(chat, list) and all(isinstance(each, Mapping) for each in chat)
    roles = [each.get("role") for each in chat] if well_formed else None
    if roles != ["user", "assistant"]:
        why = f"Its roles are {roles}" if roles is not None else "It is no list of messages"
        raise InputError("messages cannot be used", why, "Give one user and one assistant message", where)
    return {"question": chat[0].get("content"), "answer": chat[1].get("content")}


def _spans(text: str, where: str) -> Any:
    """The spans that a table's cell holds as JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError("gold is no JSON list", str(error), "Write [[start, end]]", where) from error
