"""remove context in the order of a score and see what is left of the fact (deletion, insertion, AOPC)

The rows to forget with gold, teacher-forced. Orders: the rule's score, signals, random, reverse, and what
each token does alone. Nothing is trained.
"""

import argparse
from pathlib import Path

from tokenunlearn.cli.chosen import asked_rule, scored_table, scoring_of
from tokenunlearn.cli.flags import add_settings
from tokenunlearn.cli.outputs import PICTURES, add_output
from tokenunlearn.cli.sources import INTERRUPTED, add_model, add_rows, followed, given_rows, load
from tokenunlearn.documents.terminal import to_stdout
from tokenunlearn.settings import from_flags


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_rows(parser, "the shared set")
    add_output(parser, "--out", ".json", help="all figures and curves as .json")
    add_output(parser, "--plots", holds=PICTURES, help="the curves as .svg and .png")
    add_model(parser)
    add_settings(parser, "PerturbConfig")
    add_settings(parser, "Rule")


def run(arguments: argparse.Namespace) -> int:
    """Return 0, after the table and what it says were printed; 130 after Ctrl-C, with nothing kept."""
    from tokenunlearn.experiments.perturbation import PerturbConfig

    settings = from_flags(PerturbConfig, arguments)
    rule = asked_rule(arguments)
    rows = given_rows(arguments, "shared_forget", "shared_retain")

    import pandas as pd

    from tokenunlearn.documents.drawing import drawing_files
    from tokenunlearn.documents.perturbation import perturbation_drawings
    from tokenunlearn.experiments.perturbation import order_columns, perturbation
    from tokenunlearn.experiments.perturbation_words import perturbation_lines, perturbation_said
    from tokenunlearn.masks import columns_from_table
    from tokenunlearn.runs.disk import write_bytes_atomically, write_json_atomically
    from tokenunlearn.selection import select

    loaded = load(arguments)
    if settings.over == "question":
        scores = pd.DataFrame({"row_id": [row.id for row in rows.forget]})
    else:
        table = scored_table(loaded, rows, scoring_of(rule, settings.signals))
        scores = order_columns(table, select(columns_from_table(table), rule).fused, settings)
    done = followed(perturbation(loaded, rows.forget, scores, settings), "perturb")
    if done is None:
        return INTERRUPTED
    report = {**done.report, "model": loaded.provenance()}
    if arguments.out:
        write_json_atomically(Path(arguments.out), {**report, "says": perturbation_said(report)})
    if arguments.plots:
        drawings = drawing_files(perturbation_drawings(report), Path(arguments.plots))
        for drawn, content in drawings.items():
            write_bytes_atomically(drawn, content)
    to_stdout("\n".join([*perturbation_lines(report), *perturbation_said(report)]) + "\n")
    return 0
