"""The settings of training as flags, for the verbs that train: `unlearn` and `compare`."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tokenunlearn.cli.flags import add_settings, values_of
from tokenunlearn.settings import from_dict, from_flags, to_dict

if TYPE_CHECKING:
    from tokenunlearn.training.config import TrainConfig


def add_rows_to_keep(parser: argparse.ArgumentParser) -> None:
    """Let the parser take a file of rows to keep."""
    parser.add_argument(
        "--retain-rows", metavar="FILE", help="rows to keep, beside those that FILE marks with split retain"
    )


def add_training(parser: argparse.ArgumentParser, hidden: Sequence[str] = ()) -> None:
    """Add the flags of TrainConfig, and --set for those of the objective; `hidden` as in `add_settings`."""
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of the objective itself, such as beta=0.1; `list` names them; may be repeated",
    )
    add_settings(parser, "TrainConfig", hidden)


def training_settings(arguments: argparse.Namespace) -> "TrainConfig":
    """Return the settings that the flags say. Raises SettingError for a value that is out of bounds."""
    from tokenunlearn.training.config import TrainConfig

    values = values_of(arguments.set, "beta=0.1")
    return from_dict(
        TrainConfig, {**to_dict(from_flags(TrainConfig, arguments)), "objective_settings": values}
    )
