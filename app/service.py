"""The one object behind the page: models, scores, runs, the plan. All that actions receive.

Shown at once: the recorded example. A thread then loads the model and scores the rows; when it is done
`scores()` is live. Runs belong to worker processes; the service only reads their folders.
"""

import json
import logging
import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from app.shown import ShownScores, recorded_scores, shown_scores
from tokenunlearn.cli.sources import good_rows
from tokenunlearn.data.demo import ASSETS, demo_rows
from tokenunlearn.data.rows import Row
from tokenunlearn.errors import InputError, MaskError, ModelError, RunError, TokenUnlearnError
from tokenunlearn.runs.queue import RunQueue
from tokenunlearn.runs.store import RunStore, curve
from tokenunlearn.training.events import Event

if TYPE_CHECKING:
    from tokenunlearn.scoring import ScoreConfig, Scores

LOG: Final = logging.getLogger(__name__)
RECORDED: Final = ASSETS / "recorded" / "example.json"
TARGET: Final = ASSETS / "adapters" / "target"
KEPT_SCORES: Final = 4
BACKGROUND_NICE: Final = 5
FIRST_SHOWN: Final = 10  # rows of a set: those that are scored together
MEASURED_ROWS: Final = 200  # more would take minutes; a run then measures for itself


@dataclass(frozen=True)
class Options:
    """What the page was started with. `model` None is the embedded one, `data` None the demo rows."""

    model: str | None = None
    adapter: str | None = None
    precision: str = "auto"
    data: str | None = None
    runs: Path = Path("runs")
    recorded: Path | None = None
    skip_bad_rows: bool = False

    @property
    def example(self) -> Path | None:
        """The recorded example that fits: the one named, else the shipped one for the embedded demo."""
        if self.recorded is None and (self.model is not None or self.data is not None):
            return None
        return self.recorded or RECORDED


@dataclass(frozen=True)
class Rows:
    """The rows of a session: those to forget (shown as tokens), those to keep, and the world's."""

    forget: tuple[Row, ...]
    retain: tuple[Row, ...]
    world: tuple[Row, ...]

    def of_set(self, name: str) -> tuple[Row, ...]:
        """The forget rows of one set."""
        return tuple(row for row in self.forget if row.set == name)


@dataclass
class Stage:
    """Where loading stands: `name` is recorded, loading, scoring, live or error; `share` of it is done."""

    name: str = "loading"
    share: float = 0.0
    error: str = ""
    since: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Seconds since the service started to load."""
        return time.monotonic() - self.since


class Service:
    """Owns models, scores, store and queue; safe to call from several threads."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.rows = session_rows(options.data, options.skip_bad_rows)
        self.queue = RunQueue(RunStore(options.runs))
        self.stage = Stage()
        self.recorded = recorded_example(options.example)
        # One model call at a time: two at once on one processor are slower than one after the other.
        self.model_lock = threading.RLock()
        self._model: Any = None
        self._after: tuple[str, Any] | None = None
        self._shown: list[ShownScores] = []
        if "tokens" in self.recorded:
            self._shown.append(recorded_scores(self.recorded["tokens"]))
        self._events: dict[str, tuple[list[Event], int]] = {}
        self._lock = threading.Lock()
        self.plan: dict[str, Any] | None = None
        self.loaded = threading.Event()

    def start(self) -> None:
        """Nothing; loading and scoring begin in a thread, the page is usable meanwhile."""
        threading.Thread(target=self._load_behind, name="load-model", daemon=True).start()

    def rest(self) -> None:
        """Nothing; no model is loaded, only what is recorded and the runs are shown."""
        self.stage = Stage("recorded")
        self.loaded.set()

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

    def show(self, shown: ShownScores) -> None:
        """Nothing; these scores are the newest from now on."""
        with self._lock:
            others = [each for each in self._shown if each.scores_id != shown.scores_id]
            self._shown = [*others, shown][-KEPT_SCORES:]

    def model(self) -> Any:
        """The loaded target model. Raises ModelError while it is loading or when it could not be loaded."""
        if self._model is None and self.stage.error:
            raise ModelError("There is no model", self.stage.error, "Start the page again with another one")
        if self._model is None:
            raise ModelError("The model is not ready", "It is still loading", "Wait a moment")
        return self._model

    def run_model(self, run_id: str) -> Any:
        """The model with a run's adapter; the last one is kept. Raises RunError, ModelError."""
        from tokenunlearn.models.loading import load_model

        folder = self.queue.store.path(run_id) / "adapter"
        if not (folder / "adapter_config.json").is_file():
            raise RunError(f"{run_id} has saved no adapter yet", fix="Wait for its end, or stop and keep it")
        # A resumed run writes its adapter anew under the same name.
        key = f"{run_id}@{(folder / 'adapter_model.safetensors').stat().st_mtime_ns}"
        with self.model_lock:
            if self._after is None or self._after[0] != key:
                config = self.queue.store.config(run_id)
                self._after = None
                loaded = load_model(config.get("model"), folder, config.get("precision") or "auto")
                self._after = (key, loaded)
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

    def _load_behind(self) -> None:
        """Load while this thread, and those it computes with, give way to page, browser and runs."""
        with suppress(OSError):  # Threads have a priority of their own on Linux only.
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), BACKGROUND_NICE)
        self._load()

    def _load(self) -> None:
        try:
            from tokenunlearn.models.loading import load_model

            options = self.options
            adapter = options.adapter or (str(TARGET) if options.model is None and TARGET.is_dir() else None)
            with self.model_lock:
                model = load_model(options.model, adapter, options.precision)
                self.stage = Stage("scoring", since=self.stage.since)
                self.loaded.set()
                self._score(model)
                self.stage = Stage("live", 1.0, since=self.stage.since)
                self._measure_before(model)
        except TokenUnlearnError as error:
            self.stage = Stage("error", error=str(error), since=self.stage.since)
        except Exception as error:  # The page stays up and says why.
            LOG.exception("the model could not be loaded")
            self.stage = Stage("error", error=f"{type(error).__name__}: {error}", since=self.stage.since)
        self.loaded.set()

    def _score(self, model: Any) -> None:
        """Show the scores of an earlier start, else measure them and keep them for the next one."""
        from tokenunlearn.runs.kept_scores import read_scores, scores_path, write_scores
        from tokenunlearn.runs.kept_subjects import read_subjects
        from tokenunlearn.scoring import ScoreConfig, new_scores, rescored, unscored

        config, rows = ScoreConfig(), self.rows.forget
        scores = new_scores(model, rows, config)
        scores.rows = unscored(model, rows, config)
        path = scores_path(self.queue.store.root, model, scores.rows, config)
        known = read_scores(path, scores.rows, config)
        if known is None:
            self._score_in_parts(model, scores, config)
            with suppress(OSError):  # A full disk: the next start measures again.
                write_scores(path, scores.rows, config)
        else:
            scores.rows = known
            self.show(shown_scores(scores, "live"))
            self._model = model
        subjects = read_subjects(self.queue.store.root, scores.scores_id)
        if subjects:
            self.show(shown_scores(rescored(model, scores, rows, config, subjects), "live"))

    def _score_in_parts(self, model: Any, scores: "Scores", config: "ScoreConfig") -> None:
        """Score set by set, first what the default rule needs; what is not yet known stands there as NaN.

        Shown after the first rows, after twice as many, and so on: each time the whole payload crosses.
        """
        from tokenunlearn.scoring import filled, iter_scores

        rows = self.rows.forget
        sets = dict.fromkeys(row.set for row in rows)
        parts = [(part, name) for part in config.in_parts() for name in sets]
        done, whole = 0, len(config.in_parts()) * len(rows)
        for part, name in parts:
            places = [place for place, row in enumerate(rows) if row.set == name]
            found = iter_scores(model, [rows[place] for place in places], part)
            shown_next = FIRST_SHOWN
            for count, (place, scored) in enumerate(zip(places, found, strict=True), 1):
                scores.rows[place] = filled(scores.rows[place], scored)
                done += 1
                self.stage.share = done / whole
                if count in (shown_next, len(places)):
                    self.show(shown_scores(scores, "live"))
                    self._model = model
                    shown_next = 2 * count

    def _measure_before(self, model: Any) -> None:
        """Measure what every run of the first set begins with, while nobody waits for it."""
        from tokenunlearn.probes.evidence import ProbeSettings
        from tokenunlearn.runs.measured import before_report

        rows = self.rows
        forget = rows.of_set(rows.forget[0].set)
        if len(forget) + len(rows.retain) + len(rows.world) > MEASURED_ROWS:
            return
        try:
            before_report(self.queue.store.root, model, forget, rows.retain, rows.world, ProbeSettings())
        except Exception:  # The first run then measures, and says what is wrong.
            LOG.exception("the model could not be measured before any run")


def session_rows(data: str | None, skip_bad_rows: bool = False) -> Rows:
    """The rows of a file (`split` says which to forget), or the demo.

    Raises InputError for a refused line, unless bad rows are skipped, and when there is no row to forget. A
    file without retain rows keeps the world's facts: forgetting without anything to keep ruins a model.
    """
    world = demo_rows("world")
    if data is None:
        return Rows((*demo_rows("shared_forget"), *demo_rows("one_off")), demo_rows("shared_retain"), world)
    rows = good_rows(data, skip_bad_rows)
    forget = tuple(row for row in rows if row.split != "retain")
    if not forget:
        raise InputError("There is no row to forget", 'Every row has split "retain"', "Leave split out", data)
    retain = tuple(row for row in rows if row.split == "retain")
    return Rows(forget, retain or world, world)


def recorded_example(path: Path | None) -> dict[str, Any]:
    """The recorded example, empty where there is none or it cannot be read."""
    if path is None:
        return {}
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}
