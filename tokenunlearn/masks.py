"""A mask: which tokens are trained with which weight, by which rule, from which scores.

Its hash is the same in the page (twin of `mask_hash`: app/web/score/mask_hash.js), the export and the run.
A mask file is JSONL: one header line (rule, overrides with note and time, hash, digest of each row's tokens,
provenance), then one line per selected token. It is refused on other text, and to train also on other scores.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from tokenunlearn.contents import MOST_BYTES, opened, text_of
from tokenunlearn.errors import MaskError, TableError, TokenUnlearnError
from tokenunlearn.fusion import Column
from tokenunlearn.modes import counted, millionths
from tokenunlearn.selection import Flags, Rule, checked_overrides, select
from tokenunlearn.settings import from_dict, is_number, shown, to_dict

FORMAT: Final = "tokenunlearn mask"
VERSION: Final = 1
SHOWN_ROWS: Final = 5
# A weight is a share of a mean of 1, so no larger than the number of tokens.
MOST_WEIGHT: Final = 10**6
LEAST_WEIGHT: Final = 0.5e-6  # what is smaller rounds to no millionth, and is 0

_TABLE_TO_COLUMN: Final = {
    "word_id": "word",
    "is_subject": "subject",
    "is_stop_word": "stop",
    "is_punctuation": "punctuation",
    "gold": "gold",
    "random_key": "random_key",
}
# Float columns that an earlier rule has written into the table.
_LEFT_OUT: Final = ("fused", "weight", "selected", "override")


@dataclass(frozen=True, eq=False)
class Mask:
    """One weight per token (float64 [tokens], 0 = not trained) and all it takes to make it again.

    `overrides` maps token index → "in" | "out"; `scores_id` names the scores that the rule was applied to;
    `notes` maps token index → {note, time (ms since 1970)}, also for tokens that are only annotated.
    """

    rule: Rule
    overrides: Mapping[int, str]
    weights: Column
    selected: Flags
    hash: str
    scores_id: str
    notes: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)


def mask_hash(weights: Any) -> str:
    """Return sha256 hex of "index:micro" lines over the tokens with micro = floor(weight·1e6 + 0.5) above 0.

    Raises MaskError for a weight that is not a number from 0 to MOST_WEIGHT.

    >>> mask_hash([0.0, 1.0]) == hashlib.sha256(b"1:1000000").hexdigest()
    True
    """
    given = np.asarray(weights, dtype=np.float64)
    wrong = given[~((given >= 0) & (given <= MOST_WEIGHT))]
    if wrong.size:
        raise _no_weight(float(wrong[0]))
    micro = millionths(given)
    lines = (f"{index}:{int(micro[index])}" for index in np.flatnonzero(micro > 0))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def make_mask(
    columns: Mapping[str, Any], rule: Rule, overrides: Mapping[int, str] | None = None, scores_id: str = ""
) -> Mask:
    """Return the mask of the rule and the overrides on the columns; raises what `selection.select` raises."""
    selection = select(columns, rule, overrides)
    forced = {int(index): state for index, state in sorted((overrides or {}).items())}
    digest = mask_hash(selection.weights)
    return Mask(rule, forced, selection.weights, selection.selected, digest, scores_id)


def columns_from_table(table: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return the columns that `select` takes, from an exchange table; rows are numbered as they first appear.

    Every float column that is no structure is a signal. Raises TableError for a missing column.
    """
    missing = [name for name in ("row_id", *_TABLE_TO_COLUMN) if name not in table.columns]
    if missing:
        raise TableError(f"The table lacks {', '.join(missing)}", "A mask cannot be made from it")
    columns = {"row": pd.factorize(table["row_id"])[0]}
    for name in table.columns:
        if name in _TABLE_TO_COLUMN:
            kind = bool if name.startswith("is_") else np.int64 if name == "word_id" else np.float64
            columns[_TABLE_TO_COLUMN[name]] = table[name].to_numpy(dtype=kind)
        elif name not in _LEFT_OUT and pd.api.types.is_float_dtype(table[name]):
            columns[name] = table[name].to_numpy(dtype=np.float64)
    return columns


def write_mask(
    path: str | Path, mask: Mask, table: pd.DataFrame, provenance: Mapping[str, Any] | None = None
) -> None:
    """Write the mask to `path` as a whole, or leave the old file untouched.

    Raises MaskError when the table has another number of tokens than the mask.
    """
    content = mask_text(mask, table, provenance)
    target = Path(path)
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    draft.write_text(content, encoding="utf-8")
    os.replace(draft, target)


def decisions(mask: Mask) -> dict[str, Any]:
    """Return what a person decided, as JSON: `{rule, overrides, notes}`, tokens by their index."""
    return {
        "rule": to_dict(mask.rule),
        "overrides": {str(index): state for index, state in mask.overrides.items()},
        "notes": {str(index): dict(note) for index, note in sorted(mask.notes.items())},
    }


def mask_text(mask: Mask, table: pd.DataFrame, provenance: Mapping[str, Any] | None = None) -> str:
    """Return the content of a mask file.

    Raises MaskError when mask and table differ in their number of tokens.
    """
    if len(table) != mask.weights.size:
        raise MaskError(f"The mask has {mask.weights.size} tokens, the table {len(table)}")
    header = {
        "format": FORMAT,
        "version": VERSION,
        "scores_id": mask.scores_id,
        "hash": mask.hash,
        **decisions(mask),
        "rows": row_digests(table),
        "provenance": dict(provenance or {}),
    }
    lines = [json.dumps(header, ensure_ascii=False)]
    for index in np.flatnonzero(mask.selected):
        entry = _place(table, int(index)) | {
            "token": str(table["token"].iloc[index]),
            "weight": float(mask.weights[index]),
            "override": mask.overrides.get(int(index)),
        }
        lines.append(json.dumps(entry, ensure_ascii=False))
    return "\n".join(lines) + "\n"


def read_mask(path: str | Path, table: pd.DataFrame, scores_id: str | None) -> Mask:
    """Return the mask in the file, for the table that it was made on; a `scores_id` of None takes any scores.

    Raises MaskError for a file that is not a mask, for other text (naming the rows), for other scores, for
    weights that do not give the hash in the header (a line was changed or lost), and for a line that names no
    token of the table, one with another text, the same one again, or a weight that is none. What rounds to no
    millionth is 0, as in the hash.
    """
    return parse_mask(_content(path), table, scores_id, str(path))


def _content(path: str | Path) -> str:
    try:
        return text_of(path)
    except (OSError, ValueError) as error:
        raise MaskError("The mask file cannot be read", str(error), where=str(path)) from error


def parse_mask(content: str, table: pd.DataFrame, scores_id: str | None, where: str = "") -> Mask:
    """Return the mask in the content of a mask file.

    Raises as `read_mask` does and names the damaged line.
    """
    header, entries = _parsed(content, where)
    _refuse_other_text(header, table, where)
    if scores_id is not None:
        _refuse_other_scores(header, scores_id, where)
    places = {(str(row), int(at)): index for index, (row, at) in enumerate(_places(table))}
    tokens = [str(each) for each in table["token"]]
    weights, line = np.zeros(len(table)), 1
    seen: dict[int, int] = {}  # token index → the line that gave its weight
    try:
        rule = from_dict(Rule, header["rule"])
        overrides = checked_overrides(header["overrides"], len(table))
        notes = {
            _token_number(index, len(table)): dict(note) for index, note in header.get("notes", {}).items()
        }
        for line, entry in entries:
            index = _index_of(entry, places, tokens)
            if index in seen:
                raise MaskError(f"Its token is that of line {seen[index]}")
            seen[index] = line
            weights[index] = _weight_of(entry["weight"])
    except (KeyError, TypeError, ValueError, AttributeError, TokenUnlearnError) as error:
        why = f"Line {line}: {_reason(error)}"
        raise MaskError("The mask cannot be read", why, "Export it again", where) from error
    if mask_hash(weights) != header.get("hash"):
        raise MaskError(
            "The mask does not give its own hash", "A line was changed or lost", "Export it again", where
        )
    weights = counted(weights)
    made_on = str(header.get("scores_id", ""))
    return Mask(rule, overrides, weights, weights > 0, str(header["hash"]), made_on, notes)


def _index_of(entry: Any, places: Mapping[tuple[str, int], int], tokens: Sequence[str]) -> int:
    """Return the index of the token that a line of a mask file names. Raises MaskError, KeyError."""
    if not isinstance(entry, dict):
        raise MaskError("It is not a JSON object")
    row, position, token = str(entry["row_id"]), entry["position"], entry["token"]
    if not isinstance(position, int) or isinstance(position, bool):
        raise MaskError(f"position is {shown(position)}", "It must be a whole number")
    index = places.get((row, position))
    if index is None:
        raise MaskError(f"There is no token {shown(position)} in row {shown(row)}")
    if token != tokens[index]:
        raise MaskError(f"token is {shown(token)}", f"It is {shown(tokens[index])} here")
    return index


def _weight_of(value: Any) -> float:
    """Return a JSON value that is a weight. Raises MaskError for any other."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 <= value <= MOST_WEIGHT:  # a whole number may have 400 digits: it is no float yet
        raise _no_weight(value)
    return float(value)


def _no_weight(value: Any) -> MaskError:
    why = "Such a token would be taught" if isinstance(value, int | float) and value < 0 else ""
    return MaskError(f"weight is {shown(value)}", why or f"It must be a number from 0 to {MOST_WEIGHT}")


def _token_number(key: str, tokens: int) -> int:
    if not is_number(key) or int(key) >= tokens:
        raise MaskError(f"There is no token {shown(key)} to note something on")
    return int(key)


def refuse_empty(mask: Mask, where: str = "") -> None:
    """Raise MaskError for a mask that chooses no token: training on it would change nothing."""
    if not mask.selected.any():
        raise _nothing_chosen(where)


def refuse_empty_file(path: str | Path) -> None:
    """Raise MaskError for a mask file without a token, before there is a text to read it with."""
    entries = [entry for _, entry in _parsed(_content(path), str(path))[1]]
    # a line that is none is told with its number when there is a text
    known = all(isinstance(entry, dict) and isinstance(entry.get("weight"), int | float) for entry in entries)
    if known and all(0 <= entry["weight"] < LEAST_WEIGHT for entry in entries):
        raise _nothing_chosen(str(path))


def token_table(tokens: Mapping[str, Sequence[str]], order: Sequence[str] = ()) -> pd.DataFrame:
    """Return what a mask needs of an exchange table (row_id, position, token), of the tokens of each row id.

    In the order of `order` where that has the same rows, else as they come.
    """
    names = list(order) if set(order) == set(tokens) else list(tokens)
    places = [(name, at, text) for name in names for at, text in enumerate(tokens[name])]
    return pd.DataFrame(places, columns=["row_id", "position", "token"])


def weights_for(
    mask: Mask, table: pd.DataFrame, tokens: Mapping[str, Sequence[str]], where: str = ""
) -> dict[str, np.ndarray]:
    """Return the weights, float64 [answer tokens], of each trained row; `tokens` are their texts by row id.

    `table` is the one that the mask was made on. Raises MaskError, naming the rows, where a trained row is
    missing there or has other tokens, and where the mask chooses tokens of a row that is not trained.
    """
    ids = table["row_id"].astype(str).to_numpy()
    made_on = row_digests(table)
    differ = [name for name, texts in tokens.items() if made_on.get(name, _digest([])) != _digest(texts)]
    if differ:
        raise _other_text(differ, where)
    missing = [name for name in dict.fromkeys(ids[mask.selected]) if name not in tokens]
    if missing:
        raise MaskError(
            f"The mask chooses tokens of rows that are not trained: {_named(missing)}",
            fix="Give all rows of the mask, or make one for these",
            where=where,
        )
    return {name: mask.weights[ids == name] for name in tokens}


def parse_header(content: str, where: str = "") -> dict[str, Any]:
    """Return what a mask file says of itself in its first line, unchecked.

    Raises MaskError when it is no mask.
    """
    return _parsed(content.partition("\n")[0], where)[0]


def read_header(path: str | Path) -> dict[str, Any]:
    """Return the header of a mask file; reads one line only. Raises MaskError."""
    try:
        with opened(path) as file:
            first = file.readline(MOST_BYTES // 16).decode()
    except (OSError, ValueError) as error:
        raise MaskError("The mask file cannot be read", str(error), where=str(path)) from error
    return parse_header(first, str(path))


def _places(table: pd.DataFrame) -> list[tuple[Any, Any]]:
    return list(zip(table["row_id"], table["position"], strict=True))


def _place(table: pd.DataFrame, index: int) -> dict[str, Any]:
    return {"row_id": str(table["row_id"].iloc[index]), "position": int(table["position"].iloc[index])}


def row_digests(table: pd.DataFrame) -> dict[str, str]:
    """Return a digest of each row's tokens, by row id, in the order of the table."""
    return {str(row_id): _digest(tokens) for row_id, tokens in table.groupby("row_id", sort=False)["token"]}


def _digest(tokens: Iterable[Any]) -> str:
    return hashlib.sha256(json.dumps([str(each) for each in tokens]).encode()).hexdigest()[:16]


def _reason(error: Exception) -> str:
    """Return an error's sentence; a missing key alone says nothing."""
    return f"{error} is missing or names no token here" if isinstance(error, KeyError) else str(error)


def _parsed(content: str, where: str) -> tuple[dict[str, Any], list[tuple[int, Any]]]:
    """Return the header, and the token lines with their line numbers, as JSON values."""
    values = []
    # never splitlines: a token may hold U+2028 or U+0085, which JSON leaves as they are
    for number, line in enumerate(content.split("\n"), start=1):
        if not line:
            continue
        try:
            values.append((number, json.loads(line)))
        except (ValueError, RecursionError) as error:
            why = f"Line {number} is not JSON: {error}"
            raise MaskError("The mask file cannot be read", why, "Export it again", where) from error
    if not values:
        raise MaskError("The mask file cannot be read", "It is empty", "Export it again", where)
    header = values[0][1]
    if not isinstance(header, dict) or header.get("format") != FORMAT or header.get("version") != VERSION:
        raise MaskError(
            "This file is not a mask",
            f"Its first line must hold the format {FORMAT!r}, version {VERSION}",
            where=where,
        )
    return header, values[1:]


def _refuse_other_text(header: Mapping[str, Any], table: pd.DataFrame, where: str) -> None:
    theirs, ours = header.get("rows"), row_digests(table)
    theirs = theirs if isinstance(theirs, dict) else {}
    names = list(theirs) + [name for name in ours if name not in theirs]
    differ = [name for name in names if theirs.get(name) != ours.get(name)]
    if differ:
        raise _other_text(differ, where)
    if list(theirs) != list(ours):
        raise MaskError("The mask has the rows in another order", "", "Load the data of the mask", where)


def _other_text(rows: Sequence[str], where: str) -> MaskError:
    return MaskError(
        f"The mask belongs to other text: rows {_named(rows)} differ",
        "Their tokens are not those that the mask was made on",
        "Load the data and the tokenizer of the mask",
        where,
    )


def _nothing_chosen(where: str) -> MaskError:
    return MaskError(
        "No token is chosen", "Nothing would be unlearned", "Choose some, by the rule or by hand", where
    )


def _named(rows: Sequence[str]) -> str:
    more = f" and {len(rows) - SHOWN_ROWS} more" if len(rows) > SHOWN_ROWS else ""
    return ", ".join(rows[:SHOWN_ROWS]) + more


def _refuse_other_scores(header: Mapping[str, Any], scores_id: str, where: str) -> None:
    if header.get("scores_id") != scores_id:
        raise MaskError(
            f"The mask was made from other scores: {header.get('scores_id')}, here {scores_id}",
            "The text is the same; the model, the adapter or the signals differ",
            "Apply its rule to these scores instead",
            where,
        )
