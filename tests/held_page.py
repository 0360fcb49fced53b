"""`python -m tests.held_page`: the page; while a file `hold` lies beside the runs no model is loaded.

While there is a file `hold_rows`, only the first four rows are scored.
"""

import sys
import time
from pathlib import Path
from typing import Any

from app import __main__ as page
from app import loading as way
from app.service import Service
from tokenunlearn.models import loading


def hold_loading(gate: Path) -> None:
    """Nothing; from now on models are loaded once the file is gone, and the page is shown before."""
    load = loading.load_model

    def when_open(*given: Any, **named: Any) -> Any:
        while gate.exists():
            time.sleep(0.05)
        return load(*given, **named)

    loading.load_model = when_open
    page.LOADING_SECONDS = 0.0


def hold_scoring(gate: Path) -> None:
    """Nothing; from now on no further row is scored after the first ones until the file is gone."""
    turn_to = Service.turn_to

    def when_shown(*given: Any) -> None:
        turn_to(*given)
        while gate.exists():
            time.sleep(0.05)

    Service.turn_to = when_shown
    way.FIRST_SHOWN = 4


if __name__ == "__main__":
    folder = page.parser().parse_args().runs.parent
    hold_loading(folder / "hold")
    hold_scoring(folder / "hold_rows")
    sys.exit(page.main())
