"""A setting is declared once: default, bounds, unit and help feed check, JSON, CLI flag and slider.

    @dataclass(frozen=True)
    class Fusion:
        alpha: float = setting(0.5, low=0, high=1, step=0.01, help="Share of knowledge in the fused score")

        def __post_init__(self) -> None:
            check(self)

Types: int, float, bool, str and `tuple[str, ...]` (the last two with or without choices), each of
them also as `| None`. Fields that are no setting() are left alone by the check.
"""

import argparse
import math
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from numbers import Integral, Real
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from tokenunlearn.errors import SettingError, did_you_mean

Settings = TypeVar("Settings")

_KEY = "setting"
_KINDS: dict[str, str] = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "text",
    "names": "a list of names",
}
MOST_SHOWN = 60  # characters of a refused value
MOST_DIGITS = 12  # of the number of a token or a row: no text has more
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


@dataclass(frozen=True)
class SettingInfo:
    """All that is known of one setting. `type` is one of int, float, bool, str, names.

    `label` is what the page calls it; without one, its name in words. `unset`: what None means, in words.
    """

    name: str
    default: Any
    low: float | None
    high: float | None
    step: float | None
    unit: str
    choices: tuple[str, ...] | None
    help: str
    type: str
    optional: bool = False
    label: str = ""
    unset: str = "none"

    @property
    def flag(self) -> str:
        """The command-line flag, such as `--learning-rate`."""
        return "--" + self.name.replace("_", "-")

    @property
    def allowed(self) -> str:
        """What the setting takes, in words: `a number from 0 to 1`."""
        if self.choices is not None:
            return f"{'some' if self.type == 'names' else 'one'} of: {', '.join(self.choices)}"
        kind = _KINDS[self.type]
        unit = f" {self.unit}" if self.unit and self.unit != "fraction" else ""  # the bounds say 0 to 1
        if self.low is not None and self.high is not None:
            return f"{kind} from {_bound(self.low)} to {_bound(self.high)}{unit}"
        if self.low is not None:
            return f"{kind} of at least {_bound(self.low)}{unit}"
        if self.high is not None:
            return f"{kind} of at most {_bound(self.high)}{unit}"
        return f"{kind}{unit}"


def _bound(value: float) -> str:
    """Return a bound in words; a whole number keeps all its digits."""
    return str(value) if isinstance(value, int) else f"{value:g}"


def setting(
    default: Any,
    *,
    low: float | None = None,
    high: float | None = None,
    step: float | None = None,
    unit: str = "",
    choices: Sequence[str] | None = None,
    help: str = "",
    label: str = "",
    unset: str = "none",
) -> Any:
    """Return a dataclass field that carries its bounds (inclusive), unit, choices, help and words."""
    names = None if choices is None else tuple(choices)
    known = {"low": low, "high": high, "step": step, "unit": unit, "choices": names, "help": help}
    known |= {"label": label, "unset": unset}
    return field(default=default, metadata={_KEY: known})


def describe(cls: type) -> list[SettingInfo]:
    """Return the settings of a dataclass in order of declaration, for sliders, flags and docs."""
    hints = get_type_hints(cls)
    infos = []
    for each in fields(cls):
        if _KEY in each.metadata:
            kind, optional = _kind(hints[each.name], f"{cls.__name__}.{each.name}")
            infos.append(
                SettingInfo(each.name, each.default, type=kind, optional=optional, **each.metadata[_KEY])
            )
    return infos


def check(instance: Any) -> None:
    """Bring numbers to their declared type (3.0 becomes 3 where a whole number is due).

    Raises SettingError for a value of the wrong type, out of bounds, NaN, infinite or not among the choices.
    """
    for info in describe(type(instance)):
        where = f"{type(instance).__name__}.{info.name}"
        object.__setattr__(instance, info.name, _valid(info, getattr(instance, info.name), where))


def to_dict(settings: Any) -> dict[str, Any]:
    """Return the settings as plain JSON values: tuples as lists, nested dataclasses as dicts."""
    return {each.name: _plain(getattr(settings, each.name)) for each in fields(settings)}


def from_dict(cls: type[Settings], values: Mapping[str, Any]) -> Settings:
    """Return the dataclass built and checked from JSON values; keys left out keep their default.

    Raises SettingError for a key that the dataclass lacks.
    """
    hints = get_type_hints(cls)
    known = [each.name for each in fields(cls)]  # type: ignore[arg-type]
    for key in values:
        if key not in known:
            raise SettingError(
                f"{shown(key)} is not a setting of {cls.__name__.removesuffix('Settings')}",
                fix=did_you_mean(key, known),
            )
    return cls(**{key: _revive(hints[key], value) for key, value in values.items()})


def add_flags(
    parser: argparse.ArgumentParser,
    source: type | Sequence[SettingInfo],
    title: str = "",
    hidden: Sequence[str] = (),
) -> None:
    """Make each setting of a dataclass (or of its description) a flag, checked by `from_flags`.

    A flag that another dataclass has already added is shared by both. `hidden` ones are not in the help.
    """
    infos = describe(source) if isinstance(source, type) else source
    group = parser.add_argument_group(title or f"settings of {getattr(source, '__name__', 'the verb')}")
    taken = {option for action in parser._actions for option in action.option_strings}
    for info in infos:
        if info.flag in taken:
            continue
        default = ",".join(info.default) if info.type == "names" and info.default else info.default
        text = f"{info.help} ({info.allowed}; default {default})".strip().replace("%", "%%")
        text = argparse.SUPPRESS if info.name in hidden else text
        if info.type == "bool":
            group.add_argument(info.flag, default=None, action=argparse.BooleanOptionalAction, help=text)
        else:
            metavar = "NAME[,NAME]" if info.type == "names" else info.type.upper()
            group.add_argument(info.flag, default=None, metavar=metavar, help=text)


def from_flags(
    cls: type[Settings],
    namespace: argparse.Namespace,
    defaults: Mapping[str, Any] = types.MappingProxyType({}),
) -> Settings:
    """Return the dataclass built from the flags that the user typed; the others keep their default.

    `defaults` of a verb's own stand before those of the class.
    Raises SettingError, naming the flag, for a value that cannot be read or is out of bounds.
    """
    typed = dict(defaults)
    for info in describe(cls):
        value = getattr(namespace, info.name, None)
        if value is not None:
            typed[info.name] = _valid(info, _read(info, value), info.flag)
    return cls(**typed)


def _kind(hint: Any, where: str) -> tuple[str, bool]:
    """Return the name of the setting's type, and whether None is allowed."""
    if get_origin(hint) in (Union, types.UnionType):
        inner = [each for each in get_args(hint) if each is not type(None)]
        if len(inner) == 1 and len(get_args(hint)) == 2:
            return _kind(inner[0], where)[0], True
    if hint in (int, float, bool, str):
        return hint.__name__, False
    if get_origin(hint) is tuple and get_args(hint) == (str, Ellipsis):
        return "names", False
    raise TypeError(f"{where}: a setting() cannot be of type {hint!r}")


def _valid(info: SettingInfo, value: Any, where: str) -> Any:
    """Return the value in its declared type, or SettingError."""
    if value is None and info.optional:
        return None
    if info.type == "names" and isinstance(value, (list, tuple)):
        value = tuple(value)
    if not _has_kind(info.type, value):
        raise _refusal(info, value, where)
    if info.choices is not None:
        if value == ():
            raise SettingError(f"{info.name} is empty", f"It must be {info.allowed}", where=where)
        for name in value if info.type == "names" else (value,):
            if name not in info.choices:
                raise SettingError(
                    f"{info.name} is {shown(name)}", f"It must be {info.allowed}", _hint(name, info), where
                )
        return value
    if info.type in ("int", "float"):
        value = int(value) if info.type == "int" else float(value)
        if (info.low is not None and value < info.low) or (info.high is not None and value > info.high):
            raise _refusal(info, value, where)
    return value


def _has_kind(kind: str, value: Any) -> bool:
    if kind == "bool":
        return isinstance(value, bool)
    if kind == "str":
        return isinstance(value, str)
    if kind == "names":
        return isinstance(value, tuple) and all(isinstance(each, str) for each in value)
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    try:
        number = float(value)
    except OverflowError:  # a whole number of 400 digits
        return False
    return math.isfinite(number) and (kind == "float" or isinstance(value, Integral) or number.is_integer())


def _refusal(info: SettingInfo, value: Any, where: str) -> SettingError:
    fix = f"The default is {info.default}" if info.default is not None else ""
    return SettingError(f"{info.name} is {shown(value)}", f"It must be {info.allowed}", fix, where)


def shown(value: Any) -> str:
    """Return the value as a sentence shows it: text in quotes, and no more of it than can be read."""
    try:
        text = repr(value) if isinstance(value, str) else str(value)
    except ValueError:  # Python writes no whole number of more than 4300 digits
        return "a number of thousands of digits"
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def _hint(name: str, info: SettingInfo) -> str:
    guess = did_you_mean(name, info.choices or ()).split("There are:")[0].strip()
    return guess or f"The default is {info.default}"


def is_number(text: object) -> bool:
    """Return whether a text is the number of a token or a row: the digits 0 to 9 alone, no more than 12.

    >>> is_number("12"), is_number("1_0"), is_number("٣"), is_number("²"), is_number("-1")
    (True, False, False, False, False)
    """
    digits = str(text)
    return digits.isascii() and digits.isdecimal() and len(digits) <= MOST_DIGITS


def names_in(text: str) -> tuple[str, ...]:
    """Return the names in a text that has commas between them."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _read(info: SettingInfo, text: Any) -> Any:
    """Return a typed value from the text of a flag; text that is no such value is returned as it is."""
    if not isinstance(text, str):
        return text
    if info.optional and text.lower() == "none":
        return None
    if info.type == "names":
        return names_in(text)
    if info.type == "bool" and text.lower() in _TRUE + _FALSE:
        return text.lower() in _TRUE
    # Python takes 1_0 for 10, and the digits of every script: the page takes neither
    if info.type in ("int", "float") and text.isascii() and "_" not in text:
        try:
            return int(text) if info.type == "int" else float(text)
        except ValueError:
            return text
    return text


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return to_dict(value)
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    return value


def _revive(hint: Any, value: Any) -> Any:
    """Return the inverse of `_plain` for nested dataclasses and tuples."""
    if isinstance(hint, type) and is_dataclass(hint) and isinstance(value, Mapping):
        return from_dict(hint, value)
    if get_origin(hint) is tuple and isinstance(value, list):
        return tuple(tuple(each) if isinstance(each, list) else each for each in value)
    return value
