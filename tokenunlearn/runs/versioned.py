"""One JSON file that several people may save: it is replaced only by somebody who knows its version.

A version is the time of its save in ms, or one more than the version before: two files never have the same by
chance. The caller holds the folder's lock while it saves.
"""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenunlearn.runs.damage import read_kept
from tokenunlearn.runs.disk import write_json_atomically


@dataclass(frozen=True)
class Saved:
    """What stands on disk after a save; `taken` is False where a newer version was there and was kept."""

    taken: bool
    record: Mapping[str, Any]


def read_versioned(path: Path) -> tuple[dict[str, Any] | None, str]:
    """Return the record `{version, saved, …}` and "", or None and why it cannot be read ("" for no file)."""
    return read_kept(path)


def save_versioned(
    path: Path,
    content: Mapping[str, Any],
    base: int,
    read: Callable[[Path], tuple[dict[str, Any] | None, str]] = read_versioned,
) -> Saved:
    """Save the content, unless somebody saved since; return what stands on disk then.

    `base` is the version that the content was made from, 0 where there was none. A file that cannot be read
    is put aside as `<name>-damaged-<time>.json`. `read`: how what stands there is read, as `read_versioned`.
    """
    now = now_ms()
    standing, damage = read(path)
    if standing is not None and standing["version"] != base:
        return Saved(False, standing)
    if damage:
        os.replace(path, path.with_name(f"{path.stem}-damaged-{now}{path.suffix}"))
    record = {**content, "version": max(now, base + 1), "saved": now}
    write_json_atomically(path, record)
    return Saved(True, record)


def now_ms() -> int:
    """Return milliseconds since 1970, as the page counts them."""
    return int(time.time() * 1000)
