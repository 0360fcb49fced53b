"""Flags from the library's settings, without importing the library: `flags.json` is a picture of them.

The dataclasses stand beside their methods, in modules that import torch. `python -m tokenunlearn.cli.flags`
draws the picture anew; a test fails where it differs from the dataclasses.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from tokenunlearn.errors import SettingError
from tokenunlearn.settings import SettingInfo, add_flags, describe

PICTURE: Final = Path(__file__).with_name("flags.json")
CLASSES: Final = (
    "tokenunlearn.scoring:ScoreConfig",
    "tokenunlearn.learned.fit:FitSettings",
    "tokenunlearn.selection:Rule",
    "tokenunlearn.training.config:TrainConfig",
    "tokenunlearn.training.teach:TeachConfig",
    "tokenunlearn.probes.evidence:ProbeSettings",
    "tokenunlearn.experiments.config:CompareConfig",
    "tokenunlearn.experiments.gradients:GradientsConfig",
    "tokenunlearn.experiments.perturbation:PerturbConfig",
)


def add_settings(
    parser: argparse.ArgumentParser,
    name: str,
    hidden: Sequence[str] = (),
    defaults: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Add the flags of the dataclass `name` (such as ScoreConfig) to the parser.

    `hidden` settings are not listed by --help: the verb refuses them, with its reason. `defaults`: the verb's
    own, to be given to `from_flags` as well.
    """
    records = json.loads(PICTURE.read_text(encoding="utf-8"))[name]
    records = [each | {"default": defaults.get(each["name"], each["default"])} for each in records]
    add_flags(parser, [_info(record) for record in records], title=f"settings ({name})", hidden=hidden)


def values_of(texts: list[str], example: str) -> dict[str, Any]:
    """Name → value, from texts such as beta=0.1; a value is JSON, or else the text itself.

    Raises SettingError for another form, with the example of a good one.
    """
    values = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise SettingError(f"set is {text!r}", "It must be NAME=VALUE", f"For example {example}", "--set")
        try:
            values[name] = json.loads(value)
        except (ValueError, RecursionError):  # no JSON, or a number or nesting beyond what Python reads
            values[name] = value
    return values


def picture() -> dict[str, list[dict[str, Any]]]:
    """Return all settings of all verbs as JSON values, read from the dataclasses (this imports torch).

    Without what only the page says of them.
    """
    described = {}
    for place in CLASSES:
        module, name = place.split(":")
        described[name] = [asdict(info) for info in describe(getattr(import_module(module), name))]
        for record in described[name]:
            del record["label"], record["unset"]
    return json.loads(json.dumps(described))


def _info(record: dict[str, Any]) -> SettingInfo:
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in record.items()
    }
    return SettingInfo(**values)


if __name__ == "__main__":
    PICTURE.write_text(json.dumps(picture(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
