"""Open a session: load its model, score its rows, put it in the place of the open one.

Runs in a thread. Until the first rows are scored the open session stays as it is, with its model; an opening
that is given up or fails changes nothing. It can be given up between two stages, files or groups of rows.
"""

import logging
import os
import threading
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from app.sessions.load import GivenUp, Load
from app.sessions.session import Session
from app.sessions.shelf import Shelf
from app.shown import ShownScores, shown_scores
from tokenunlearn.errors import InputError, TokenUnlearnError

if TYPE_CHECKING:
    from tokenunlearn.scoring import ScoreConfig, Scores

LOG: Final = logging.getLogger(__name__)
BACKGROUND_NICE: Final = 5
FIRST_SHOWN: Final = 10  # rows of a set: those that are scored together
WAITING_SECONDS: Final = 0.2  # between two looks at a model that another load is reading
MEASURED_ROWS: Final = 200  # more would take minutes; a run then measures for itself


class Host(Protocol):
    """What opening needs of whoever holds the sessions."""

    runs: Path
    model_lock: Any
    loaded: threading.Event
    after_scoring: Callable[[Any, Any], None]
    shelf: Shelf

    @property
    def session(self) -> Session:
        """Return the open session."""

    def leave_first(self, first: Load) -> None:
        """Give up what the page started with, unless it has its model."""

    def turn_to(self, load: Load, model: Any, shown: ShownScores) -> None:
        """Make the session of `load` the open one, with these scores. Raises GivenUp."""


def bring(host: Host, load: Load) -> None:
    """Make the session of `load` the open one, or let `load` say why it is not."""
    try:
        model = load.model = ready_model(host, load)
        load.loaded.set()
        load.enter("scoring")
        host.loaded.set()
        score(host, load, model)
        load.enter("live", 1.0)
        load.scored.set()
        measure_before(host, load, model)
    except GivenUp:
        pass
    except TokenUnlearnError as error:
        _fail(load, str(error))
    except Exception as error:  # The page stays up and says why.
        LOG.exception("the session could not be opened")
        _fail(load, f"{type(error).__name__}: {error}")
    load.loaded.set()
    load.scored.set()
    host.loaded.set()


def give_way() -> None:
    """Let this thread, and those it computes with, give way to page, browser and runs."""
    with suppress(OSError):  # Threads have a priority of their own on Linux only.
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), BACKGROUND_NICE)


def _fail(load: Load, error: str) -> None:
    with suppress(GivenUp):
        load.enter("error", error=error)


def ready_model(host: Host, load: Load) -> Any:
    """Return the model of the session, loaded unless another one has the same. Raises ModelError, GivenUp."""
    if load.ahead is not None:
        model = model_ahead(host, load, load.ahead)
        if model is not None:
            return model
    wanted, known = load.session, host.session
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
    with nullcontext() if plain else host.model_lock:
        return load_model(wanted.model_name, wanted.adapter, wanted.precision, told)


def model_ahead(host: Host, load: Load, ahead: Load) -> Any:
    """Return the model that `ahead` loads, which ends then; None if it has none. Raises GivenUp."""
    while not ahead.loaded.wait(WAITING_SECONDS):
        load.check()
        load.stage.share = ahead.stage.share
    load.check()
    if ahead.model is not None:
        host.leave_first(ahead)
    return ahead.model


def score(host: Host, load: Load, model: Any) -> None:
    """Show the scores of an earlier start, or measure them and keep them for the next one."""
    from tokenunlearn.fitting import session_misfits
    from tokenunlearn.rescoring import rescored, unscored
    from tokenunlearn.runs.kept_scores import read_scores, scores_path, write_scores
    from tokenunlearn.runs.kept_subjects import read_subjects
    from tokenunlearn.runs.old_drafts import adopt
    from tokenunlearn.scoring import ScoreConfig, new_scores

    config, runs = ScoreConfig(), host.runs
    load.session.left_out = session_misfits(model, load.session.rows, config.max_tokens)
    rows = load.session.forget
    scores = new_scores(model, rows, config)
    scores.rows = unscored(model, rows, config)
    with suppress(OSError):  # A full disk: the next start adopts them.
        adopt(runs, scores, model.tokenizer)
    path = scores_path(runs, model, scores.rows, config)
    scores.rows = read_scores(path, scores.rows, config) or scores.rows
    if any(row.scored for row in scores.rows):
        host.turn_to(load, model, shown_scores(scores, "live"))
    if not all(row.scored for row in scores.rows):  # Also those that failed at an earlier start.
        _score_in_parts(host, load, model, scores, config)
        with suppress(OSError):  # A full disk: the next start measures again.
            write_scores(path, scores.rows, config)
    subjects = read_subjects(runs, scores.text_id)
    if subjects:
        with host.model_lock:
            edited = rescored(model, scores, rows, config, subjects)
        host.turn_to(load, model, shown_scores(edited, "live"))
    with suppress(OSError):
        host.after_scoring(scores, model.tokenizer)


def _score_in_parts(host: Host, load: Load, model: Any, scores: "Scores", config: "ScoreConfig") -> None:
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
            host.turn_to(load, model, shown_scores(scores, "live"))

    for part, name in parts:
        places = [at for at, row in enumerate(rows) if row.set == name and waiting[at]]
        going = [at for at in places if not scores.rows[at].failure]
        found = score_each(model, [scores.rows[at].info for at in going], part)
        done += len(places) - len(going)
        shown_next = FIRST_SHOWN
        for count, place in enumerate(going, 1):
            load.wait_while_held(show)
            with host.model_lock:  # Between two groups of rows others may ask a model.
                scored = next(found)
            scores.rows[place] = filled(scores.rows[place], scored)
            done += 1
            load.stage.share = done / whole
            if count in (shown_next, len(going)):
                show()
                shown_next = 2 * count
    if not any(row.scored for row in scores.rows):
        raise InputError("No row could be scored", scores.rows[0].failure)


def measure_before(host: Host, load: Load, model: Any) -> None:
    """Measure what every run of the first set begins with, while nobody waits for it."""
    from tokenunlearn.probes.evidence import ProbeSettings
    from tokenunlearn.runs.measured import before_report

    shown = host.shelf.newest()
    failed = {row["id"] for row in shown.payload["rows"] if row.get("failure")} if shown else set()
    first_set = load.session.of_set(load.session.forget[0].set)
    forget = tuple(row for row in first_set if row.id not in failed)
    rows = replace(load.session.fitting, forget=forget)
    if len(rows.rows) > MEASURED_ROWS:
        return
    try:
        with host.model_lock:
            load.check()
            before_report(host.runs, model, rows, ProbeSettings(), lambda _: load.check())
    except GivenUp:
        raise
    except Exception:  # The first run then measures, and says what is wrong.
        LOG.exception("the model could not be measured before any run")
