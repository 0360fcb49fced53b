"""What is wrong with disk, assets and runs, looked at beside the page: its header says so."""

import logging
import threading
import time
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from tokenunlearn.doctor import ailments
from tokenunlearn.runs.store import RunStore

LOG: Final = logging.getLogger(__name__)
SECONDS: Final = 300.0  # between two looks


@dataclass(eq=False)
class Health:
    """The findings of the last look, as JSON values; none before the first."""

    found: list[dict[str, Any]] = field(default_factory=list)

    def watch(self, store: RunStore) -> None:
        """Look now and then, in a thread that ends with the process."""
        threading.Thread(target=self._watch, args=(store,), name="health", daemon=True).start()

    def _watch(self, store: RunStore) -> None:
        while True:
            self.look(store)
            time.sleep(SECONDS)

    def look(self, store: RunStore) -> None:
        """Look once. What goes wrong in looking is written to the log, and the last findings stay."""
        try:
            self.found = [asdict(each) for each in ailments(store)]
        except Exception:
            LOG.exception("The installation could not be looked over")
