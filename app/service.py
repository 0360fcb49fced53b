"""Everything behind the page, in one object that actions receive: sessions, scores, runs, uploads.

The recorded example is shown at once; `sessions.start()` then loads the model and scores the rows.
Runs belong to worker processes; the page only reads their folders.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.health import Health
from app.run_results import RunResults
from app.sessions.session import Options, first_session
from app.sessions.sessions import Sessions
from app.sessions.shelf import Shelf
from app.shown import recorded_scores
from app.text_states import StatesShelf
from app.uploads import Uploads
from app.views.pace import Times
from app.words import NO_EXAMPLE, RECORD_AGAIN
from tokenunlearn.contents import text_of
from tokenunlearn.data.json_text import from_json
from tokenunlearn.errors import InputError
from tokenunlearn.runs.queue import RunQueue
from tokenunlearn.runs.store import RunStore


@dataclass(eq=False)
class Service:
    """The parts of the page's server. Each part is safe to call from several threads.

    `compared` is what the Compare tab says of each run, with the state that it was read in; `times` how long
    each finished run took.
    """

    options: Options
    uploads: Uploads = field(default_factory=Uploads)
    states: StatesShelf = field(default_factory=StatesShelf)
    health: Health = field(default_factory=Health)
    compared: dict[str, tuple[Any, dict[str, Any]]] = field(default_factory=dict)
    times: dict[tuple[Any, ...], Times] = field(default_factory=dict)
    recorded: dict[str, Any] = field(init=False)
    shelf: Shelf = field(init=False)
    sessions: Sessions = field(init=False)
    queue: RunQueue = field(init=False)
    results: RunResults = field(init=False)

    def __post_init__(self) -> None:
        first = first_session(self.options)
        self.recorded = recorded_example(self.options.example)
        self.shelf = Shelf(recorded_scores(self.recorded["tokens"]) if self.recorded else None)
        self.queue = RunQueue(RunStore(self.options.runs))
        self.sessions = Sessions(first, self.shelf, self.queue.store.root)
        self.results = RunResults(self.queue.store, self.sessions.model_lock)


def recorded_example(path: Path | None) -> dict[str, Any]:
    """Return the recorded example, empty where there is none. Raises InputError for another file."""
    if path is None or not path.is_file():
        return {}
    try:
        record = from_json(text_of(path))
    except (OSError, ValueError) as error:
        raise InputError(NO_EXAMPLE, str(error), RECORD_AGAIN, str(path)) from error
    if not isinstance(record, dict) or "tokens" not in record:
        raise InputError(NO_EXAMPLE, 'It is not a JSON object with "tokens"', RECORD_AGAIN, str(path))
    return record
