"""write a report of a comparison or run: one HTML file, the same as JSON, every plot as SVG and PNG

RESULTS is the file of `compare`, `sweep` or `validate` (--out), or the folder of a run of the page. The HTML
opens offline, holds no script and loads nothing. --json holds every number of it.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from tokenunlearn.cli.outputs import PICTURES, add_output
from tokenunlearn.documents.terminal import to_stdout
from tokenunlearn.settings import names_in
from tokenunlearn.text.numbers import now_words


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("results", metavar="RESULTS", help="file of a comparison, or folder of a run")
    add_output(parser, "--out", ".html", required=True, help="the report, .html")
    add_output(parser, "--json", ".json", help="the same as data, .json")
    add_output(parser, "--plots", holds=PICTURES, help="every plot as .svg and .png")
    parser.add_argument(
        "--scores", metavar="PATH", help="table of scores, where it does not lie beside RESULTS"
    )
    parser.add_argument(
        "--planned",
        metavar="TEXT[,TEXT]",
        help="comparisons to judge by themselves, such as 'fact_joint: chosen - random', where RESULTS was "
        "measured without any: the report says that they were named afterwards",
    )
    parser.add_argument("--mask", metavar="PATH", help="mask file, where it does not lie beside RESULTS")


def run(arguments: argparse.Namespace) -> int:
    """Return 0, after everything is written."""
    from tokenunlearn.documents.drawing import drawing_files
    from tokenunlearn.documents.plots import plots
    from tokenunlearn.documents.record import report_json, report_of
    from tokenunlearn.documents.report_page import report_page
    from tokenunlearn.documents.sources import open_source
    from tokenunlearn.experiments.planned import plan_for
    from tokenunlearn.experiments.results import runs_measured
    from tokenunlearn.runs.disk import write_bytes_atomically

    given = (arguments.scores, arguments.mask, arguments.json, arguments.plots)
    scores, mask, data, folder = (Path(each) if each else None for each in given)
    source = open_source(Path(arguments.results), scores, mask)
    if arguments.planned:
        texts = names_in(arguments.planned)
        known = runs_measured(source.results)
        plan = plan_for(texts, source.plan, known, None, now_words(), arguments.results)
        source = replace(source, plan=plan)
    report = report_of(source, arguments.command, now_words())
    files = {Path(arguments.out): report_page(report).encode()}
    if data:
        files[data] = report_json(report).encode()
    if folder:
        files |= drawing_files(plots(report.record), folder)
    for path, content in files.items():
        write_bytes_atomically(path, content)
        to_stdout(f"{path}\n")
    return 0
