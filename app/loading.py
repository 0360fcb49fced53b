"""The way to a session: its model is loaded, its rows are scored, then it takes the place of the open one.

Runs in a thread. Until the first rows are scored the open session stays as it is, with its model; a way that
is given up or fails changes nothing. Between two stages, two files and two groups of rows it can be given up.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from app.session import Session
from app.shown import shown_scores
from tokenunlearn.errors import InputError, TokenUnlearnError

if TYPE_CHECKING:
    from app.service import Service
    from tokenunlearn.scoring import ScoreConfig, Scores

LOG: Final = logging.getLogger(__name__)
BACKGROUND_NICE: Final = 5
FIRST_SHOWN: Final = 10  # rows of a set: those that are scored together
WAITING_SECONDS: Final = 0.2  # between two looks at a model that is loaded on another way
MEASURED_ROWS: Final = 200  # more would take minutes; a run then measures for itself


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
        """Seconds since loading began."""
        return time.monotonic() - self.since

    @property
    def moving(self) -> bool:
        """Whether it will change by itself."""
        return self.name in ("loading", "scoring")


class Load:
    """One way to a session: how far it has come, and whether it was given up.

    `loaded` is set once it has its `model` or will have none; `scored` once no more scores come: all rows
    have theirs, or it has failed. `ahead` is a way on which the same model is already being loaded.
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
        """Nothing; its thread ends at the next occasion, and what it has made is thrown away."""
        self._given_up.set()
        self._go.set()

    def hold(self, held: bool) -> None:
        """Nothing; scoring stops before the next row, what is scored stays; False goes on. Raises GivenUp."""
        if held:
            return self._go.clear()
        if self.stage.name == "held":
            self.enter("scoring", self.stage.share)
        return self._go.set()

    def wait_while_held(self, show: Callable[[], None]) -> None:
        """Nothing; returns when it may go on. `show` is called first where it has to wait. Raises GivenUp."""
        self.check()
        if self._go.is_set():
            return
        show()
        self.enter("held", self.stage.share)
        self._go.wait()
        self.check()

    def check(self) -> None:
        """Nothing; raises GivenUp once it was given up."""
        if self._given_up.is_set():
            raise GivenUp

    def enter(self, name: str, share: float = 0.0, error: str = "") -> None:
        """Nothing; it stands in another stage from now on. Raises GivenUp."""
        self.check()
        self.stage = Stage(name, share, error, self.stage.since)


def bring(service: "Service", load: Load) -> None:
    """Nothing; the session of `load` is the open one afterwards, or `load` says why it is not."""
    try:
        model = load.model = ready_model(service, load)
        load.loaded.set()
        load.enter("scoring")
        service.loaded.set()
        score(service, load, model)
        load.enter("live", 1.0)
        load.scored.set()
        measure_before(service, load, model)
    except GivenUp:
        pass
    except TokenUnlearnError as error:
        _fail(load, str(error))
    except Exception as error:  # The page stays up and says why.
        LOG.exception("the session could not be opened")
        _fail(load, f"{type(error).__name__}: {error}")
    load.loaded.set()
    load.scored.set()
    service.loaded.set()


def give_way() -> None:
    """Nothing; this thread, and those it computes with, give way to page, browser and runs."""
    with suppress(OSError):  # Threads have a priority of their own on Linux only.
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), BACKGROUND_NICE)


def _fail(load: Load, error: str) -> None:
    with suppress(GivenUp):
        load.enter("error", error=error)


def ready_model(service: "Service", load: Load) -> Any:
    """The model of the session, loaded unless another one has the same. Raises ModelError, GivenUp."""
    if load.ahead is not None:
        model = model_ahead(service, load, load.ahead)
        if model is not None:
            return model
    wanted, known = load.session, service.session
    model = known.model  # Read once: it is let go as soon as another session is open.
    if model is not None and known.model_key == wanted.model_key:
        return model
    import torch

    from tokenunlearn.models.loading import load_model, resolve_precision

    def told(share: float) -> None:
        load.check()
        load.stage.share = share

    # While a model of another precision is built, PyTorch's default type is another one for all threads.
    plain = resolve_precision(wanted.precision)[1] is torch.float32
    with nullcontext() if plain else service.model_lock:
        return load_model(wanted.model_name, wanted.adapter, wanted.precision, told)


def model_ahead(service: "Service", load: Load, ahead: Load) -> Any:
    """The model that is loaded on a way `ahead`, which ends then; None if it has none. Raises GivenUp."""
    while not ahead.loaded.wait(WAITING_SECONDS):
        load.check()
        load.stage.share = ahead.stage.share
    load.check()
    if ahead.model is not None:
        service.leave_first(ahead)
    return ahead.model


def score(service: "Service", load: Load, model: Any) -> None:
    """Nothing; the scores of an earlier start are shown, else they are measured and kept for the next one."""
    from app.actions.old_drafts import name_old_drafts
    from tokenunlearn.fitting import misfits
    from tokenunlearn.rescoring import rescored, unscored
    from tokenunlearn.runs.kept_scores import read_scores, scores_path, write_scores
    from tokenunlearn.runs.kept_subjects import read_subjects
    from tokenunlearn.runs.old_drafts import adopt
    from tokenunlearn.scoring import ScoreConfig, new_scores

    config, runs = ScoreConfig(), service.queue.store.root
    given = load.session.rows
    load.session.left_out = {
        **misfits(model, given.forget, config.max_tokens),
        **misfits(model, given.retain, config.max_tokens),
    }
    rows = load.session.forget
    scores = new_scores(model, rows, config)
    scores.rows = unscored(model, rows, config)
    with suppress(OSError):  # A full disk: the next start adopts them.
        adopt(runs, scores, model.tokenizer)
    path = scores_path(runs, model, scores.rows, config)
    scores.rows = read_scores(path, scores.rows, config) or scores.rows
    if any(row.scored for row in scores.rows):
        service.turn_to(load, model, shown_scores(scores, "live"))
    if not all(row.scored for row in scores.rows):  # Also those that failed at an earlier start.
        _score_in_parts(service, load, model, scores, config)
        with suppress(OSError):  # A full disk: the next start measures again.
            write_scores(path, scores.rows, config)
    subjects = read_subjects(runs, scores.text_id)
    if subjects:
        with service.model_lock:
            edited = rescored(model, scores, rows, config, subjects)
        service.turn_to(load, model, shown_scores(edited, "live"))
    with suppress(OSError):
        name_old_drafts(service, scores, model.tokenizer)


def _score_in_parts(
    service: "Service", load: Load, model: Any, scores: "Scores", config: "ScoreConfig"
) -> None:
    """Score set by set, first what the default rule needs; what is not yet known stands there as NaN.

    Shown after the first rows, after twice as many, and so on: each time the whole payload crosses. A row
    that fails keeps its reason, the others go on. Raises InputError where all of them fail.
    """
    from tokenunlearn.rescoring import filled, score_each

    rows, waiting = load.session.forget, [not row.scored for row in scores.rows]
    parts = [(part, name) for part in config.in_parts() for name in dict.fromkeys(row.set for row in rows)]
    done, whole = 0, len(config.in_parts()) * sum(waiting)

    def show() -> None:
        if any(row.scored for row in scores.rows):
            service.turn_to(load, model, shown_scores(scores, "live"))

    for part, name in parts:
        places = [at for at, row in enumerate(rows) if row.set == name and waiting[at]]
        going = [at for at in places if not scores.rows[at].failure]
        found = score_each(model, [scores.rows[at].info for at in going], part)
        done += len(places) - len(going)
        shown_next = FIRST_SHOWN
        for count, place in enumerate(going, 1):
            load.wait_while_held(show)
            with service.model_lock:  # Between two groups of rows others may ask a model.
                scored = next(found)
            scores.rows[place] = filled(scores.rows[place], scored)
            done += 1
            load.stage.share = done / whole
            if count in (shown_next, len(going)):
                show()
                shown_next = 2 * count
    if not any(row.scored for row in scores.rows):
        raise InputError("No row could be scored", scores.rows[0].failure)


def measure_before(service: "Service", load: Load, model: Any) -> None:
    """Nothing; what every run of the first set begins with is measured, while nobody waits for it."""
    from tokenunlearn.data.splits import Splits
    from tokenunlearn.probes.evidence import ProbeSettings
    from tokenunlearn.runs.measured import before_report

    retain, world = load.session.retain, load.session.rows.world
    shown = service.scores()
    failed = {row["id"] for row in shown.payload["rows"] if row.get("failure")} if shown else set()
    first_set = load.session.of_set(load.session.forget[0].set)
    forget = tuple(row for row in first_set if row.id not in failed)
    if len(forget) + len(retain) + len(world) > MEASURED_ROWS:
        return
    try:
        with service.model_lock:
            load.check()
            before_report(service.queue.store.root, model, Splits(forget, retain, world), ProbeSettings())
    except GivenUp:
        raise
    except Exception:  # The first run then measures, and says what is wrong.
        LOG.exception("the model could not be measured before any run")
