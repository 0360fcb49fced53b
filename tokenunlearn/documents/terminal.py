"""What is written where a person reads it on a terminal: names and texts of others cannot steer the terminal.

A file, a column or a row may be named with escapes that clear the screen or write an error away; they are
shown as pictures. What verbs write into files is as it is.
"""

import argparse
import sys
from typing import Any

from tokenunlearn.documents.safe_text import visible


def to_stdout(text: str) -> None:
    """Write a text to standard output."""
    sys.stdout.write(visible(text))


def to_stderr(text: str) -> None:
    """Write a text to standard error."""
    sys.stderr.write(visible(text))


class Parser(argparse.ArgumentParser):
    """A parser whose refusals show what was typed."""

    def _print_message(self, message: str, file: Any = None) -> None:
        super()._print_message(visible(message) if message else message, file)
