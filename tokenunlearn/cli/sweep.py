"""sweep arms, objectives and seeds from one file of settings; goes on where it stopped

FILE is TOML with the flags of `compare` as keys: `rows = "rows.jsonl"` or `demo = true`, `arms = ["chosen",
"random"]`, `seeds = 5`, `steps = 12`, `set = { beta = 0.3 }` and so on. Paths are relative to FILE. What is
measured goes into FILE with the ending .results.jsonl, unless `out` names another.
"""

import argparse
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tokenunlearn.cli import command_line, compare
from tokenunlearn.cli.outputs import settle, writing
from tokenunlearn.contents import text_of
from tokenunlearn.errors import SettingError, did_you_mean

_PATHS: Final = ("rows", "mask", "out", "retain_rows", "world_rows", "adapter")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("file", metavar="FILE", help="settings of the sweep, .toml")


def run(arguments: argparse.Namespace) -> int:
    """Return 0, after the sweep is measured and its table printed."""
    file = Path(arguments.file)
    asked = asked_by(file)
    with writing(asked, file):
        return compare.run(asked)


def asked_by(file: Path) -> argparse.Namespace:
    """Return what `compare` is asked for by a file. Raises SettingError, naming the file."""
    try:
        settings = tomllib.loads(text_of(file, "utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SettingError("The file is no TOML", str(error), "See `sweep --help`", str(file)) from error
    parser = argparse.ArgumentParser(prog=f"{file}", allow_abbrev=False, exit_on_error=False)
    compare.add_arguments(parser)
    settle(parser)
    settings.setdefault("out", file.with_suffix(".results.jsonl").name)
    words = _flags(parser, settings, file)
    try:
        asked = parser.parse_args(words)
        asked.command = command_line(["compare", *words])
        return asked
    except argparse.ArgumentError as error:
        raise SettingError(
            "A setting cannot be read", str(error), "See `compare --help`", str(file)
        ) from error


def _flags(parser: argparse.ArgumentParser, settings: Mapping[str, Any], file: Path) -> list[str]:
    """Return the command line of `compare` that the settings say. Raises SettingError."""
    actions = {name: each for name, each in parser._option_string_actions.items() if name.startswith("--")}
    known = {flag.removeprefix("--").replace("-", "_"): flag for flag in actions}
    rows, flags = list[str](), list[str]()
    for name, value in settings.items():
        where = f"{name} in {file}"
        if name != "rows" and (name not in known or name == "help"):
            fix = did_you_mean(name, ["rows", *sorted(known)])
            raise SettingError(f"There is no setting {name!r}", fix=fix, where=str(file))
        if isinstance(value, str) and _is_path(name, value, file):
            value = str(file.parent / value)
        if name == "rows":
            rows.append(_text(value, where))
        elif name == "set" and isinstance(value, Mapping):
            flags += [f"--set={key}={_json(each, where)}" for key, each in value.items()]
        elif name == "set" and isinstance(value, list):
            flags += [f"--set={_text(each, where)}" for each in value]
        elif isinstance(value, bool):
            if actions[known[name]].nargs != 0:
                raise SettingError(f"It is {str(value).lower()}", "It is no yes or no", where=where)
            flags += [known[name]] if value else [known[no] for no in [f"no_{name}"] if no in known]
        elif isinstance(value, list):
            flags += [f"{known[name]}={','.join(_text(each, where) for each in value)}"]
        else:
            flags += [f"{known[name]}={_text(value, where)}"]
    return [*flags, *rows]


def _is_path(name: str, value: str, file: Path) -> bool:
    """Return whether a text is a path; that of a model may be a hub id, that of rows the name of a set."""
    return (file.parent / value).is_dir() if name == "model" else name in _PATHS and "=" not in value


def _text(value: Any, where: str) -> str:
    """Return a value as it is typed. Raises SettingError for a table or a date."""
    if not isinstance(value, str | int | float):
        raise SettingError(
            f"It is {type(value).__name__}", "It must be a text, a number, or a list of them", where=where
        )
    return str(value)


def _json(value: Any, where: str) -> str:
    return json.dumps(value) if isinstance(value, bool) else _text(value, where)
