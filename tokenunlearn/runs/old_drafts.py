"""Drafts, named masks and subjects as 89070e2 kept them, under the id of scores: adopted by their text.

89070e2 wrote `.masks/<scores_id>/{draft.json, mask-<n>.jsonl}` and `.subjects/<scores_id>.json`. That id is a
hash, so whose a folder is can be told only with model and rows at hand: each time a text is opened. Old files
are only read, never changed. What was adopted says where it came from (`adopted` in the provenance of a mask,
`adopted.json` for drafts), so a start that was killed half-way is made up for by the next one.
"""

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tokenunlearn.contents import text_of
from tokenunlearn.data.json_text import from_json
from tokenunlearn.errors import MaskError
from tokenunlearn.masks import read_header, row_digests
from tokenunlearn.models.loading import text_hash
from tokenunlearn.passes import SubjectEdit
from tokenunlearn.runs.disk import locked, write_json_atomically
from tokenunlearn.runs.kept_subjects import NAME as SUBJECTS
from tokenunlearn.runs.kept_subjects import subjects_in, write_subjects
from tokenunlearn.runs.mask_store import REMOVED, MaskStore, text_folder
from tokenunlearn.scoring import Scores

LOG: Final = logging.getLogger(__name__)
MASKS: Final = ".masks"
OLD_SUBJECTS: Final = ".subjects"
JOURNAL: Final = "adopted.json"
PRECISIONS: Final = ("fp32 on cpu", "bf16 on cpu", "fp32 on cuda", "bf16 on cuda")
# What repr(ScoreConfig()) was, the only settings that the page of 89070e2 had.
CONFIG: Final = (
    "ScoreConfig(signals=('knowledge_swap', 'swap_spread', 'entropy', 'entropy_masked', 'entropy_base', "
    "'contrast', 'loss', 'log_prob'), swap_count=3, max_tokens=2048, seed=0)"
)


@dataclass(frozen=True)
class OldDraft:
    """A draft of 89070e2 with its tokens as they are numbered now; `key` names its file and moment."""

    key: str
    saved: int
    content: Mapping[str, Any]

    def within(self, other: "OldDraft") -> bool:
        """Return whether all that was decided in it stands in the other one too."""
        mine, theirs = self.content, other.content
        return mine["rule"] == theirs["rule"] and all(
            theirs[kind].get(index) == entry
            for kind in ("overrides", "notes")
            for index, entry in mine[kind].items()
        )


def adopt(runs: Path, scores: Scores, tokenizer: Any) -> None:
    """Give the text of `scores` (without edits) its old subjects, named masks and newest draft.

    What the text has already stays: a draft there is not replaced. Other old drafts are for `left_over`.
    """
    folders = _folders(runs, scores)
    subjects = _old_subjects(runs, scores, folders)
    if not folders and not subjects:
        return
    folder = text_folder(runs, scores.text_id)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / ".adopting"):
        if not (folder / SUBJECTS).exists():
            for edits in subjects[-1:]:
                write_subjects(runs, scores.text_id, edits)
        mask_ids = _adopt_masks(runs, scores, folders)
        drafts = _drafts(folders, scores, tokenizer, mask_ids)
        store = MaskStore(runs)
        standing = store.draft(scores.text_id)
        if drafts and standing is None and not _journal(folder):
            standing = dict(store.save_draft(scores.text_id, _marked(drafts[-1]), 0).record)
        if standing is not None and standing.get("adopted"):
            note(runs, scores.text_id, str(standing["adopted"]))


def left_over(runs: Path, scores: Scores, tokenizer: Any) -> list[OldDraft]:
    """Return the old drafts that are neither the text's draft nor contained in a later one, oldest first."""
    known = _journal(text_folder(runs, scores.text_id))
    drafts = _drafts(_folders(runs, scores), scores, tokenizer, {})
    return [
        draft
        for at, draft in enumerate(drafts)
        if draft.key not in known and not any(map(draft.within, drafts[at + 1 :]))
    ]


def note(runs: Path, text_id: str, key: str) -> None:
    """Write down that an old draft was adopted: it is not adopted again."""
    folder = text_folder(runs, text_id)
    write_json_atomically(folder / JOURNAL, sorted({*_journal(folder), key}))


def adopted_keys(runs: Path, text_id: str) -> dict[str, str]:
    """Return which old mask or draft each adopted mask was: its origin → its id, removed ones included."""
    found = {}
    for path, header in _headers(text_folder(runs, text_id)):
        if "adopted" in header["provenance"]:
            found[str(header["provenance"]["adopted"])] = path.stem
    return found


def _folders(runs: Path, scores: Scores) -> list[Path]:
    """Return the old folders that are of this text for sure."""
    every = {path.name: path for path in sorted((runs / MASKS).glob("*")) if path.is_dir()}
    if not every:
        return []
    edits = [{}, *(subjects_in(path) for path in (runs / OLD_SUBJECTS).glob("*.json"))]
    ours = {row.info.row.id for row in scores.rows}
    data = {_old_data(scores, each) for each in edits if set(each) <= ours}
    names = {str(scores.provenance["model"])}
    found = set()
    for name, path in every.items():
        for _, header in _headers(path):
            made = header["provenance"]
            moved = Path(str(made.get("model"))).name == Path(str(scores.provenance["model"])).name
            if made.get("data") in data and made.get("adapter") == scores.provenance["adapter"] and moved:
                found.add(name)
                names.add(str(made["model"]))
    found |= {
        _old_id(scores, model, precision, each)
        for model in names
        for precision in PRECISIONS
        for each in data
    }
    carried = {name: _draft(path).get("carried") for name, path in every.items()}
    links = {name: str(link.get("scores_id")) for name, link in carried.items() if isinstance(link, dict)}
    while True:
        more = {links[name] for name in found & set(links)} | {at for at, to in links.items() if to in found}
        if more <= found:
            return [path for name, path in every.items() if name in found]
        found |= more


def _old_data(scores: Scores, edits: Mapping[str, SubjectEdit]) -> str:
    """Return the hash of the rows as 89070e2 made it; the rows of `scores` have the subjects of the data."""
    rows = [each.info.row for each in scores.rows]
    parts = [part for row in rows for part in (row.id, row.question, row.answer, row.subject)]
    edited = [part for name in sorted(edits) for part in (name, edits[name].subject, *edits[name].names)]
    return text_hash(*parts, *edited)


def _old_id(scores: Scores, model: str, precision: str, data: str) -> str:
    rows = [each.info.row.id for each in scores.rows]
    return text_hash(model, str(scores.provenance["adapter"]), precision, data, text_hash(CONFIG), *rows)


def _old_subjects(runs: Path, scores: Scores, folders: Iterable[Path]) -> list[dict[str, SubjectEdit]]:
    """Return the subjects that were given on scores of this text, the newest last."""
    names = {
        _old_id(scores, str(scores.provenance["model"]), each, _old_data(scores, {})) for each in PRECISIONS
    }
    names |= {path.name for path in folders}
    paths = [path for name in names if (path := runs / OLD_SUBJECTS / f"{name}.json").is_file()]
    return [subjects_in(path) for path in sorted(paths, key=lambda path: path.stat().st_mtime_ns)]


def _adopt_masks(runs: Path, scores: Scores, folders: Iterable[Path]) -> dict[str, str]:
    """Copy the named masks; returns their new ids by `<scores_id>/<mask id>`."""
    store, digests = MaskStore(runs), row_digests(scores.table)
    ids = adopted_keys(runs, scores.text_id)
    old = [
        (path, header) for folder in folders for path, header in _headers(folder) if path.suffix != REMOVED
    ]
    # The scores that it was made on first: the others have copies of it, made when a subject changed.
    for path, header in sorted(old, key=lambda each: "made_on" in each[1]["provenance"]):
        key = f"{path.parent.name}/{path.stem}"
        if key in ids or header.get("rows") != digests:
            continue
        theirs = list(_headers(text_folder(runs, scores.text_id)))
        twin = next((at.stem for at, other in theirs if _decided(other) == _decided(header)), None)
        ids[key] = twin or _copy(store, scores.text_id, path, header, key)
    return ids


def _copy(store: MaskStore, text_id: str, path: Path, header: Mapping[str, Any], key: str) -> str:
    name = free_name(store, text_id, str(header["provenance"].get("name", path.stem)))
    made = {**header["provenance"], "name": name, "adopted": key}
    _, _, lines = text_of(path).partition("\n")
    first = json.dumps({**header, "provenance": made}, ensure_ascii=False)
    return store.add_mask(text_id, name, f"{first}\n{lines}")


def free_name(store: MaskStore, text_id: str, wanted: str) -> str:
    """Return the name, with a number behind it where a mask of the text has it already."""
    taken = {mask["name"].casefold() for mask in store.masks(text_id)}
    names = (wanted if number == 1 else f"{wanted} ({number})" for number in range(1, len(taken) + 2))
    return next(name for name in names if name.casefold() not in taken)


def _decided(header: Mapping[str, Any]) -> tuple[Any, ...]:
    made = header["provenance"]
    return made.get("name"), made.get("set"), header.get("rule"), header.get("overrides"), header.get("notes")


def _drafts(
    folders: Iterable[Path], scores: Scores, tokenizer: Any, mask_ids: Mapping[str, str]
) -> list[OldDraft]:
    """Return the drafts in the old folders, the newest last."""
    place = _places(scores, tokenizer)
    found: list[OldDraft] = []
    for folder in folders:
        draft = _draft(folder)
        if not isinstance(draft.get("rule"), dict) or not isinstance(draft.get("saved"), int):
            continue
        try:
            content = _placed(folder, draft, place, mask_ids)
        except (TypeError, ValueError) as error:  # damaged: it stays where it is, the others are adopted
            LOG.warning("the draft in %s cannot be read: %s", folder, error)
            continue
        found.append(OldDraft(f"{folder.name}/draft@{draft['saved']}", draft["saved"], content))
    return sorted(found, key=lambda draft: draft.saved)


def _placed(
    folder: Path, draft: Mapping[str, Any], place: Mapping[int, int], mask_ids: Mapping[str, str]
) -> dict[str, Any]:
    """Return an old draft as the page keeps one today, on the tokens of today.

    Raises TypeError or ValueError for a damaged one.
    """
    entries = {kind: dict(draft.get(kind) or {}) for kind in ("overrides", "notes")}
    lost = [index for kind in entries.values() for index in kind if int(index) not in place]
    if lost:
        LOG.warning("%s: %d decisions are on tokens that this text has no more", folder, len(lost))
    return {
        "set": str(draft.get("set", "")),
        "rule": draft["rule"],
        **{
            kind: {str(place[int(at)]): entry for at, entry in all_.items() if int(at) in place}
            for kind, all_ in entries.items()
        },
        "masks": [
            mask_ids[key] for mask in draft.get("masks") or [] if (key := f"{folder.name}/{mask}") in mask_ids
        ],
    }


def _places(scores: Scores, tokenizer: Any) -> dict[int, int]:
    """Return where each token of 89070e2, which tokenised answers on their own, is now: by its characters."""
    places: dict[int, int] = {}
    then = now = 0
    for row in scores.rows:
        spans = list(zip(row.table["char_start"].tolist(), row.table["char_end"].tolist(), strict=True))
        at = {span: now + index for index, span in enumerate(spans)}
        old = tokenizer(
            row.info.row.answer,
            add_special_tokens=False,
            return_offsets_mapping=True,
            split_special_tokens=True,
            verbose=False,
        )["offset_mapping"]
        places |= {then + index: at[tuple(span)] for index, span in enumerate(old) if tuple(span) in at}
        then, now = then + len(old), now + len(spans)
    return places


def _marked(draft: OldDraft) -> dict[str, Any]:
    return {**draft.content, "adopted": draft.key}


def _draft(folder: Path) -> dict[str, Any]:
    try:
        record = from_json(text_of(folder / "draft.json"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _journal(folder: Path) -> list[str]:
    try:
        return [str(key) for key in from_json(text_of(folder / JOURNAL))]
    except (OSError, ValueError, TypeError):
        return []


def _headers(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the named masks in a folder with their headers, removed ones included, damaged ones left out."""
    for path in sorted([*folder.glob("mask-*.jsonl"), *folder.glob(f"mask-*{REMOVED}")]):
        try:
            header = read_header(path)
        except MaskError:
            continue
        if isinstance(header.get("provenance"), dict):
            yield path, header
