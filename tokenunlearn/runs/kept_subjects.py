"""The subjects that a person gave rows of one set of scores: kept on disk, so that a restart finds them."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Final

from tokenunlearn.passes import SubjectEdit
from tokenunlearn.runs.disk import write_json_atomically

FOLDER: Final = ".subjects"


def write_subjects(runs: Path, scores_id: str, edits: Mapping[str, SubjectEdit]) -> None:
    """Nothing; the edits by row id are written as a whole. `scores_id` is that of the scores without them."""
    path = _path(runs, scores_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json_atomically(path, {name: asdict(edit) for name, edit in edits.items()})


def read_subjects(runs: Path, scores_id: str) -> dict[str, SubjectEdit]:
    """The edits by row id; empty where none were kept or they cannot be read."""
    try:
        record = json.loads(_path(runs, scores_id).read_text(encoding="utf-8"))
        return {name: SubjectEdit(edit["subject"], tuple(edit["names"])) for name, edit in record.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _path(runs: Path, scores_id: str) -> Path:
    return runs / FOLDER / f"{scores_id}.json"
