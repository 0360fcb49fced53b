"""Drafts and named masks on disk, in the folder of runs; files only, so they outlive page and server.

`.texts/<text_id>/draft.json` is the one draft on a text, with a version that grows with every save;
`.texts/<text_id>/mask-<n>.jsonl` are named masks in the format of `masks.py`, written once and never again;
one that was removed ends in `.removed`. `subjects.json` there is of `kept_subjects.py`, `marks.json` of
`marks_store.py`.
Whole files are replaced or linked atomically; a lock keeps two savers apart.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from tokenunlearn.errors import MaskError
from tokenunlearn.masks import read_header
from tokenunlearn.runs.damage import read_kept
from tokenunlearn.runs.disk import locked, write_bytes_atomically
from tokenunlearn.runs.store import TEXTS
from tokenunlearn.runs.versioned import Saved, read_versioned, save_versioned

REMOVED: Final = ".removed"
MOST_MASKS: Final = 500
_TEXT_ID: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.-]{0,79}")
_MASK_ID: Final = re.compile(r"mask-[1-9][0-9]{0,5}")


def text_folder(runs: Path, text_id: str) -> Path:
    """Return the folder of a text. Raises MaskError for an id that names none."""
    if not _TEXT_ID.fullmatch(text_id):
        raise MaskError(f"{text_id[:40]!r} names no text", fix="Reload the page")
    return runs / TEXTS / text_id


@contextmanager
def changing(folder: Path) -> Iterator[None]:
    """Hold the lock of a text's folder, which is made where there is none.

    Not the folder of runs: where that is gone, what was written in its place would be hidden when it is back.
    """
    for each in (folder.parent, folder):
        each.mkdir(exist_ok=True)
    with locked(folder / ".lock"):
        yield


class MaskStore:
    """The drafts and named masks below one folder of runs."""

    def __init__(self, runs: Path) -> None:
        self.runs = runs

    def sweep(self) -> None:
        """Delete what writers that were killed left half written; nobody writes without the folder's lock."""
        for folder in (self.runs / TEXTS).glob("*"):
            with suppress(OSError), changing(folder):
                for part in folder.glob(".*.part"):
                    part.unlink(missing_ok=True)

    def draft(self, text_id: str, tokens: int | None = None) -> dict[str, Any] | None:
        """Return the draft on this text `{version, saved, …}`; None where none can be read.

        `tokens`: how many the text has, where that is known; a draft that decides on others cannot be read.
        """
        return _read_draft(text_folder(self.runs, text_id) / "draft.json", tokens)[0]

    def save_draft(
        self, text_id: str, content: Mapping[str, Any], base: int, tokens: int | None = None
    ) -> Saved:
        """Save the draft, unless somebody saved since; return what stands on disk then (`save_versioned`)."""
        folder = text_folder(self.runs, text_id)
        with changing(folder):
            return save_versioned(
                folder / "draft.json", content, base, lambda path: _read_draft(path, tokens)
            )

    def add_mask(self, text_id: str, name: str, text: str) -> str:
        """Add a named mask with the text of a mask file, which never changes; return its id.

        Raises MaskError when the name is taken or the folder is full.
        """
        folder = text_folder(self.runs, text_id)
        with changing(folder):
            listed = self.masks(text_id)
            if _named(listed, name):
                raise MaskError(
                    f"There is a mask “{name}” already", "Saved masks never change", "Take another name"
                )
            if len(listed) >= MOST_MASKS:
                raise MaskError(f"{MOST_MASKS} masks are saved", fix=f"Move some away from {folder}")
            files = [*self._files(folder), *self._files(folder, REMOVED)]
            numbers = [int(path.stem.removeprefix("mask-")) for path in files]
            mask_id = f"mask-{max(numbers, default=0) + 1}"
            write_bytes_atomically(folder / f"{mask_id}.jsonl", text.encode(), once=True)
        return mask_id

    def masks(self, text_id: str) -> list[dict[str, Any]]:
        """Return the named masks, oldest first; a file that cannot be read is left out.

        Each is `{id, name, set, saved, hash, chosen, of, overrides, scores_id, signals}`: `scores_id` of the
        scores that its numbers are of, `signals` those of its rule.
        """
        listed = []
        for path in self._files(text_folder(self.runs, text_id)):
            try:
                header = read_header(path)
                made = header["provenance"]
                listed.append(
                    {name: made[name] for name in ("name", "set", "saved", "chosen", "of")}
                    | {"id": path.stem, "hash": str(header["hash"]), "overrides": len(header["overrides"])}
                    | {"scores_id": str(header["scores_id"])}
                    | {"signals": [str(header["rule"][name]) for name in ("knowledge", "entropy")]}
                )
                if not (isinstance(made["name"], str) and isinstance(made["saved"], int)):
                    listed.pop()
            except (MaskError, KeyError, TypeError):
                continue
        return listed

    def faults(self, text_id: str, tokens: int | None = None) -> list[str]:
        """Return why the draft, the subjects or a named mask of a text cannot be read, a sentence a file."""
        folder = text_folder(self.runs, text_id)
        found = [_read_draft(folder / "draft.json", tokens)[1], read_kept(folder / "subjects.json")[1]]
        listed = {mask["id"] for mask in self.masks(text_id)}
        found += [f"{path} cannot be read" for path in self._files(folder) if path.stem not in listed]
        return [fault for fault in found if fault]

    def path(self, text_id: str, mask_id: str) -> Path:
        """Return the file of a named mask. Raises MaskError when there is none."""
        path = text_folder(self.runs, text_id) / f"{mask_id}.jsonl"
        if not _MASK_ID.fullmatch(mask_id) or not path.is_file():
            raise MaskError(f"There is no saved mask {mask_id[:40]!r}", fix="Reload the list of masks")
        return path

    def remove(self, text_id: str, mask_id: str) -> None:
        """Take a mask off the list; its file stays under another ending. Raises MaskError."""
        path = self.path(text_id, mask_id)
        os.replace(path, path.with_suffix(REMOVED))

    def restore(self, text_id: str, mask_id: str) -> None:
        """List a removed mask again.

        Raises MaskError when there is none, or when another one has its name now.
        """
        folder = text_folder(self.runs, text_id)
        removed = folder / f"{mask_id}{REMOVED}"
        if not _MASK_ID.fullmatch(mask_id) or not removed.is_file():
            raise MaskError(f"There is no removed mask {mask_id[:40]!r}", fix="Reload the list of masks")
        with changing(folder):
            name = str(read_header(removed)["provenance"]["name"])
            if _named(self.masks(text_id), name):
                raise MaskError(f"There is a mask “{name}” by now", fix="Remove that one first")
            os.replace(removed, removed.with_suffix(".jsonl"))

    def _files(self, folder: Path, ending: str = ".jsonl") -> list[Path]:
        files = [path for path in folder.glob(f"mask-*{ending}") if _MASK_ID.fullmatch(path.stem)]
        return sorted(files, key=lambda path: int(path.stem.removeprefix("mask-")))


def _read_draft(path: Path, tokens: int | None) -> tuple[dict[str, Any] | None, str]:
    """Return a draft and "", or None and why it cannot be read, as of one that decides on no token here."""
    draft, fault = read_versioned(path)
    decided = [*draft.get("overrides", ()), *draft.get("notes", ())] if draft else []
    beyond = [index for index in decided if tokens is not None and int(index) >= tokens]
    return (
        (None, f"{path} cannot be read: token {beyond[0]} is not in this text") if beyond else (draft, fault)
    )


def _named(masks: Sequence[Mapping[str, Any]], name: str) -> bool:
    """Return whether one of them has the name, in whatever case."""
    return any(mask["name"].casefold() == name.casefold() for mask in masks)
