"""What a person calls a run, and notes on it: a file of its own beside the run, which decides no result."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from tokenunlearn.contents import text_of
from tokenunlearn.data.json_text import from_json
from tokenunlearn.runs.damage import record_fault
from tokenunlearn.runs.disk import write_json_atomically

FILE: Final = "note.json"


@dataclass(frozen=True)
class RunNote:
    """A run's name, "" for the one that it was started under; its tags, and a text."""

    name: str = ""
    tags: tuple[str, ...] = ()
    text: str = ""


def read_note(directory: Path) -> tuple[RunNote, str]:
    """Return a run's note, and why it cannot be read: a damaged one counts as none, with the reason."""
    try:
        record = from_json(text_of(directory / FILE))
    except FileNotFoundError:
        return RunNote(), ""
    except (OSError, ValueError) as error:
        return RunNote(), f"The note of {directory.name} cannot be read: {error}. Saving replaces it."
    fault = record_fault(FILE, record)
    if fault:
        return RunNote(), f"The note of {directory.name} cannot be read: {fault}. Saving replaces it."
    return RunNote(record["name"], tuple(record["tags"]), record["text"]), ""


def note_version(directory: Path) -> str:
    """Return what changes with each save of a run's note, "0" where it has none."""
    try:
        return str((directory / FILE).stat().st_mtime_ns)
    except OSError:
        return "0"


def write_note(directory: Path, note: RunNote) -> None:
    """Replace a run's note as a whole; an empty one is no file."""
    if note == RunNote():
        (directory / FILE).unlink(missing_ok=True)
    else:
        write_json_atomically(directory / FILE, asdict(note))
