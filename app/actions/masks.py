"""Drafts and named masks: kept on the server, listed, loaded, compared, imported.

They belong to a text, whatever scores are shown of it. A mask that was made on other scores of the text gives
its rule and overrides, and says how many tokens these choose otherwise. Only live scores have drafts here; a
recorded example is drafted in the browser alone.
"""

import math
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Annotated, Any, Final

import numpy as np

from app.actions.draft import Draft, notes_given
from app.actions.tokens import mask_of, with_signals
from app.requests import Id, Name, Version, text
from app.service import Service
from app.shown import ShownScores
from tokenunlearn.errors import InputError, MaskError, TokenUnlearnError
from tokenunlearn.masks import Mask, decisions, mask_text, parse_header, parse_mask, read_header, read_mask
from tokenunlearn.metrics.agreement import agreement, cohens_kappa
from tokenunlearn.runs.mask_store import MaskStore
from tokenunlearn.table import provenance

MOST_FILE: Final = 4_000_000
SHOWN_DIFFERENCES: Final = 2_000


def ids_given(value: Any, _name: str) -> tuple[str, ...]:
    """Return ids of masks. Raises InputError."""
    if not isinstance(value, list) or not all(
        isinstance(each, str) and 0 < len(each) <= 200 for each in value
    ):
        raise InputError("masks is not a list of ids", fix="Reload the page")
    return tuple(value)


def file_given(value: Any, _name: str) -> str:
    """Return the content of a file. Raises InputError."""
    if not isinstance(value, str) or not value.strip():
        raise InputError("The file is empty", fix="Choose a mask that was exported here")
    if len(value) > MOST_FILE:
        raise InputError(f"The file has {len(value):,} characters", f"At most {MOST_FILE:,} are taken")
    return value


@dataclass(frozen=True, kw_only=True)
class PageText:
    """The text that the page shows; without `text_id` that of its scores."""

    scores_id: Id
    text_id: Annotated[str | None, text()] = None


@dataclass(frozen=True, kw_only=True)
class SaveDraft(PageText, Draft):
    """A draft to keep.

    `base` is the version that it was made from, `masks` the ids of the masks it came from, and `save` a name
    by which the page knows its own save again when the answer is lost.
    """

    base: Version = 0
    masks: Annotated[tuple[str, ...], ids_given] = ()
    save: Annotated[str | None, text(80)] = None


@dataclass(frozen=True, kw_only=True)
class SaveMask(Draft):
    """A draft that becomes a named mask."""

    name: Name


@dataclass(frozen=True, kw_only=True)
class MaskOf:
    """One named mask of the scores' text."""

    scores_id: Id
    id: Id


@dataclass(frozen=True, kw_only=True)
class ImportMask:
    """A mask file and the name that it gets."""

    scores_id: Id
    name: Name
    text: Annotated[str, file_given]


@dataclass(frozen=True, kw_only=True)
class TwoMasks:
    """Two named masks, by their ids."""

    scores_id: Id
    first: Id
    second: Id


def kept(service: Service, page: PageText) -> dict[str, Any]:
    """Return what is kept for a text: `{draft, masks, since, damage}`.

    `since`: the masks that the draft came from, one a set; `damage`: what cannot be read, in sentences.
    """
    shown = _of_text(service, page)
    tokens = len(shown.columns["row"])
    draft = _store(service).draft(shown.text_id, tokens)
    since, damage = [], ". ".join(_store(service).faults(shown.text_id, tokens))
    for mask_id in (draft or {}).get("masks", ()):
        with suppress(TokenUnlearnError):  # Moved away by hand: the draft is whole without it.
            since.append(_described(service, shown, str(mask_id)))
    return {"draft": draft, "masks": _listed(service, shown), "since": since, "damage": damage}


def save_draft(service: Service, draft: SaveDraft) -> dict[str, Any]:
    """Save a draft; return `{taken, draft, newer}`, not taken when somebody saved another meanwhile.

    `newer`: whether other scores of this text have taken the place of those that the page shows. Raises
    MaskError.
    """
    shown = _of_text(service, draft)
    shown.rows_of(draft.set)
    tokens = len(shown.columns["row"])
    if any(index >= tokens for index in (*draft.overrides, *draft.notes)):
        raise MaskError("An override names a token that is not in this text", fix="Reload the page")
    content = {**draft.decisions(), "masks": list(draft.masks)}
    if draft.save is not None:
        content["save"] = draft.save
    saved = _store(service).save_draft(shown.text_id, content, draft.base, tokens)
    newest = service.shelf.find_text(shown.text_id)
    newer = newest is service.shelf.newest() and newest.scores_id != draft.scores_id
    return {"taken": saved.taken, "draft": dict(saved.record), "newer": newer}


def save_mask(
    service: Service, wanted: SaveMask, more: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Any]:
    """Save a named mask, with `more` in its provenance; return `{saved, masks}`.

    Raises MaskError for a taken name.
    """
    _live(service, wanted.scores_id)
    with_signals(service, wanted.scores_id, *wanted.rule.signals)
    shown, mask = mask_of(service, wanted)
    assert shown.table is not None
    return _added(service, shown, wanted.name, wanted.set, mask, {**provenance(shown.table), **more})


def load_mask(service: Service, wanted: MaskOf) -> dict[str, Any]:
    """Return a named mask as a draft, with `{id, name, hash, chosen, moved}`.

    `moved` counts the tokens whose weight is another than when the mask was made, as these are other scores;
    None on the scores that it was made on.
    """
    return _described(service, _live(service, wanted.scores_id), wanted.id)


def saved_file(service: Service, wanted: MaskOf) -> dict[str, str]:
    """Return the file of a named mask, byte for byte: `{filename, text, mime}`."""
    path = _store(service).path(_live(service, wanted.scores_id).text_id, wanted.id)
    digest = str(read_header(path).get("hash", ""))[:8]
    return {
        "filename": f"{path.stem}-{digest}.jsonl",
        "text": path.read_text(encoding="utf-8"),
        "mime": "application/jsonl",
    }


def import_mask(service: Service, given: ImportMask) -> dict[str, Any]:
    """Make a named mask of a file, as it is: return `{saved, masks}`; the draft is left as it is.

    Raises MaskError, with nothing changed, for a damaged file (its line and the reason), for other text or
    another tokenizer (the rows), and where rule and overrides give another mask than the file's own on its
    own scores.
    """
    shown = _live(service, given.scores_id)
    assert shown.table is not None
    read = parse_mask(given.text, shown.table, None, given.name)
    made_by = parse_header(given.text).get("provenance")
    made_by = dict(made_by) if isinstance(made_by, Mapping) else {}
    set_name = _set_of(shown, read, made_by)
    made = _applied(service, shown, set_name, read)
    if made.hash != read.hash and read.scores_id == made.scores_id:
        raise MaskError(
            f"Rule and overrides of the file give another mask here: {made.hash[:8]}, not {read.hash[:8]}",
            "It was made from numbers that are not those of this page",
            "Export it from the page again",
            given.name,
        )
    checked = replace(read, notes=notes_given(read.notes, "notes"))
    return _added(service, shown, given.name, set_name, checked, made_by)


def remove_mask(service: Service, wanted: MaskOf) -> dict[str, Any]:
    """Return the list without a named mask, which can be restored: `{masks}`."""
    shown = _live(service, wanted.scores_id)
    _store(service).remove(shown.text_id, wanted.id)
    return {"masks": _listed(service, shown)}


def restore_mask(service: Service, wanted: MaskOf) -> dict[str, Any]:
    """Return the list with a mask that had been removed: `{masks}`."""
    shown = _live(service, wanted.scores_id)
    _store(service).restore(shown.text_id, wanted.id)
    return {"masks": _listed(service, shown)}


def compare_masks(service: Service, wanted: TwoMasks) -> dict[str, Any]:
    """Return how far two named masks agree, and each token on which they do not.

    Returns `{agreement, kappa (None = not defined), tokens, first, second, only_first, only_second,
    differing: [{index, row_id, position, token, first, second}]}`; each side is `{chosen, weight, state,
    note, time}`. Raises MaskError for masks of two sets.
    """
    shown = _live(service, wanted.scores_id)
    ids = [wanted.first, wanted.second]
    sides = [_described(service, shown, mask_id) for mask_id in ids]
    if sides[0]["set"] != sides[1]["set"]:
        raise MaskError("The two masks choose in different sets", fix="Compare two masks of one set")
    masks = [_read(service, shown, mask_id)[0] for mask_id in ids]
    places = shown.places(sides[0]["set"])
    first, second = (mask.selected[places] for mask in masks)
    kappa = cohens_kappa(first, second)
    weights = [mask.weights for mask in masks]
    differing = [int(at) for at in places if weights[0][at] != weights[1][at]]
    return {
        "agreement": agreement(first, second),
        "kappa": None if math.isnan(kappa) else kappa,
        "tokens": int(places.size),
        "first": sides[0] | {"chosen": int(first.sum())},
        "second": sides[1] | {"chosen": int(second.sum())},
        "only_first": int((first & ~second).sum()),
        "only_second": int((second & ~first).sum()),
        "differences": len(differing),
        "differing": [_difference(shown, masks, at) for at in differing[:SHOWN_DIFFERENCES]],
    }


def _difference(shown: ShownScores, masks: list[Mask], at: int) -> dict[str, Any]:
    assert shown.table is not None
    line = shown.table.iloc[at]
    place = {"index": at, "row_id": str(line["row_id"]), "position": int(line["position"])}
    first, second = (_side(mask, at) for mask in masks)
    return {**place, "token": str(line["token"]), "first": first, "second": second}


def _side(mask: Mask, at: int) -> dict[str, Any]:
    note = mask.notes.get(at, {})
    return {
        "chosen": bool(mask.selected[at]),
        "weight": float(mask.weights[at]),
        "state": mask.overrides.get(at),
        "note": str(note.get("note", "")),
        "time": int(note.get("time", 0)),
    }


def _added(
    service: Service,
    shown: ShownScores,
    name: str,
    set_name: str,
    mask: Mask,
    made_by: Mapping[str, Any],
) -> dict[str, Any]:
    """Add a named mask; `made_by` is the provenance of its numbers."""
    assert shown.table is not None
    about = {"name": name, "set": set_name, "saved": int(time.time() * 1000)}
    counts = {"chosen": int(mask.selected.sum()), "of": int(shown.places(set_name).size)}
    content = mask_text(mask, shown.table, {**made_by, **about, **counts})
    mask_id = _store(service).add_mask(shown.text_id, name, content)
    return {"saved": _described(service, shown, mask_id), "masks": _listed(service, shown)}


def _listed(service: Service, shown: ShownScores) -> list[dict[str, Any]]:
    """Return the named masks of a text.

    `other_scores`: whether they were made on other scores than those shown.
    """
    masks = _store(service).masks(shown.text_id)
    return [
        {**mask, "other_scores": mask["scores_id"] != shown.numbers_id(*mask["signals"])} for mask in masks
    ]


def _described(service: Service, shown: ShownScores, mask_id: str) -> dict[str, Any]:
    """Return a named mask as the page gets it: what its rule and overrides choose on the scores shown."""
    mask, moved = _read(service, shown, mask_id)
    made = read_header(_store(service).path(shown.text_id, mask_id))["provenance"]
    return {
        "id": mask_id,
        "name": str(made.get("name", mask_id)),
        "set": str(made.get("set", "")),
        "saved": made.get("saved"),
        **decisions(mask),
        "hash": mask.hash,
        "chosen": np.flatnonzero(mask.selected).tolist(),
        "moved": moved,
    }


def _read(service: Service, shown: ShownScores, mask_id: str) -> tuple[Mask, int | None]:
    """Return a named mask on the scores shown, and how many of its tokens now have another weight."""
    assert shown.table is not None
    path = _store(service).path(shown.text_id, mask_id)
    mask = read_mask(path, shown.table, None)
    if mask.scores_id == shown.numbers_id(*mask.rule.signals):
        return mask, None
    applied = _applied(service, shown, _set_of(shown, mask, read_header(path)["provenance"]), mask)
    return applied, int((applied.weights != mask.weights).sum())


def _applied(service: Service, shown: ShownScores, set_name: str, mask: Mask) -> Mask:
    """Return the mask that rule and overrides of `mask` give on the scores shown, with its notes."""
    shown = with_signals(service, shown.scores_id, *mask.rule.signals)
    return replace(shown.mask(set_name, mask.rule, mask.overrides), notes=mask.notes)


def _set_of(shown: ShownScores, mask: Mask, made: Mapping[str, Any]) -> str:
    """Return the set that a mask chooses in: the one its file names, else that of its first chosen token."""
    sets = list(dict.fromkeys(str(row["set"]) for row in shown.payload["rows"]))
    if made.get("set") in sets:
        return str(made["set"])
    chosen = np.flatnonzero(mask.selected)
    return str(shown.payload["rows"][int(shown.columns["row"][chosen[0]])]["set"]) if chosen.size else sets[0]


def _live(service: Service, scores_id: str) -> ShownScores:
    """Return the scores of this id. Raises MaskError for a recorded example."""
    return _not_recorded(service.shelf.find(scores_id))


def _of_text(service: Service, page: PageText) -> ShownScores:
    """Return the scores of the page's text: those that it shows, if they are held. Raises as `_live` does."""
    if page.text_id is None:
        return _live(service, page.scores_id)
    return _not_recorded(service.shelf.find_text(page.text_id, page.scores_id))


def _not_recorded(shown: ShownScores) -> ShownScores:
    if not shown.live or shown.table is None:
        raise MaskError("A recorded example has no saved masks", fix="Wait for the live model")
    return shown


def _store(service: Service) -> MaskStore:
    return MaskStore(service.queue.store.root)
