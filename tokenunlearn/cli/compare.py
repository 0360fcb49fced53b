"""compare arms: chosen tokens against uniform, random and gold, objectives, or rivals, over seeds

Everything but the tokens is the same: target, rows, objective, settings, seeds. With --objectives (names, or
all) each objective trains the chosen tokens at its default. A rival among --arms, such as icul, trains
nothing and is measured as it is made. Measured at equal steps, equal forgetting and equal retention. Prints
one table, and which differences between the chosen tokens and a control are shown; --out keeps every single
measurement as JSONL. Run it again with the same --out to go on: what is measured stays.
"""

import argparse
from dataclasses import replace

from tokenunlearn.cli.bench import add_bench, measured, print_results, rows_of
from tokenunlearn.documents.terminal import to_stderr
from tokenunlearn.errors import SettingError
from tokenunlearn.settings import from_flags


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_bench(parser)


def run(arguments: argparse.Namespace) -> int:
    """Return 0, after the table was printed."""
    from tokenunlearn.experiments.config import CompareConfig

    _refuse_one_objective(arguments)
    asked, rows = from_flags(CompareConfig, arguments), rows_of(arguments)
    arms = ("chosen",) if asked.objectives and arguments.arms is None else asked.arms
    if arguments.arms is None and "gold" in arms and not any(row.gold for row in rows.forget):
        to_stderr("no row to forget has its fact marked: the arm gold is left out\n")
        arms = tuple(arm for arm in arms if arm != "gold")
    print_results(measured(arguments, replace(asked, arms=arms), rows), arguments.out)
    return 0


def _refuse_one_objective(arguments: argparse.Namespace) -> None:
    """Raise SettingError for the settings of one objective where several are compared at their defaults."""
    typed = "--set" if arguments.set else "--objective" if arguments.objective is not None else ""
    if arguments.objectives is not None and typed:
        raise SettingError(
            f"{typed} and --objectives contradict each other",
            "Objectives are compared at their default settings",
            "Leave one of them out",
            typed,
        )
