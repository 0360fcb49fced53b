"""What the Tokens view asks of the server: confirm a mask, alternatives, another signal, an export."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from app.actions.draft import Draft
from app.requests import Id, Number, below
from app.service import Service
from app.sessions.session import Session
from app.shown import ShownScores
from app.views.first_row import first_row, first_rule, own_facts
from app.views.tokens import column, menus, rule_settings, signal_info
from app.words import LOADING, NOT_LIVE
from tokenunlearn.errors import MaskError
from tokenunlearn.masks import Mask, mask_text
from tokenunlearn.selection import Rule
from tokenunlearn.settings import to_dict
from tokenunlearn.signals import SIGNALS
from tokenunlearn.table import provenance

if TYPE_CHECKING:
    from tokenunlearn.passes import Beside
    from tokenunlearn.scoring import ScoredRow


def shown_payload(service: Service) -> dict[str, Any]:
    """Return the value of the Tokens view: the newest payload, or a sentence while there is none.

    The columns go as one JSON text: Gradio's page wraps and clones every number of an array, which takes
    it ten seconds for 10,000 tokens.
    """
    shown = service.shelf.newest()
    if shown is not None:
        payload = full_payload(service, shown)
        return {**payload, "columns": json.dumps(payload["columns"], separators=(",", ":"))}
    waiting = LOADING if service.sessions.stage.moving else ""
    return {"rows": [], "message": service.sessions.stage.error or waiting}


def full_payload(service: Service, shown: ShownScores) -> dict[str, Any]:
    """Return the payload with what is made when it is asked for.

    `left_out` is a list of `{id, reason}`, `defaults` the rule that a page begins with, `own_defaults`
    whether it is one of these rows alone, `marked_here` whether a person wrote them and marked their facts,
    `opens` the index of its row; `rule_settings` and `menus` tell of the rest.
    """
    left_out = service.sessions.of(shown).left_out if shown.live else {}
    rule = first_rule(shown)
    reasons = [{"id": name, "reason": why} for name, why in left_out.items()]
    return {
        **shown.payload,
        **menus(shown.payload["signals"], lacking_here(service.sessions.of(shown)) if shown.live else {}),
        "left_out": reasons,
        "rule_settings": rule_settings(),
        "defaults": to_dict(rule),
        "own_defaults": rule != Rule(),
        "marked_here": own_facts(shown),
        "opens": first_row(shown),
    }


def beside(session: Session) -> "Beside":
    """Return what signals may use beside the rows of a session: its rows to keep.

    The page opens one model.
    """
    from tokenunlearn.passes import Beside

    return Beside(session.retain)


def lacking_here(session: Session) -> dict[str, str]:
    """Return what a signal needs that the session does not have, in words, by the signal's name."""
    if session.model is None:
        return {}
    from tokenunlearn.passes import lacking, need_words
    from tokenunlearn.scoring import ScoreConfig

    config, others = ScoreConfig(), beside(session)
    found = {name: lacking(config.passes_of(name), session.model, others) for name in SIGNALS}
    return {name: f"needs {need_words(needs[0])[0]}" for name, needs in found.items() if needs}


@dataclass(frozen=True, kw_only=True)
class RowOf:
    """One row of the scores."""

    scores_id: Id
    row: Number


@dataclass(frozen=True, kw_only=True)
class TokenOf(RowOf):
    """One token of a row."""

    position: Number


@dataclass(frozen=True, kw_only=True)
class SignalOf:
    """One signal of all rows."""

    scores_id: Id
    name: Id


def mask_of(service: Service, draft: Draft) -> tuple[ShownScores, Mask]:
    """Return the scores and the mask that a draft describes. Raises MaskError, SettingError."""
    shown = service.shelf.find(draft.scores_id)
    return shown, replace(shown.mask(draft.set, draft.rule, draft.overrides), notes=draft.notes)


def confirm_mask(service: Service, draft: Draft) -> dict[str, Any]:
    """Return the mask as the server computes it: `{hash, weights_count, chosen}`; `chosen` are token indices.

    Where the draft carries the page's own `hash` and it is another, `weights` (one per chosen) go along.
    """
    _, mask = mask_of(service, draft)
    chosen = np.flatnonzero(mask.selected)
    answer = {
        "hash": mask.hash,
        "weights_count": int(np.count_nonzero(mask.weights > 0)),
        "chosen": chosen.tolist(),
    }
    if draft.hash not in ("", mask.hash):
        answer["weights"] = mask.weights[chosen].tolist()
    return answer


def alternatives(service: Service, token: TokenOf) -> dict[str, Any]:
    """Return the likeliest tokens in one place, with the knowledge and with it masked, as scoring found them.

    Returns `{with, without, masking, name}`: two lists of (token, probability, rank, whether it is the true
    one), how the second was masked, and the name that was put in: the one that moves the token most ("" under
    another mask); `{error}` while only the recorded example is there.
    """
    shown = service.shelf.find(token.scores_id)
    if shown.alternatives is None:
        return {"error": "What else could follow is shown as soon as the model is live."}
    row = below(len(shown.alternatives), token.row, "row")
    lists = shown.alternatives[row]
    if not lists.as_is:
        return {"error": "What else could follow is shown as soon as this row is scored."}
    position = below(len(lists.as_is), token.position, "position")
    masked = lists.masked[position] if lists.masked else []
    return {
        "with": lists.as_is[position],
        "without": masked,
        "masking": shown.payload["rows"][row]["masking"],
        "name": lists.names[position] if lists.names else "",
    }


def compute_signal(service: Service, signal: SignalOf) -> dict[str, Any]:
    """Return one more signal on all rows: `{values, info, leaderboard}`.

    From then on it belongs to these scores. Raises SettingError for an unknown signal.
    """
    name = signal.name
    shown = with_signals(service, signal.scores_id, name)
    return {
        "values": column(shown.columns[name]),
        "info": shown.payload["signals"].get(name) or signal_info(name),
        "leaderboard": shown.payload["leaderboard"],
    }


def with_signals(service: Service, scores_id: str, *names: str) -> ShownScores:
    """Return the scores with these signals, computed where they were missing.

    Raises SettingError for an unknown signal.
    """
    shown = service.shelf.find(scores_id)
    for name in names:
        if name not in SIGNALS:
            from tokenunlearn.scoring import ScoreConfig

            ScoreConfig(signals=(name,))  # raises, in the words of the command line
        if name not in shown.columns:
            rows = shown.scores.rows if shown.scores else []
            shown = with_signal(service, shown, name, signal_of(service, shown, rows, name))
    return shown


def signal_of(service: Service, shown: ShownScores, rows: "Sequence[ScoredRow]", name: str) -> np.ndarray:
    """Return one signal on the tokens of these rows of `shown` in turn, masked as their scores are.

    A row that could not be scored has NaN. Raises SettingError for an unknown signal, MaskError without rows,
    as of a recorded example, and for a signal that needs what is not there; ModelError without a model.
    """
    from tokenunlearn.scoring import ScoreConfig, score_infos

    model, config = service.sessions.model_of(shown), ScoreConfig(signals=(name,))
    if not rows:
        raise MaskError(NOT_LIVE, fix="Wait for the live model")
    session = service.sessions.of(shown)
    lacks = lacking_here(session).get(name)
    if lacks:
        raise MaskError(f"{SIGNALS[name].label} cannot be measured here", f"It {lacks}", "Choose another one")
    with service.sessions.model_lock:
        found = score_infos(model, [row.info for row in rows if not row.failure], config, beside(session))
        return np.concatenate(
            [np.full(len(row.table), np.nan) if row.failure else next(found).table[name] for row in rows]
        )


def with_signal(service: Service, shown: ShownScores, name: str, values: np.ndarray) -> ShownScores:
    """Return the scores with one more column, under the same id: what was there has not changed.

    The column joins the newest under this id: rows or other signals may have got theirs since `shown`, and
    this signal itself, fitted on marks, which then stays.
    """
    return service.shelf.grow(
        shown.scores_id, lambda newest: newest.with_signals({} if newest.fits.get(name) else {name: values})
    )


def export_mask(service: Service, draft: Draft) -> dict[str, str]:
    """Return the mask file of a draft: `{filename, text, mime}`. Raises MaskError for a recorded example."""
    shown, mask = mask_of(service, draft)
    return {
        "filename": f"mask-{draft.set or 'rows'}-{mask.hash[:8]}.jsonl",
        "text": mask_file(shown, mask, {"set": draft.set}).decode(),
        "mime": "application/jsonl",
    }


def mask_file(shown: ShownScores, mask: Mask, more: Mapping[str, Any] | None = None) -> bytes:
    """Return the bytes of `mask.jsonl`; `more` joins its provenance.

    Raises MaskError for a recorded example.
    """
    if shown.table is None:
        raise MaskError("A recorded example cannot be exported or trained", fix="Wait for the live model")
    return mask_text(mask, shown.table, {**provenance(shown.table), **(more or {})}).encode()
