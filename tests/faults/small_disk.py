"""A disk of its own that is small, and can be filled, where one may be mounted (as root)."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


@contextmanager
def small_disk_at(place: Path, size: str) -> Iterator[Path]:
    """Mount one at a new folder; where that may not be done the test is skipped."""
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no disk may be mounted here; test_full_disk.py raises the same errors")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def fill(place: Path, leave: int = 0) -> Path:
    """Write until the disk has only so many bytes left; return what was written."""
    rest = place / f"rest-{leave}"
    with suppress(OSError), rest.open("wb", buffering=0) as file:
        while shutil.disk_usage(place).free > leave:
            file.write(b"x" * 512)
    return rest
