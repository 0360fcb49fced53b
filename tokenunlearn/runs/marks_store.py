"""What people marked as the fact, on disk beside the drafts (`mask_store`): data of its own, never a mask.

`.texts/<text_id>/marks.json` are the marks on a text, with a version that grows with every save;
`.texts/<text_id>/marks-<n>.json` are named sets of marks, written once, to compare two annotators; one that
was removed ends in `.removed`. `rows` in both: row id → `{fact: spans, other: spans, seen: bool}`, spans in
characters of the answer. `fact` is marked as the fact, `other` as not the fact; in a row that was `seen`
(reviewed) every other word is not the fact either.
"""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tokenunlearn.errors import MaskError
from tokenunlearn.runs.damage import read_kept
from tokenunlearn.runs.disk import write_bytes_atomically
from tokenunlearn.runs.mask_store import REMOVED, changing, text_folder
from tokenunlearn.runs.versioned import Saved, now_ms, read_versioned, save_versioned

MOST_SETS: Final = 100
_SET_ID: Final = re.compile(r"marks-[1-9][0-9]{0,5}")


class MarksStore:
    """The marks and the named sets of marks below one folder of runs."""

    def __init__(self, runs: Path) -> None:
        self.runs = runs

    def marks(self, text_id: str) -> tuple[dict[str, Any] | None, str]:
        """Return the marks `{version, saved, rows, …}` and "", or None and why they cannot be read."""
        return read_versioned(text_folder(self.runs, text_id) / "marks.json")

    def save(self, text_id: str, content: Mapping[str, Any], base: int) -> Saved:
        """Save the marks, unless somebody saved since; return what stands on disk then (`save_versioned`)."""
        folder = text_folder(self.runs, text_id)
        with changing(folder):
            return save_versioned(folder / "marks.json", content, base)

    def add_set(self, text_id: str, name: str, rows: Mapping[str, Any]) -> str:
        """Add a named set of marks, which never changes; return its id. Raises MaskError for a taken name."""
        folder = text_folder(self.runs, text_id)
        with changing(folder):
            listed = self.sets(text_id)
            if any(each["name"].casefold() == name.casefold() for each in listed):
                raise MaskError(
                    f"There are marks “{name}” already", "A saved set never changes", "Take another name"
                )
            if len(listed) >= MOST_SETS:
                raise MaskError(f"{MOST_SETS} sets of marks are saved", fix=f"Move some away from {folder}")
            numbers = [_number(path) for ending in (".json", REMOVED) for path in _files(folder, ending)]
            set_id = f"marks-{max(numbers, default=0) + 1}"
            record = {"name": name, "saved": now_ms(), "rows": dict(rows)}
            text = json.dumps(record, ensure_ascii=False, allow_nan=False)
            write_bytes_atomically(folder / f"{set_id}.json", text.encode(), once=True)
        return set_id

    def sets(self, text_id: str) -> list[dict[str, Any]]:
        """Return the named sets `{id, name, saved, rows}`, oldest first; damaged ones are left out."""
        listed = []
        for path in _files(text_folder(self.runs, text_id)):
            record = read_kept(path)[0]
            if record is not None:
                listed.append({"id": path.stem} | {name: record[name] for name in ("name", "saved", "rows")})
        return listed

    def faults(self, text_id: str) -> list[str]:
        """Return why marks or sets of a text cannot be read, a sentence a file."""
        folder = text_folder(self.runs, text_id)
        return [fault for path in (folder / "marks.json", *_files(folder)) if (fault := read_kept(path)[1])]

    def read_set(self, text_id: str, set_id: str) -> dict[str, Any]:
        """Return one named set `{id, name, saved, rows}`. Raises MaskError when there is none."""
        for each in self.sets(text_id):
            if each["id"] == set_id:
                return each
        raise MaskError(f"There is no saved set of marks {set_id[:40]!r}", fix="Reload the list of marks")

    def remove_set(self, text_id: str, set_id: str) -> None:
        """Take a set off the list; its file stays under another ending. Raises MaskError for no such set."""
        self.read_set(text_id, set_id)
        path = text_folder(self.runs, text_id) / f"{set_id}.json"
        os.replace(path, path.with_suffix(REMOVED))


def _files(folder: Path, ending: str = ".json") -> list[Path]:
    files = (path for path in folder.glob(f"marks-*{ending}") if _SET_ID.fullmatch(path.stem))
    return sorted(files, key=_number)


def _number(path: Path) -> int:
    return int(path.stem.removeprefix("marks-"))
