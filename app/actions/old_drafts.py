"""Drafts of 89070e2 beside the newest one of a text become named masks, so that each can be looked at."""

import logging
import time
from functools import partial
from typing import Any, Final

from app.actions.masks import SaveMask, save_mask
from app.requests import read
from app.service import Service
from app.shown import ShownScores
from tokenunlearn.errors import TokenUnlearnError
from tokenunlearn.runs.mask_store import MaskStore
from tokenunlearn.runs.old_drafts import OldDraft, adopted_keys, free_name, left_over, note
from tokenunlearn.scoring import Scores

LOG: Final = logging.getLogger(__name__)


def adopt_when_scored(service: Service) -> None:
    """From now on, name the old drafts of each text that is opened, once its rows are scored."""
    service.sessions.after_scoring = partial(name_old_drafts, service)


def name_old_drafts(service: Service, scores: Scores, tokenizer: Any) -> None:
    """Make a named mask of each old draft of these scores' text that is not its draft, one a set."""
    runs = service.queue.store.root
    for draft in left_over(runs, scores, tokenizer):
        try:
            _name(service, service.shelf.find_text(scores.text_id), draft)
        except TokenUnlearnError as error:  # It stays where it is, and is tried again at the next start.
            LOG.warning("the draft %s could not be adopted: %s", draft.key, error)
        else:
            note(runs, scores.text_id, draft.key)


def _name(service: Service, shown: ShownScores, draft: OldDraft) -> None:
    known = adopted_keys(service.queue.store.root, shown.text_id)
    when = time.strftime("%d %b %Y, %H:%M", time.localtime(draft.saved / 1000))
    row_sets = [str(row["set"]) for row in shown.payload["rows"]]
    of_set = {
        name: {
            kind: {
                index: entry
                for index, entry in draft.content[kind].items()
                if row_sets[int(shown.columns["row"][int(index)])] == name
            }
            for kind in ("overrides", "notes")
        }
        for name in dict.fromkeys(row_sets)
    }
    for name, decided in of_set.items():
        key = f"{draft.key}/{name}"
        if key in known or not (name == draft.content["set"] or any(decided.values())):
            continue
        store = MaskStore(service.queue.store.root)
        named = free_name(store, shown.text_id, f"Draft of {when}")
        content = {"set": name, "rule": draft.content["rule"], **decided}
        wanted = read(SaveMask, {"scores_id": shown.scores_id, "name": named, **content})
        save_mask(service, wanted, {"adopted": key})
