"""Drafts and named masks: kept on the server, listed, loaded, compared, imported.

They belong to a text, whatever scores are shown of it. A draft is `{text_id, set, rule, overrides: {index:
in|out}, notes: {index: {note, time}}}`. A mask that was made on other scores of the text gives its rule and
overrides, and says how many tokens these choose otherwise. Only live scores have drafts here; a recorded
example is drafted in the browser alone.
"""

import math
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from app.actions.checks import mask_ids_of, notes_of, overrides_of, record, rule_of, text, version_of
from app.actions.tokens import mask_of, with_rule_signals
from app.service import Service
from app.shown import ShownScores
from tokenunlearn.errors import InputError, MaskError, TokenUnlearnError
from tokenunlearn.masks import Mask, decisions, mask_text, parse_header, parse_mask, read_header, read_mask
from tokenunlearn.metrics.agreement import agreement, cohens_kappa
from tokenunlearn.runs.mask_store import MaskStore
from tokenunlearn.settings import to_dict
from tokenunlearn.table import provenance

MOST_NAME: Final = 80
MOST_FILE: Final = 4_000_000
SHOWN_DIFFERENCES: Final = 2_000


def kept(service: Service, question: Any) -> dict[str, Any]:
    """Return what is kept for a text: `{draft, masks, since}`; `since`: the masks it came from, one a set.

    `question`: `{text_id, scores_id}`.
    """
    shown = _of_text(service, record(question, "the question"))
    draft = _store(service).draft(shown.text_id)
    since = []
    for mask_id in (draft or {}).get("masks", ()):
        with suppress(TokenUnlearnError):  # Moved away by hand: the draft is whole without it.
            since.append(_described(service, shown, str(mask_id)))
    return {"draft": draft, "masks": _listed(service, shown), "since": since}


def save_draft(service: Service, draft: Any) -> dict[str, Any]:
    """Save a draft; return `{taken, draft, newer}`, not taken when somebody saved another meanwhile.

    `newer`: whether other scores of this text have taken the place of those that the page shows. The `draft`
    also has `scores_id`, `base`, the version that it was made from, `masks`, the ids of the masks it came
    from, and `save`, by which the page knows its own save again when the answer is lost.
    Raises MaskError, InputError, SettingError.
    """
    values = record(draft, "the draft")
    shown = _of_text(service, values)
    name = str(values.get("set") or "")
    shown.rows_of(name)
    overrides, notes, rule = overrides_of(values), notes_of(values), rule_of(values)
    if any(index >= len(shown.columns["row"]) for index in (*overrides, *notes)):
        raise MaskError("An override names a token that is not in this text", fix="Reload the page")
    content = {
        "set": name,
        "rule": to_dict(rule),
        "overrides": {str(index): word for index, word in sorted(overrides.items())},
        "notes": {str(index): note for index, note in sorted(notes.items())},
        "masks": mask_ids_of(values),
        **({"save": text(values, "save", 80)} if "save" in values else {}),
    }
    saved = _store(service).save_draft(shown.text_id, content, version_of(values, "base"))
    newest = service.shelf.find_text(shown.text_id)
    newer = newest is service.shelf.newest() and newest.scores_id != values.get("scores_id")
    return {"taken": saved.taken, "draft": dict(saved.record), "newer": newer}


def save_mask(service: Service, draft: Any) -> dict[str, Any]:
    """Save a named mask; return `{saved, masks}`. Raises MaskError for a taken name."""
    values = record(draft, "the draft")
    name = _name(values)
    _live(service, values)
    return added_mask(service, values, name)


def added_mask(
    service: Service, values: Mapping[str, Any], name: str, more: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Any]:
    """Add the mask that a draft gives under a name; `more` joins its provenance. Answers as `save_mask`."""
    with_rule_signals(service, text(values, "scores_id"), rule_of(values))
    shown, set_name, mask = mask_of(service, values)
    assert shown.table is not None
    return _added(service, shown, name, set_name, mask, {**provenance(shown.table), **more})


def load_mask(service: Service, question: Any) -> dict[str, Any]:
    """Return a named mask as a draft, with `{id, name, hash, chosen, moved}`. `question`: `{scores_id, id}`.

    `moved` counts the tokens whose weight is another than when the mask was made, as these are other scores;
    None on the scores that it was made on.
    """
    values = record(question, "the question")
    shown = _live(service, values)
    return _described(service, shown, text(values, "id"))


def saved_file(service: Service, question: Any) -> dict[str, str]:
    """Return the file of a named mask, byte for byte: `{filename, text, mime}`.

    `question`: `{scores_id, id}`.
    """
    values = record(question, "the question")
    shown = _live(service, values)
    path = _store(service).path(shown.text_id, text(values, "id"))
    digest = str(read_header(path).get("hash", ""))[:8]
    return {
        "filename": f"{path.stem}-{digest}.jsonl",
        "text": path.read_text(encoding="utf-8"),
        "mime": "application/jsonl",
    }


def import_mask(service: Service, question: Any) -> dict[str, Any]:
    """Make a named mask of a file, as it is: return `{saved, masks}`; the draft is left as it is.

    `question`: `{scores_id, name, text}`.
    Raises MaskError, with nothing changed, for a damaged file (its line and the reason), for other text or
    another tokenizer (the rows), and where rule and overrides give another mask than the file's own on its
    own scores.
    """
    values = record(question, "the question")
    name = _name(values)
    shown = _live(service, values)
    content = values.get("text")
    if not isinstance(content, str) or not content.strip():
        raise InputError("The file is empty", fix="Choose a mask that was exported here")
    if len(content) > MOST_FILE:
        raise InputError(f"The file has {len(content):,} characters", f"At most {MOST_FILE:,} are taken")
    assert shown.table is not None
    read = parse_mask(content, shown.table, None, name)
    given = parse_header(content).get("provenance")
    made_by = dict(given) if isinstance(given, Mapping) else {}
    set_name = _set_of(shown, read, made_by)
    made = _applied(service, shown, set_name, read)
    if made.hash != read.hash and read.scores_id == made.scores_id:
        raise MaskError(
            f"Rule and overrides of the file give another mask here: {made.hash[:8]}, not {read.hash[:8]}",
            "It was made from numbers that are not those of this page",
            "Export it from the page again",
            name,
        )
    return _added(
        service, shown, name, set_name, replace(read, notes=notes_of({"notes": read.notes})), made_by
    )


def remove_mask(service: Service, question: Any) -> dict[str, Any]:
    """Return the list without a named mask, which can be restored: `{masks}`.

    `question`: `{scores_id, id}`.
    """
    values = record(question, "the question")
    shown = _live(service, values)
    _store(service).remove(shown.text_id, text(values, "id"))
    return {"masks": _listed(service, shown)}


def restore_mask(service: Service, question: Any) -> dict[str, Any]:
    """Return the list with a mask that had been removed: `{masks}`. `question`: `{scores_id, id}`."""
    values = record(question, "the question")
    shown = _live(service, values)
    _store(service).restore(shown.text_id, text(values, "id"))
    return {"masks": _listed(service, shown)}


def compare_masks(service: Service, question: Any) -> dict[str, Any]:
    """Return how far two named masks agree, and each token on which they do not.

    `question`: `{scores_id, first, second}`, ids. Returns `{agreement, kappa (None = not defined), tokens,
    first, second, only_first, only_second, differing: [{index, row_id, position, token, first, second}]}`;
    each side is `{chosen, weight, state, note, time}`. Raises MaskError for masks of two sets.
    """
    values = record(question, "the question")
    shown = _live(service, values)
    ids = [text(values, "first"), text(values, "second")]
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
    if mask.scores_id == shown.numbers_id(mask.rule.knowledge, mask.rule.entropy):
        return mask, None
    applied = _applied(service, shown, _set_of(shown, mask, read_header(path)["provenance"]), mask)
    return applied, int((applied.weights != mask.weights).sum())


def _applied(service: Service, shown: ShownScores, set_name: str, mask: Mask) -> Mask:
    """Return the mask that rule and overrides of `mask` give on the scores shown, with its notes."""
    shown = with_rule_signals(service, shown.scores_id, mask.rule)
    return replace(shown.mask(set_name, mask.rule, mask.overrides), notes=mask.notes)


def _set_of(shown: ShownScores, mask: Mask, made: Mapping[str, Any]) -> str:
    """Return the set that a mask chooses in: the one its file names, else that of its first chosen token."""
    sets = list(dict.fromkeys(str(row["set"]) for row in shown.payload["rows"]))
    if made.get("set") in sets:
        return str(made["set"])
    chosen = np.flatnonzero(mask.selected)
    return str(shown.payload["rows"][int(shown.columns["row"][chosen[0]])]["set"]) if chosen.size else sets[0]


def _name(values: Mapping[str, Any]) -> str:
    name = " ".join(text(values, "name", MOST_NAME).split())
    if not name.isprintable():
        raise InputError("The name holds characters that cannot be seen", fix="Type another name")
    return name


def _live(service: Service, values: Mapping[str, Any]) -> ShownScores:
    """Return the scores that the page names. Raises MaskError for a recorded example."""
    return _not_recorded(service.shelf.find(text(values, "scores_id")))


def _of_text(service: Service, values: Mapping[str, Any]) -> ShownScores:
    """Return the scores of the page's text: those that it shows, if they are held. Raises as `_live` does."""
    if values.get("text_id") is None:
        return _live(service, values)
    return _not_recorded(service.shelf.find_text(text(values, "text_id"), str(values.get("scores_id"))))


def _not_recorded(shown: ShownScores) -> ShownScores:
    if not shown.live or shown.table is None:
        raise MaskError("A recorded example has no saved masks", fix="Wait for the live model")
    return shown


def _store(service: Service) -> MaskStore:
    return MaskStore(service.queue.store.root)
