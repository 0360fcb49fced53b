"""Which session is open, and which is on its way to take its place.

Another session is opened in a thread of its own, while the open one stays until the first rows are scored.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from app.sessions.load import Load, Stage
from app.sessions.opening import bring, give_way
from app.sessions.session import Session
from app.sessions.shelf import Shelf
from app.shown import ShownScores
from tokenunlearn.errors import MaskError, ModelError

SCORING_PATIENCE: Final = 30.0  # seconds that a change of subjects waits for the rows still being scored


class Sessions:
    """Owns the open session and the one being opened; safe to call from several threads.

    `runs` is the folder of what is kept between two starts. `after_scoring` is called in the loading thread
    with the scores and the tokenizer once all rows have their numbers.
    """

    def __init__(self, first: Session, shelf: Shelf, runs: Path) -> None:
        self.current = Load(first)
        self.opening: Load | None = None
        self.shelf = shelf
        self.runs = runs
        self.after_scoring: Callable[[Any, Any], None] = lambda _scores, _tokenizer: None
        # One model call at a time: two at once on one processor are slower than one after the other.
        self.model_lock = threading.RLock()
        # One change of subjects at a time: the second one starts from what the first has left.
        self.changing = threading.Lock()
        self.loaded = threading.Event()
        self._lock = threading.RLock()

    @property
    def session(self) -> Session:
        """Return the open session."""
        return self.current.session

    @property
    def wanted(self) -> Session:
        """Return the session that was asked for last: the one being opened, else the open one."""
        load = self.opening
        return load.session if load is not None and load.stage.moving else self.session

    @property
    def stage(self) -> Stage:
        """Return where the open session stands; while another one is opened, this one stays what it is."""
        return self.current.stage

    @property
    def moving(self) -> bool:
        """Return whether a session is being loaded or scored, in whole or in some rows."""
        return (
            self.changing.locked()
            or self.stage.moving
            or (self.opening is not None and self.opening.stage.moving)
        )

    def start(self) -> None:
        """Begin to load and score in a thread; the page is usable meanwhile."""
        self._behind(self.current)

    def load_now(self) -> None:
        """Load and score the first session in this thread."""
        bring(self, self.current)

    def rest(self) -> None:
        """Load no model: only what is recorded and the runs are shown."""
        self.current.stage = Stage("recorded")
        self.loaded.set()

    def open(self, session: Session) -> Load:
        """Begin to open another session and return its Load; the open one stays until rows are scored.

        An opening that was under way is given up. Runs go on untouched.
        """
        with self._lock:
            if self.opening is not None:
                self.opening.give_up()
            same = self.session.model_key == session.model_key
            ahead = self.current if self._starting and same else None
            if ahead is None:
                self.leave_first(self.current)
            self.opening = load = Load(session, ahead)
        self._behind(load)
        return load

    def cancel(self) -> None:
        """Give up what is being opened, and no longer speak of what failed."""
        with self._lock:
            if self.opening is not None:
                self.opening.give_up()
                self.opening = None
            else:
                self.leave_first(self.current)

    def leave_first(self, first: Load) -> None:
        """Give up what the page started with, unless it has its model: then nothing is open."""
        with self._lock:
            if self.current is not first or not self._starting:
                return
            first.give_up()
            self.current = Load(self.session)
            self.current.stage = Stage("recorded")
            self.loaded.set()

    def turn_to(self, load: Load, model: Any, shown: ShownScores) -> None:
        """Make the session of `load` the open one, with these scores. Raises GivenUp."""
        with self._lock:
            load.check()
            left = self.current
            if left is not load:
                left.give_up()
                left.session.model = None
                self.current = load
                if self.opening is load:
                    self.opening = None
            load.session.model = model
            self.show(shown, load.session)

    def show(self, shown: ShownScores, owner: Session | None = None) -> None:
        """Hold these scores; they are the newest if they are of the open session (as without `owner`)."""
        with self._lock:  # no other session becomes the open one between the question and the answer
            owner = owner or self.session
            self.shelf.put(shown, owner, newest=owner is self.session)

    def of(self, shown: ShownScores) -> Session:
        """Return the session that these scores are of; for a recorded example the open one."""
        return self.shelf.owner(shown) or self.session

    def model_of(self, shown: ShownScores) -> Any:
        """Return the loaded model that these scores are of. Raises ModelError while it is not loaded."""
        session = self.of(shown)
        if session.model is None and session is not self.session:
            raise ModelError(
                "These rows are no longer open", "Another model or other rows are", "Reload the page"
            )
        return self.model()

    def model(self) -> Any:
        """Return the loaded target model. Raises ModelError while it loads or could not be loaded."""
        if self.session.model is None and self.stage.error:
            raise ModelError("There is no model", self.stage.error, "Open another one")
        if self.session.model is None and not self.stage.moving:
            raise ModelError("There is no model", "None was loaded", "Open one")
        if self.session.model is None:
            raise ModelError("The model is not ready", "It is still loading", "Wait a moment")
        return self.session.model

    def wait_until_scored(self) -> None:
        """Return once every open row has its scores, also those of subjects kept from an earlier start.

        Raises MaskError when they are not there after half a minute, or while scoring is stopped.
        """
        if self.stage.name == "held":
            raise MaskError("Not all rows are scored", "Scoring was stopped", "Score the rest first")
        if not self.current.scored.wait(SCORING_PATIENCE) or self.stage.name != "live":
            raise MaskError("Not all rows are scored yet", fix="Try again when they are")

    @property
    def _starting(self) -> bool:
        """Whether what the page started with is on its way and has no model yet that others could use."""
        return self.session.model is None and self.stage.moving

    def _behind(self, load: Load) -> None:
        def work() -> None:
            give_way()
            bring(self, load)

        threading.Thread(target=work, name="load", daemon=True).start()
