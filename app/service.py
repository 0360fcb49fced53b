"""The one object behind the page: models, scores, runs. All that actions receive.

Shown at once: the recorded example. A thread (loading.py) then loads the model and scores the rows; when it
is done `scores()` is live. Another session is opened the same way, while the open one stays. Runs belong to
worker processes; the service only reads their folders.
"""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from app.learning import StatesShelf
from app.loading import Load, Stage, bring, give_way
from app.session import Options, Rows, Session, first_session, session_rows
from app.shown import ShownScores, recorded_scores
from app.uploads import Uploads
from app.words import NO_EXAMPLE, RECORD_ANEW
from tokenunlearn.errors import InputError, MaskError, ModelError
from tokenunlearn.runs.mask_store import MaskStore
from tokenunlearn.runs.queue import RunQueue
from tokenunlearn.runs.store import RunStore, curve
from tokenunlearn.training.events import Event

__all__ = ["Load", "Options", "Rows", "Service", "Session", "Stage", "recorded_example", "session_rows"]

KEPT_SCORES: Final = 4
SCORING_PATIENCE: Final = 30.0  # seconds that a change of subjects waits for the rows still being scored


class Service:
    """Owns models, scores, store and queue; safe to call from several threads."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.current = Load(first_session(options))
        self.opening: Load | None = None
        self.uploads = Uploads()
        self.states = StatesShelf()
        self.recorded = recorded_example(options.example)
        self._shown = [recorded_scores(self.recorded["tokens"])] if self.recorded else []
        self.queue = RunQueue(RunStore(options.runs))
        # One model call at a time: two at once on one processor are slower than one after the other.
        self.model_lock = threading.RLock()
        # One change of subjects at a time: the second one starts from what the first has left.
        self.changing = threading.Lock()
        # What the Compare tab says of each run, with the state that it was read in.
        self.compared: dict[str, tuple[Any, dict[str, Any]]] = {}
        self._after: tuple[Any, Any] | None = None
        self._sessions: dict[str, Session] = {}
        self._events: dict[str, tuple[list[Event], int]] = {}
        self._lock = threading.RLock()
        self.loaded = threading.Event()

    @property
    def session(self) -> Session:
        """The open session."""
        return self.current.session

    @property
    def wanted(self) -> Session:
        """The session that was asked for last: the one being opened, else the open one."""
        load = self.opening
        return load.session if load is not None and load.stage.moving else self.session

    @property
    def rows(self) -> Rows:
        """The rows of the open session."""
        return self.session.rows

    @property
    def stage(self) -> Stage:
        """Where the open session stands; while another one is opened, this one stays what it is."""
        return self.current.stage

    def start(self) -> None:
        """Begin to load and score in a thread; the page is usable meanwhile."""
        MaskStore(self.queue.store.root).sweep()
        threading.Thread(target=self._load_behind, args=(self.current,), name="load", daemon=True).start()

    def rest(self) -> None:
        """Nothing; no model is loaded, only what is recorded and the runs are shown."""
        self.current.stage = Stage("recorded")
        self.loaded.set()

    def open(self, session: Session) -> Load:
        """The way to another session, which has begun; the open one stays until its first rows are scored.

        A way that was under way is given up. Runs go on untouched.
        """
        with self._lock:
            if self.opening is not None:
                self.opening.give_up()
            same = self.session.model_key == session.model_key
            ahead = self.current if self._starting and same else None
            if ahead is None:
                self.leave_first(self.current)
            self.opening = load = Load(session, ahead)
        threading.Thread(target=self._load_behind, args=(load,), name="load", daemon=True).start()
        return load

    def cancel(self) -> None:
        """Nothing; what is being opened is given up, and what failed is no longer spoken of."""
        with self._lock:
            if self.opening is not None:
                self.opening.give_up()
                self.opening = None
            else:
                self.leave_first(self.current)

    @property
    def _starting(self) -> bool:
        """Whether what the page started with is on its way and has no model yet that others could use."""
        return self.session.model is None and self.stage.moving

    def leave_first(self, first: Load) -> None:
        """Nothing; what the page started with is given up, unless it has its model: then nothing is open."""
        with self._lock:
            if self.current is not first or not self._starting:
                return
            first.give_up()
            self.current = Load(self.session)
            self.current.stage = Stage("recorded")
            self.loaded.set()

    def turn_to(self, load: Load, model: Any, shown: ShownScores) -> None:
        """Nothing; the session of `load` is the open one, with these scores. Raises GivenUp."""
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

    @property
    def moving(self) -> bool:
        """Whether a session is being loaded or scored, in whole or anew."""
        return (
            self.changing.locked()
            or self.stage.moving
            or (self.opening is not None and self.opening.stage.moving)
        )

    def wait_until_scored(self) -> None:
        """Nothing; every row that is open has its scores, also those of subjects kept from an earlier start.

        Raises MaskError when they are not there after half a minute, or while scoring is stopped.
        """
        if self.stage.name == "held":
            raise MaskError("Not all rows are scored", "Scoring was stopped", "Score the rest first")
        if not self.current.scored.wait(SCORING_PATIENCE) or self.stage.name != "live":
            raise MaskError("Not all rows are scored yet", fix="Try again when they are")

    def scores(self) -> ShownScores | None:
        """The newest scores, None before anything can be shown."""
        with self._lock:
            return self._shown[-1] if self._shown else None

    def find_scores(self, scores_id: str) -> ShownScores:
        """The scores a page refers to. Raises MaskError when they are no longer held."""
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

    def show(self, shown: ShownScores, session: Session | None = None) -> None:
        """Nothing; these scores are held, and the newest if they are of the open session (as without one).

        A signal that was computed on them meanwhile is kept.
        """
        with self._lock:
            owner = session or self.session
            for before in self._shown:
                if before.scores_id == shown.scores_id:
                    shown = shown.with_signals_of(before)
            others = [each for each in self._shown if each.scores_id != shown.scores_id]
            kept = [*others, shown] if owner is self.session else [shown, *others]
            self._shown = kept[-KEPT_SCORES:]
            owners = {**self._sessions, shown.scores_id: owner}
            ids = {each.scores_id for each in self._shown}
            self._sessions = {name: each for name, each in owners.items() if name in ids}

    def grow(self, scores_id: str, change: Callable[[ShownScores], ShownScores]) -> ShownScores:
        """The newest scores under this id as `change` makes them, held in their place. Raises MaskError."""
        while True:
            shown = self.find_scores(scores_id)
            grown = change(shown)
            with self._lock:  # Others changed them meanwhile: once more, from theirs.
                if self.find_scores(scores_id) is shown:
                    self.show(grown, self.session_of(shown))
                    return grown

    def session_of(self, shown: ShownScores) -> Session:
        """The session whose rows and model these scores are of; for a recorded example the open one."""
        return self._sessions.get(shown.scores_id, self.session)

    def model_of(self, shown: ShownScores) -> Any:
        """The loaded model that these scores are of. Raises ModelError while it is not loaded."""
        session = self.session_of(shown)
        if session.model is None and session is not self.session:
            raise ModelError(
                "These rows are no longer open", "Another model or other rows are", "Reload the page"
            )
        return self.model()

    def model(self) -> Any:
        """The loaded target model. Raises ModelError while it is loading or when it could not be loaded."""
        if self.session.model is None and self.stage.error:
            raise ModelError("There is no model", self.stage.error, "Open another one")
        if self.session.model is None and not self.stage.moving:
            raise ModelError("There is no model", "None was loaded", "Open one")
        if self.session.model is None:
            raise ModelError("The model is not ready", "It is still loading", "Wait a moment")
        return self.session.model

    def run_model(self, run_id: str) -> Any:
        """The model that a run left; the last one is kept. Raises RunError, ModelError, InputError."""
        from tokenunlearn.runs.artifact import open_artifact

        folder = self.queue.store.path(run_id)
        # A resumed run writes what it leaves anew, under the same names.
        files = (folder / "artifact.json", folder / "adapter" / "adapter_model.safetensors")
        key = (run_id, *(each.stat().st_mtime_ns for each in files if each.is_file()))
        with self.model_lock:
            if self._after is None or self._after[0] != key:
                self._after = None
                self._after = (key, open_artifact(folder, self.queue.store.config(run_id)))
            return self._after[1]

    def events(self, run_id: str) -> list[Event]:
        """All events of a run; only what was written since the last call is read from disk."""
        with self._lock:
            known, cursor = self._events.get(run_id, ([], 0))
            fresh, after = self.queue.store.events(run_id, cursor)
            # A cursor that went back means another file: start over.
            known = [*known, *fresh] if after >= cursor else self.queue.store.events(run_id)[0]
            self._events[run_id] = (known, after)
        return curve(known)

    def _load_behind(self, load: Load) -> None:
        give_way()
        bring(self, load)

    def _load(self) -> None:
        """Load the first session in this thread."""
        bring(self, self.current)


def recorded_example(path: Path | None) -> dict[str, Any]:
    """The recorded example, empty where there is none. Raises InputError for a file that is no example."""
    if path is None or not path.is_file():
        return {}
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(NO_EXAMPLE, str(error), RECORD_ANEW, str(path)) from error
    if not isinstance(record, dict) or "tokens" not in record:
        raise InputError(NO_EXAMPLE, 'It is no JSON object with "tokens"', RECORD_ANEW, str(path))
    return record
