"""The subjects that a person gave rows of a text: kept on disk, so that a restart finds them."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Final

from tokenunlearn.passes import SubjectEdit
from tokenunlearn.runs.damage import read_kept
from tokenunlearn.runs.disk import write_json_atomically
from tokenunlearn.runs.mask_store import changing, text_folder

NAME: Final = "subjects.json"


def write_subjects(runs: Path, text_id: str, edits: Mapping[str, SubjectEdit]) -> None:
    """Write the edits by row id as a whole, also where there is none any more."""
    folder = text_folder(runs, text_id)
    with changing(folder):
        write_json_atomically(folder / NAME, {name: asdict(edit) for name, edit in edits.items()})


def read_subjects(runs: Path, text_id: str) -> dict[str, SubjectEdit]:
    """Return the edits by row id; empty where none were kept or they cannot be read."""
    return subjects_in(text_folder(runs, text_id) / NAME)


def subjects_in(path: Path) -> dict[str, SubjectEdit]:
    """Return the edits in one file, by row id; empty where there is none that can be read."""
    record = read_kept(path, NAME)[0] or {}
    return {name: SubjectEdit(edit["subject"], tuple(edit["names"])) for name, edit in record.items()}
