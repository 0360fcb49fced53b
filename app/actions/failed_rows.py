"""A row that could not be scored: scored once more."""

from contextlib import suppress
from typing import Any

from app.actions.subjects import scores_to_change, shown_anew
from app.actions.tokens import RowOf, shown_payload
from app.requests import below
from app.service import Service
from app.shown import ShownScores


def score_again(service: Service, wanted: RowOf) -> dict[str, Any]:
    """Return the Tokens view's value after one row was tried again, with the new reason if it fails again.

    Raises as `scores_to_change` does.
    """
    with scores_to_change(service, wanted.scores_id) as shown:
        _score_again(service, shown, below(len(shown.payload["rows"]), wanted.row, "row"))
    return shown_payload(service)


def _score_again(service: Service, shown: ShownScores, at: int) -> None:
    from tokenunlearn.rescoring import retried
    from tokenunlearn.runs.kept_scores import scores_path, write_scores
    from tokenunlearn.scoring import ScoreConfig

    assert shown.scores is not None
    config, model, session = ScoreConfig(), service.sessions.model_of(shown), service.sessions.of(shown)
    with service.sessions.model_lock:
        scores = retried(model, shown.scores, at, config)
    service.sessions.show(shown_anew(service, shown, scores), session)
    rows = (scores.unedited or scores).rows
    with suppress(OSError):  # A full disk: the next start tries it again.
        write_scores(scores_path(service.queue.store.root, model, rows, config), rows, config)
