"""`python -m tests.held_page [plain]`: the page; while a file `hold` lies beside the runs no model is loaded.

`plain` is the Tokens tab alone, without Gradio (plain_page.py). While there is a file `hold_rows`, only the
first four rows are scored; while there is `scarce`, there is too little memory for a row named hal.
"""

import sys
import time
from pathlib import Path
from typing import Any

from app import __main__ as page
from app.sessions import opening
from app.sessions.sessions import Sessions
from tests import plain_page
from tokenunlearn import scoring
from tokenunlearn.models import loading


def hold_loading(gate: Path) -> None:
    """Load models only once the file is gone; the page is shown before."""
    load = loading.load_model

    def when_open(*given: Any, **named: Any) -> Any:
        while gate.exists():
            time.sleep(0.05)
        return load(*given, **named)

    loading.load_model = when_open
    page.LOADING_SECONDS = 0.0


def hold_scoring(gate: Path) -> None:
    """Score no further row after the first ones until the file is gone."""
    turn_to = Sessions.turn_to

    def when_shown(*given: Any) -> None:
        turn_to(*given)
        while gate.exists():
            time.sleep(0.05)

    Sessions.turn_to = when_shown
    opening.FIRST_SHOWN = 4


def fail_row(gate: Path) -> None:
    """Let passes over the row named hal fail while the file is there."""
    measure = scoring.group_passes

    def when_enough(model: Any, infos: Any, *more: Any) -> Any:
        if gate.exists() and any(info.row.id == "hal" for info in infos):
            raise MemoryError("this row needs more memory than there is")
        return measure(model, infos, *more)

    scoring.group_passes = when_enough


if __name__ == "__main__":
    if "plain" in sys.argv:
        sys.argv.remove("plain")
        page.build = plain_page.build
    folder = page.parser().parse_args().runs.parent
    hold_loading(folder / "hold")
    hold_scoring(folder / "hold_rows")
    fail_row(folder / "scarce")
    sys.exit(page.main())
