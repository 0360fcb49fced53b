"""How far the opening of a session has come, and whether anybody still wants it. No work is done here."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from app.sessions.session import Session


class GivenUp(Exception):
    """Ends a loading thread whose session nobody wants any more."""


@dataclass
class Stage:
    """Where loading stands, `share` of it done; `name`: recorded, loading, scoring, held, live or error."""

    name: str = "loading"
    share: float = 0.0
    error: str = ""
    since: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Return the seconds since loading began."""
        return time.monotonic() - self.since

    @property
    def moving(self) -> bool:
        """Return whether it will change by itself."""
        return self.name in ("loading", "scoring")


class Load:
    """The opening of one session: how far it has come, and whether it was given up.

    `loaded` is set once it has its `model` or will have none; `scored` once no more scores come: all rows
    have theirs, or it has failed. `ahead` is a load that is already reading the same model.
    """

    def __init__(self, session: Session, ahead: "Load | None" = None) -> None:
        self.session = session
        self.ahead = ahead
        self.stage = Stage()
        self.model: Any = None
        self.loaded = threading.Event()
        self.scored = threading.Event()
        self._given_up = threading.Event()
        self._go = threading.Event()
        self._go.set()

    def give_up(self) -> None:
        """End its thread at the next occasion; what it has made is thrown away."""
        self._given_up.set()
        self._go.set()

    def hold(self, held: bool) -> None:
        """Stop scoring before the next row, or go on."""
        if held:
            return self._go.clear()
        if self.stage.name == "held":
            self.enter("scoring", self.stage.share)
        return self._go.set()

    def wait_while_held(self, show: Callable[[], None]) -> None:
        """Return once scoring may go on; call `show` first where it has to wait. Raises GivenUp."""
        self.check()
        if self._go.is_set():
            return
        show()
        self.enter("held", self.stage.share)
        self._go.wait()
        self.check()

    def check(self) -> None:
        """Raise GivenUp once it was given up."""
        if self._given_up.is_set():
            raise GivenUp

    def enter(self, name: str, share: float = 0.0, error: str = "") -> None:
        """Enter another stage. Raises GivenUp."""
        self.check()
        self.stage = Stage(name, share, error, self.stage.since)
