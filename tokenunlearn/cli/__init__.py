"""The command line: a module per verb; each parses, calls the library and writes.

Nothing here imports torch before a verb runs, so that `--help` answers at once.
"""

import argparse
import io
import os
import shlex
import sys
from collections.abc import Collection, Sequence
from importlib import import_module
from typing import Final

from tokenunlearn import __version__
from tokenunlearn.cli.outputs import of_standard_output, settle, writing
from tokenunlearn.cli.sources import INTERRUPTED
from tokenunlearn.documents.terminal import Parser, to_stderr
from tokenunlearn.errors import TokenUnlearnError
from tokenunlearn.waiting import wait_asleep

VERBS: Final = (
    "score",
    "fit",
    "select",
    "gradients",
    "perturb",
    "unlearn",
    "probe",
    "attack",
    "teach",
    "compare",
    "sweep",
    "validate",
    "report",
    "list",
    "doctor",
)

BROKEN_PIPE: Final = 141
_EXAMPLES: Final = """\
the journey, on the embedded model and our own rows:
  python -m tokenunlearn teach rows.jsonl --out taught
  python -m tokenunlearn score rows.jsonl --adapter taught --out scores.parquet
  python -m tokenunlearn select scores.parquet --fraction 0.25 --out mask.jsonl
  python -m tokenunlearn unlearn rows.jsonl --adapter taught --scores scores.parquet --mask mask.jsonl \\
      --out forgot
  python -m tokenunlearn probe rows.jsonl --adapter forgot/adapter --out report.json
"""


def build_parser(asked: Collection[str] = VERBS) -> argparse.ArgumentParser:
    """Return the parser of all verbs; the module of each one that is `asked` for adds its own arguments."""
    parser = Parser(
        prog="python -m tokenunlearn",
        description="See which tokens carry a fact, choose them, unlearn them, probe what is left.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=__version__)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for verb in VERBS:
        module = import_module(f"tokenunlearn.cli.{verb}")
        words = str(module.__doc__).split("\n")[0]
        child = verbs.add_parser(verb, help=words, description=words, allow_abbrev=False)
        if verb in asked:
            module.add_arguments(child)
        settle(child)
        child.set_defaults(run=module.run)
    return parser


def command_line(words: Sequence[str]) -> str:
    """Return the words of a command as it is typed in a shell."""
    return shlex.join(["python", "-m", "tokenunlearn", *words])


def _open_streams() -> None:
    """Let whatever a verb says be written, without a terminal and where the encoding lacks some of it."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _unsaid(error: OSError) -> int:
    """Return the exit code where standard output takes nothing."""
    # Python would say so once more, and differently, at its end.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):  # who read along has seen enough: `| head -1`
        return BROKEN_PIPE
    why = f"Standard output takes nothing: {error.strerror}"
    to_stderr(f"error: {why}. What was written before is whole.\n")
    return 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit code: 0 done, 1 diverged, 2 expected error (told on stderr), 130 Ctrl-C, work kept.

    141 where nobody reads on what it says, as the shell calls that.
    """
    wait_asleep()
    _open_streams()
    given = sys.argv[1:] if arguments is None else arguments
    parsed = build_parser([word for word in given if word in VERBS]).parse_args(given)
    parsed.command = command_line(given)
    try:
        with writing(parsed):
            status = int(parsed.run(parsed) or 0)
        sys.stdout.flush()
        return status
    except TokenUnlearnError as error:
        to_stderr(f"error: {error}\n")
        return 2
    except OSError as error:
        if of_standard_output(error):
            return _unsaid(error)
        to_stderr(f"error: {error.strerror or error}: {error.filename or 'no file named'}\n")
        return 2
    except KeyboardInterrupt:
        to_stderr("Interrupted.\n")
        return INTERRUPTED
