"""measure whether the chosen tokens' gradients agree, and whether the other tokens' are orthogonal to them

The rows to forget, under a fresh LoRA on the target: signal to noise of the chosen tokens against random ones
of the same count, layer by layer, and the cosines of the unchosen to the forget direction, which the theory
of TokenUnlearn takes to be near 0. Nothing is trained.
"""

import argparse
from pathlib import Path

from tokenunlearn.cli.chosen import add_choice, asked_rule, chosen_tokens
from tokenunlearn.cli.flags import add_settings
from tokenunlearn.cli.outputs import add_output
from tokenunlearn.cli.sources import INTERRUPTED, add_model, add_rows, followed, given_rows, load
from tokenunlearn.documents.terminal import to_stdout
from tokenunlearn.settings import from_flags


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_rows(parser, "the shared set")
    add_output(parser, "--out", ".json", help="all figures as .json")
    add_model(parser)
    add_settings(parser, "GradientsConfig")
    add_choice(parser)


def run(arguments: argparse.Namespace) -> int:
    """Return 0, after the table and what it says were printed; 130 after Ctrl-C, with nothing kept."""
    from tokenunlearn.experiments.gradients import GradientsConfig

    settings = from_flags(GradientsConfig, arguments)
    rule = asked_rule(arguments)
    rows = given_rows(arguments, "shared_forget", "shared_retain")

    from tokenunlearn.experiments.gradient_words import gradient_lines, gradient_said
    from tokenunlearn.experiments.gradients import gradient_view
    from tokenunlearn.runs.disk import write_json_atomically

    loaded = load(arguments, to_train=True)
    made_with = loaded.provenance()
    table, chosen = chosen_tokens(arguments.mask, rule, loaded, rows)
    events = gradient_view(loaded, rows.forget, table, chosen, settings)
    done = followed(events, "gradients")
    if done is None:
        return INTERRUPTED
    report = {**done.report, "model": made_with}
    if arguments.out:
        write_json_atomically(Path(arguments.out), {**report, "says": gradient_said(report)})
    to_stdout("\n".join([*gradient_lines(report), *gradient_said(report)]) + "\n")
    return 0
