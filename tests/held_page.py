"""`python -m tests.held_page`: the page; its model is not loaded while a file `hold` lies beside the runs."""

import sys
import time
from pathlib import Path
from typing import Any

from app import __main__ as page
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


if __name__ == "__main__":
    hold_loading(page.parser().parse_args().runs.parent / "hold")
    sys.exit(page.main())
