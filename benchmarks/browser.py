"""The Chromium of the benchmarks, asked for before anything is timed."""

import subprocess
import sys
from pathlib import Path
from typing import Final

SCRIPT: Final = Path(__file__).resolve().parents[1] / ".ci" / "chromium"


def chromium() -> str:
    """Return the path of the Chromium that `.ci/chromium` finds; where there is none, exit."""
    asked = subprocess.run([str(SCRIPT)], capture_output=True, text=True)
    if asked.returncode:
        sys.exit("No Chromium is here. Run `.ci/chromium --install`, or set CHROMIUM=/path/to/it.")
    return asked.stdout.strip()
