"""teach the model rows of your own, so that it has something to forget

The result is a PEFT adapter folder, to be named by --adapter of the other verbs.
"""

import argparse
from pathlib import Path

from tokenunlearn.cli.flags import add_settings
from tokenunlearn.cli.outputs import add_output
from tokenunlearn.cli.sources import add_model, add_rows, first_rows, load, more_rows
from tokenunlearn.documents.terminal import to_stderr
from tokenunlearn.settings import from_flags


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_rows(parser, "shared, forget and retain", "all are learnt, whatever their split")
    parser.add_argument(
        "--keep-rows",
        metavar="FILE",
        help="rows that must stay: those that the model knows are taught beside",
    )
    add_output(parser, "--out", required=True, help="folder of the adapter")
    add_model(parser)
    add_settings(parser, "TeachConfig")


def run(arguments: argparse.Namespace) -> int:
    """Return 0 after the adapter was written, 1 after divergence; an interrupted teaching writes nothing."""
    folder = Path(arguments.out)
    rows = first_rows(arguments, "shared_forget", "shared_retain")
    keep = more_rows(arguments, arguments.keep_rows) if arguments.keep_rows else ()
    to_stderr(f"{arguments.file or '--demo'}: {len(rows)} rows to learn, whatever their split\n")

    from tqdm import tqdm

    from tokenunlearn.training.events import Diverged, Finished, StepDone
    from tokenunlearn.training.teach import TeachConfig, teach

    config = from_flags(TeachConfig, arguments)
    diverged = False
    with tqdm(unit="step", desc="teach") as bar:
        loaded = load(arguments, demo_target=False, to_train=True)
        for event in teach(loaded, rows, config, folder, keep):
            if isinstance(event, StepDone):
                bar.total = event.steps
                bar.set_postfix(loss=f"{event.retain_loss:.3f}")
                bar.update()
            elif isinstance(event, Diverged):
                diverged = True
                to_stderr(f"\ndiverged: {event.reason}\n")
            elif isinstance(event, Finished):
                to_stderr(f"\n{event.reason}; adapter in {folder}\n")
    return int(diverged)
