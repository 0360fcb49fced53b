"""The scores that pages may refer to: the newest few, each with the session whose rows and model it is of."""

import threading
from collections.abc import Callable
from typing import Final

from app.sessions.session import Session
from app.shown import ShownScores
from tokenunlearn.errors import MaskError

KEPT_SCORES: Final = 4


class Shelf:
    """Holds shown scores, the newest last; safe to call from several threads."""

    def __init__(self, recorded: ShownScores | None = None) -> None:
        self._shown = [recorded] if recorded else []
        self._owners: dict[str, Session] = {}
        self._lock = threading.RLock()

    def newest(self) -> ShownScores | None:
        """Return the newest scores, None before anything can be shown."""
        with self._lock:
            return self._shown[-1] if self._shown else None

    def find(self, scores_id: str) -> ShownScores:
        """Return the scores a page refers to. Raises MaskError when they are no longer held."""
        with self._lock:
            for shown in reversed(self._shown):
                if shown.payload["scores_id"] == scores_id:
                    return shown
        raise MaskError("These scores are no longer on the server", fix="Reload the page")

    def find_text(self, text_id: str, scores_id: str = "") -> ShownScores:
        """Return the scores of a text: those under `scores_id` if they are held, else the newest.

        Raises MaskError when none of it are held any more.
        """
        with self._lock:
            of_text = [shown for shown in reversed(self._shown) if shown.text_id == text_id]
        if not of_text:
            raise MaskError("This text is no longer open on the server", fix="Open its model and data again")
        return next((shown for shown in of_text if shown.scores_id == scores_id), of_text[0])

    def owner(self, shown: ShownScores) -> Session | None:
        """Return the session whose rows and model these scores are of; None for a recorded example."""
        return self._owners.get(shown.scores_id)

    def put(self, shown: ShownScores, owner: Session, newest: bool) -> None:
        """Hold these scores of `owner`, as the newest or the oldest; older ones leave.

        A signal that was computed meanwhile on scores of the same id is kept.
        """
        with self._lock:
            for before in self._shown:
                if before.scores_id == shown.scores_id:
                    shown = shown.with_signals_of(before)
            others = [each for each in self._shown if each.scores_id != shown.scores_id]
            self._hold([*others, shown] if newest else [shown, *others], {shown.scores_id: owner})

    def grow(self, scores_id: str, change: Callable[[ShownScores], ShownScores]) -> ShownScores:
        """Return the scores under this id as `change` makes them, held in their place. Raises MaskError."""
        while True:
            shown = self.find(scores_id)
            grown = change(shown)
            with self._lock:  # Others changed them meanwhile: once more, from theirs.
                if self.find(scores_id) is shown:
                    self._hold([grown if each is shown else each for each in self._shown])
                    return grown

    def _hold(self, shown: list[ShownScores], owners: dict[str, Session] | None = None) -> None:
        self._shown = shown[-KEPT_SCORES:]
        ids = {each.scores_id for each in self._shown}
        known = {**self._owners, **(owners or {})}
        self._owners = {scores_id: owner for scores_id, owner in known.items() if scores_id in ids}
