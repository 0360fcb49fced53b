"""fit the learned scorer: which words state the fact, from marked rows

Our annotated rows and the marks on yours → a scorer for `score --signals learned --scorer FOLDER`.
"""

import argparse
from pathlib import Path

from tokenunlearn.cli.flags import add_settings
from tokenunlearn.cli.outputs import add_output
from tokenunlearn.cli.sources import add_model, add_rows, given_rows, load
from tokenunlearn.documents.terminal import to_stdout
from tokenunlearn.settings import from_flags


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_rows(parser, "all demo sets, whose gold are the marks")
    parser.add_argument(
        "--marks",
        metavar="FILE",
        help="marks of the rows: those of the page (.json), or rows with gold; without it the rows' own gold",
    )
    add_output(parser, "--out", required=True, help="folder to write the scorer to")
    add_model(parser)
    add_settings(parser, "FitSettings")


def run(arguments: argparse.Namespace) -> int:
    """Return 0, after the scorer was written; how far to trust it, held out, goes to stdout."""
    folder = Path(arguments.out)
    found = given_rows(arguments, "shared_forget", "shared_retain", "one_off", "world")
    rows = (*found.forget, *found.retain, *found.world)

    from tokenunlearn.audit.audited import audited
    from tokenunlearn.audit.trust import said
    from tokenunlearn.learned.fit import FitSettings
    from tokenunlearn.learned.fitted import fit_marks
    from tokenunlearn.learned.marks import marks_of_rows, read_marks
    from tokenunlearn.learned.scorer_files import FILE, write_scorer

    settings = from_flags(FitSettings, arguments)
    marks = marks_of_rows(rows)
    if arguments.marks:
        marks |= read_marks(arguments.marks, rows)
    model = load(arguments)
    scorer = fit_marks(model, rows, marks, settings)
    folder.mkdir(exist_ok=True)
    write_scorer(folder / FILE, scorer)
    about = scorer.made_of
    to_stdout(
        f"fitted on {about['words']} annotated and {about['marked_words']} marked words; hash {scorer.hash}\n"
        f"{said(audited(model, rows, marks, settings=settings))}\n"
    )
    return 0
