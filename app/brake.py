"""A brake on wrong guesses of the password: after a few each next one has to wait, and longer each time."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

FREE: Final = 5  # wrong guesses before anyone has to wait
MOST_SECONDS: Final = 300.0
MOST_PLACES: Final = 1_000  # of which wrong guesses are remembered, the newest


@dataclass(frozen=True)
class Guesses:
    """How many guesses of one place were not right, one under way counted, and when the last one came."""

    count: int
    last: float


class Brake:
    """Counts the guesses of each place (an address). Safe to call from several threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._places: dict[str, Guesses] = {}
        self._lock = threading.Lock()

    def begin(self, place: str) -> float:
        """Return 0 for a guess that may be made, else the seconds to wait, counted from now.

        It counts as wrong until `right` is called, so that many at once are no way round.
        """
        with self._lock:
            now = self._clock()
            before = self._places.pop(place, Guesses(0, now))
            wait = before.last + _pause(before.count) - now
            if wait > 0:
                self._places[place] = before
                return wait
            self._places[place] = Guesses(before.count + 1, now)
            while len(self._places) > MOST_PLACES:
                del self._places[next(iter(self._places))]
            return 0.0

    def right(self, place: str) -> None:
        """Forget the guesses of a place that gave the password."""
        with self._lock:
            self._places.pop(place, None)


def _pause(count: int) -> float:
    """Return how many seconds after `count` wrong guesses the next may come."""
    return 0.0 if count < FREE else min(2.0 ** min(count - FREE, 20), MOST_SECONDS)
