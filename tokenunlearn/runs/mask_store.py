"""Drafts and named masks on disk, in the folder of runs; files only, so they outlive page and server.

`.masks/<scores_id>/draft.json` is the one draft on these scores, with a version that grows by one per save;
`.masks/<scores_id>/mask-<n>.jsonl` are named masks in the format of `masks.py`, written once and never again;
one that was removed ends in `.removed`.
Whole files are replaced or linked atomically; a lock keeps two savers apart.
"""

import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tokenunlearn.errors import MaskError
from tokenunlearn.masks import read_header
from tokenunlearn.runs.disk import locked, write_bytes_atomically, write_json_atomically

FOLDER: Final = ".masks"
REMOVED: Final = ".removed"
MOST_MASKS: Final = 500
_SCORES_ID: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.-]{0,79}")
_MASK_ID: Final = re.compile(r"mask-[1-9][0-9]{0,5}")


@dataclass(frozen=True)
class SavedDraft:
    """What stands on disk after a save; `taken` is False where a newer version was there and was kept."""

    taken: bool
    draft: Mapping[str, Any]


class MaskStore:
    """The drafts and named masks below one folder of runs."""

    def __init__(self, runs: Path) -> None:
        self.root = runs / FOLDER

    def draft(self, scores_id: str) -> dict[str, Any] | None:
        """The draft on these scores `{version, saved, …}`; None where there is none that can be read."""
        try:
            record = json.loads((self._folder(scores_id) / "draft.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return record if isinstance(record, dict) and isinstance(record.get("version"), int) else None

    def save_draft(self, scores_id: str, content: Mapping[str, Any], base: int) -> SavedDraft:
        """The draft as it stands now: the content as version base + 1, or what somebody else saved since.

        `base` is the version that the content was made from, 0 where there was none.
        """
        folder = self._made(scores_id)
        with locked(folder / ".lock"):
            standing = self.draft(scores_id) or {"version": 0}
            if standing["version"] != base:
                return SavedDraft(False, standing)
            record = {**content, "version": base + 1, "saved": _now()}
            write_json_atomically(folder / "draft.json", record)
        return SavedDraft(True, record)

    def carry_draft(self, before: str, after: str) -> None:
        """Nothing; the draft on the scores `before` is the newest one on `after`, which have the same tokens.

        `carried` says where it came from, `{scores_id, version}`, until somebody saves over it. The masks
        that it was made from belong to the scores before and are not carried.
        """
        draft = self.draft(before)
        if draft is None or before == after:
            return
        folder = self._made(after)
        with locked(folder / ".lock"):
            version = (self.draft(after) or {"version": 0})["version"] + 1
            carried = {"scores_id": before, "version": draft["version"]}
            record = {**draft, "masks": [], "version": version, "carried": carried}
            write_json_atomically(folder / "draft.json", record)

    def add_mask(self, scores_id: str, name: str, text: str) -> str:
        """The id of a new named mask with the text of a mask file; there is no way to change it later.

        Raises MaskError when the name is taken or the folder is full.
        """
        folder = self._made(scores_id)
        with locked(folder / ".lock"):
            listed = self.masks(scores_id)
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

    def masks(self, scores_id: str) -> list[dict[str, Any]]:
        """The named masks `{id, name, set, saved, hash, chosen, of, overrides, elsewhere}`, oldest first.

        `elsewhere`: whether its rule and overrides were decided on other scores of this text. A file that
        cannot be read is left out.
        """
        listed = []
        for path in self._files(self._folder(scores_id)):
            try:
                header = read_header(path)
                made = header["provenance"]
                listed.append(
                    {name: made[name] for name in ("name", "set", "saved", "chosen", "of")}
                    | {"id": path.stem, "hash": str(header["hash"]), "overrides": len(header["overrides"])}
                    | {"elsewhere": "made_on" in made}
                )
            except (MaskError, KeyError, TypeError):
                continue
        return listed

    def path(self, scores_id: str, mask_id: str) -> Path:
        """The file of a named mask. Raises MaskError when there is none."""
        path = self._folder(scores_id) / f"{mask_id}.jsonl"
        if not _MASK_ID.fullmatch(mask_id) or not path.is_file():
            raise MaskError(f"There is no saved mask {mask_id[:40]!r}", fix="Reload the list of masks")
        return path

    def remove(self, scores_id: str, mask_id: str) -> None:
        """Nothing; the mask is no longer listed. Its file stays under another ending. Raises MaskError."""
        path = self.path(scores_id, mask_id)
        os.replace(path, path.with_suffix(REMOVED))

    def restore(self, scores_id: str, mask_id: str) -> None:
        """Nothing; a removed mask is listed again.

        Raises MaskError when there is none, or when another one has its name now.
        """
        folder = self._folder(scores_id)
        removed = folder / f"{mask_id}{REMOVED}"
        if not _MASK_ID.fullmatch(mask_id) or not removed.is_file():
            raise MaskError(f"There is no removed mask {mask_id[:40]!r}", fix="Reload the list of masks")
        with locked(folder / ".lock"):
            name = str(read_header(removed)["provenance"]["name"])
            if _named(self.masks(scores_id), name):
                raise MaskError(f"There is a mask “{name}” by now", fix="Remove that one first")
            os.replace(removed, removed.with_suffix(".jsonl"))

    def _files(self, folder: Path, ending: str = ".jsonl") -> list[Path]:
        files = [path for path in folder.glob(f"mask-*{ending}") if _MASK_ID.fullmatch(path.stem)]
        return sorted(files, key=lambda path: int(path.stem.removeprefix("mask-")))

    def _folder(self, scores_id: str) -> Path:
        if not _SCORES_ID.fullmatch(scores_id):
            raise MaskError(f"{scores_id[:40]!r} names no scores", fix="Reload the page")
        return self.root / scores_id

    def _made(self, scores_id: str) -> Path:
        folder = self._folder(scores_id)
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def _named(masks: Sequence[Mapping[str, Any]], name: str) -> bool:
    """Whether one of them has the name, in whatever case."""
    return any(mask["name"].casefold() == name.casefold() for mask in masks)


def _now() -> int:
    """Milliseconds since 1970, as the page counts them."""
    return int(time.time() * 1000)
