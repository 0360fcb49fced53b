"""What the page asks becomes a frozen dataclass once, at the door; it is read as if it came from anyone.

    @dataclass(frozen=True, kw_only=True)
    class TokenOf:
        scores_id: Id
        row: Number

A field's annotation names its type and the reader that checks what came; a field with a default may be left
out, or be null. What has no field is not read.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from typing import Annotated, Any, Final, TypeVar, get_type_hints

from tokenunlearn.errors import InputError
from tokenunlearn.settings import MOST_DIGITS

MOST_TEXT: Final = 2_000
MOST_NAME: Final = 80

JSON_WORDS: Final = {
    type(None): "null",
    list: "a list",
    str: "text",
    int: "a number",
    float: "a number",
    bool: "true or false",
}

Request = TypeVar("Request")
Reader = Callable[[Any, str], Any]


def read(kind: type[Request], value: Any, name: str = "the request") -> Request:
    """Return the request of this kind that a JSON object is. Raises InputError, and as its readers do."""
    given, hints = record(value, name), get_type_hints(kind, include_extras=True)
    values = {}
    for each in fields(kind):  # type: ignore[arg-type]
        needed = each.default is each.default_factory is MISSING
        if needed or given.get(each.name) is not None:
            (reader,) = hints[each.name].__metadata__
            values[each.name] = reader(given.get(each.name), each.name)
    return kind(**values)


def request_of(function: Callable[..., Any]) -> type[Any] | None:
    """Return the kind of request that a function takes: the type of its first parameter; None without one."""
    given = list(inspect.signature(function, eval_str=True).parameters.values())
    return given[0].annotation if given else None


def record(value: Any, name: str) -> Mapping[str, Any]:
    """Return the value, if it is a JSON object. Raises InputError."""
    if not isinstance(value, Mapping):
        raise InputError(
            f"{name} must be an object", f"Got {JSON_WORDS.get(type(value), type(value).__name__)}"
        )
    return value


def text(longest: int = 200, *, empty: bool = False) -> Reader:
    """Return the reader of a text of at most `longest` characters, which may be `empty` or not."""

    def reader(value: Any, name: str) -> str:
        if not isinstance(value, str) or not (empty or value.strip()):
            raise InputError(
                f"{name} is missing", "It must be a text" if empty else "It must be a text that is not empty"
            )
        if len(value) > longest:
            raise InputError(f"{name} has {len(value):,} characters", f"At most {longest:,} are taken")
        return value

    return reader


def whole(below: int = 10**MOST_DIGITS) -> Reader:
    """Return the reader of a whole number from 0, under `below`."""

    def reader(value: Any, name: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < below:
            raise InputError(
                f"{name} is {str(value)[:40]}", f"It must be a whole number from 0 to {below - 1}"
            )
        return value

    return reader


def below(count: int, number: int, name: str) -> int:
    """Return the number, if it is that of one of `count` things. Raises InputError."""
    return int(whole(count)(number, name))


def truth(value: Any, name: str) -> bool:
    """Return the value, if it is true or false. Raises InputError."""
    if not isinstance(value, bool):
        raise InputError(f"{name} is {str(value)[:40]}", "It must be true or false")
    return value


def name_given(value: Any, name: str) -> str:
    """Return the name that a person typed, with single spaces. Raises InputError."""
    typed = " ".join(text(MOST_NAME)(value, name).split())
    if not typed.isprintable():
        raise InputError("The name holds characters that cannot be seen", fix="Type another name")
    return typed


Id = Annotated[str, text()]
RunId = Annotated[str, text(40)]
Name = Annotated[str, name_given]
SetName = Annotated[str, text(MOST_TEXT, empty=True)]
Number = Annotated[int, whole()]
Version = Annotated[int, whole(2**53)]
Truth = Annotated[bool, truth]
