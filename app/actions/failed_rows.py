"""A row that could not be scored: scored once more."""

from typing import Any

from app.actions.checks import record, text, whole
from app.actions.subjects import shown_anew
from app.actions.tokens import shown_payload
from app.service import Service
from app.words import NOT_LIVE
from tokenunlearn.errors import MaskError


def score_again(service: Service, request: Any) -> dict[str, Any]:
    """The Tokens view's value after one row was tried again; if it fails again, with the reason of now.

    `request`: `{scores_id, row}`. Raises MaskError before all other rows are scored.
    """
    values = record(request, "the request")
    known = service.find_scores(text(values, "scores_id"))
    if known.scores is None:
        raise MaskError(NOT_LIVE, fix="Wait until all rows are scored")
    service.wait_until_scored()
    with service.changing:  # Other pages ask until it is done.
        _score_again(service, whole(values, "row", len(known.payload["rows"])))
    return shown_payload(service)


def _score_again(service: Service, at: int) -> None:
    from tokenunlearn.rescoring import retried
    from tokenunlearn.runs.kept_scores import scores_path, write_scores
    from tokenunlearn.scoring import ScoreConfig

    shown, config, runs = service.scores(), ScoreConfig(), service.queue.store.root
    assert shown is not None and shown.scores is not None
    model, session = service.model_of(shown), service.session_of(shown)
    with service.model_lock:
        scores = retried(model, shown.scores, at, config)
    service.show(shown_anew(service, shown, scores), session)
    rows = (scores.unedited or scores).rows
    write_scores(scores_path(runs, model, rows, config), rows, config)
