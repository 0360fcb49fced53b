"""validate the claim on your rows: leaderboard, score bins, doses, controls with intervals, a verdict

Trains the chosen tokens beside controls, the tokens of each quantile of the score, and growing shares of the
tokens, over seeds. Says what is shown and what is not: of the two claims that it plans at its defaults, by
themselves, and of all else as exploratory. With --out it goes on where it stopped.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

from tokenunlearn.cli.bench import add_bench, measured, print_results, rows_of
from tokenunlearn.cli.sources import load
from tokenunlearn.documents.terminal import to_stdout
from tokenunlearn.settings import from_flags

CLAIMS: Final = ("fact_joint: chosen - random", "other: chosen - uniform_norm")
DEFAULTS: Final = MappingProxyType(
    {
        "arms": ("chosen", "random", "uniform_norm"),
        "seeds": 5,
        "bins": 4,
        "doses": 3,
        "series_seeds": 3,
        "planned": CLAIMS,
    }
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_bench(parser, DEFAULTS)


def run(arguments: argparse.Namespace) -> int:
    """Return 0, after everything was printed."""
    from tokenunlearn import __version__
    from tokenunlearn.cli.signal_reports import print_leaderboard
    from tokenunlearn.experiments.config import CompareConfig
    from tokenunlearn.experiments.planned import among
    from tokenunlearn.experiments.results import read_plan
    from tokenunlearn.runs.versions import versions

    asked, rows = from_flags(CompareConfig, arguments, {**DEFAULTS, "planned": None}), rows_of(arguments)
    # Of the defaults those that the arms can show; none where the file has been begun under other ones.
    if arguments.planned is None and not (arguments.out and read_plan(Path(arguments.out))):
        asked = replace(asked, planned=among(CLAIMS, asked.arms) or None)
    found = measured(arguments, asked, rows)
    software = ", ".join(f"{name} {version}" for name, version in versions().items())
    to_stdout(f"tokenunlearn {__version__}, {software}\n")
    print_leaderboard(load(arguments), rows)
    to_stdout("\n")
    print_results(found, arguments.out)
    return 0
