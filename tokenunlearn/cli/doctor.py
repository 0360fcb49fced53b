"""look over the installation, disk, assets and runs, and say how to mend what is wrong

Ends with 1 where something is wrong, with 0 where not.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Final

from tokenunlearn.documents.terminal import to_stderr, to_stdout

MARKS: Final = {"fine": "ok   ", "note": "note ", "wrong": "WRONG"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("--runs", metavar="FOLDER", default="runs", help="folder of the runs (default runs)")
    parser.add_argument("--json", action="store_true", help="the findings as JSON")
    parser.add_argument("--sweep", action="store_true", help="first remove what killed processes left")


def run(arguments: argparse.Namespace) -> int:
    """Return 1 where something is wrong, 0 where not."""
    from tokenunlearn.doctor import WRONG, examined, left_below, leftovers, sweep
    from tokenunlearn.models.embedded import cache_root

    runs = Path(arguments.runs)
    swept = sweep([*leftovers(runs), *left_below(cache_root())]) if arguments.sweep else []
    findings = examined(runs)
    for path, why in swept:
        to_stderr(f"{path} cannot be removed: {why}\n" if why else f"removed {path}\n")
    if arguments.json:
        to_stdout(json.dumps([asdict(each) for each in findings], indent=1) + "\n")
    else:
        for each in findings:
            to_stdout(f"{MARKS[each.state]} {each.name}: {each.found}\n")
            if each.fix:
                to_stdout(f"      {each.fix}\n")
    return int(any(each.state == WRONG for each in findings))
