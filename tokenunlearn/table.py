"""The exchange table: one pandas row per answer token, its provenance beside it in every file format."""

import csv
import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tokenunlearn.contents import text_of
from tokenunlearn.errors import TableError
from tokenunlearn.parquet_bounds import refuse_too_large

SCHEMA_VERSION = 1
PROVENANCE = "tokenunlearn"
NUMBERS = "numbers"  # of a file: the digest of what it holds
EDITED = "edited-"  # begins the scores_id of a table that is no longer what was written
STRUCTURE = (
    "row_id position token_id token char_start char_end word_id "
    "is_subject is_stop_word is_punctuation gold random_key"
).split()
# What a spreadsheet takes for the beginning of a formula, and in full width, which some take for the same.
_FORMULA = frozenset("=+-@＝＋－＠")
# Kinds of letters that take no room or show nothing, and letters of other kinds that do: a spreadsheet may
# trim them, and a person does not see them.
_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Mn", "Me", "Zs", "Zl", "Zp"})
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")


def random_keys(row_ids: Sequence[str], counts: Sequence[int], seed: int) -> np.ndarray:
    """Return uniform keys in [0, 1), float64 [tokens]: a row's keys depend on its id and the seed alone."""
    keys = [
        np.random.default_rng([seed, *row_id.encode()]).random(count)
        for row_id, count in zip(row_ids, counts, strict=True)
    ]
    return np.concatenate(keys) if keys else np.zeros(0)


def with_seed(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return a copy of the table whose random keys come from another seed."""
    sizes = table.groupby("row_id", sort=False).size()
    result = table.assign(random_key=random_keys([str(row) for row in sizes.index], sizes.tolist(), seed))
    result.attrs = dict(table.attrs)
    return result


def check_table(table: pd.DataFrame, where: str = "") -> pd.DataFrame:
    """Return the table itself.

    Raises TableError when a structural column is missing or its version is another.
    """
    missing = [name for name in STRUCTURE if name not in table.columns]
    if missing:
        raise TableError(
            what="This is not a table of token scores.",
            why=f"The columns {', '.join(missing)} are missing.",
            fix="Write it with `python -m tokenunlearn score`.",
            where=where,
        )
    if pd.api.types.is_numeric_dtype(table["token"]) and len(table):
        raise TableError(
            what="This is not a table of token scores.",
            why="The column token holds no text.",
            fix="Write it with `python -m tokenunlearn score`.",
            where=where,
        )
    version = table.attrs.get(PROVENANCE, {}).get("schema", SCHEMA_VERSION)
    if version != SCHEMA_VERSION:
        raise TableError(
            what=f"The table has schema version {version}.",
            why=f"This version reads schema {SCHEMA_VERSION}.",
            fix="Score the rows again.",
            where=where,
        )
    return table


def provenance(table: pd.DataFrame) -> Mapping[str, Any]:
    """Return what made the table: model, adapter, data and config hash, versions; empty when unknown."""
    return table.attrs.get(PROVENANCE, {})


def is_edited(table: pd.DataFrame) -> bool:
    """Return whether the table was read from a file that somebody changed after it was written."""
    return str(provenance(table).get("scores_id", "")).startswith(EDITED)


def write_table(table: pd.DataFrame, path: str | Path) -> None:
    """Write Parquet, JSONL or CSV by suffix, whole or not at all; provenance goes with it.

    JSONL carries it in the first line, CSV in its last columns; both read formats carry a digest of all cells
    beside it. CSV texts that a spreadsheet would run get a
    leading quote.
    Raises TableError for another suffix.
    """
    path = Path(path)
    draft = path.with_name(f".{path.name}.draft")
    try:
        if path.suffix == ".parquet":
            marked = table.copy(deep=False)
            marked.attrs = {**table.attrs, NUMBERS: _digest(table)}
            marked.to_parquet(draft, index=False)
        elif path.suffix == ".jsonl":
            lines = table.to_json(orient="records", lines=True, force_ascii=False, double_precision=15)
            known = {PROVENANCE: provenance(table), NUMBERS: _digest(_of_lines(lines))}
            header = json.dumps(known, ensure_ascii=False) + "\n"
            draft.write_text(header + lines, encoding="utf-8")
        elif path.suffix == ".csv":
            # Every text in quotes: a bare carriage return would begin a new line, and there a new formula.
            lines = _spreadsheet(table).to_csv(index=False, quoting=csv.QUOTE_NONNUMERIC)
            draft.write_text(lines, encoding="utf-8")
        else:
            raise TableError(
                what=f"Cannot write {path.name}.",
                why=f"{path.suffix or 'No suffix'} is not a known format.",
                fix="End the name in .parquet, .jsonl or .csv.",
            )
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def read_table(path: str | Path) -> pd.DataFrame:
    """Return the table of a Parquet or JSONL file that `write_table` wrote.

    One that was changed since has a `scores_id` of its own (`is_edited`), made of what it now holds, so that
    a mask of the scores is none of it. A file of an earlier version has no digest and is taken as it is.
    Raises TableError when it cannot be read, is no such table, or holds what no scores can (an infinite
    number, a token twice); CSV is for people and is not read back.
    """
    path = Path(path)
    try:
        if path.suffix == ".parquet":
            refuse_too_large(path)
            table = pd.read_parquet(path)
            written = table.attrs.pop(NUMBERS, None)
        elif path.suffix == ".jsonl":
            first, _, body = text_of(path).partition("\n")
            header = json.loads(first)
            if not isinstance(header, dict) or PROVENANCE not in header:
                raise ValueError("It does not begin as a table of scores does")
            table = _of_lines(body)
            table.attrs[PROVENANCE] = header[PROVENANCE]
            written = header.get(NUMBERS)
        else:
            raise ValueError(f"{path.suffix or 'no suffix'} is neither .parquet nor .jsonl")
    except (OSError, ValueError, KeyError, OverflowError, RecursionError) as error:
        raise TableError(
            what=f"The table {path.name} cannot be read.",
            why=str(error).splitlines()[0][:200],
            fix="Write it with `python -m tokenunlearn score`.",
            where=str(path),
        ) from error
    fault = _fault(check_table(table, str(path)))
    if fault:
        raise TableError(
            what=f"The table {path.name} holds what no scores can.",
            why=fault,
            fix="Write it with `python -m tokenunlearn score`.",
            where=str(path),
        )
    if written is not None and written != _digest(table):
        table.attrs[PROVENANCE] = {**provenance(table), "scores_id": EDITED + _digest(table)[:12]}
    return table


def _of_lines(body: str) -> pd.DataFrame:
    """Return the table of lines of JSON, without provenance. Raises ValueError, KeyError, OverflowError."""
    # never splitlines: a token may hold U+2028 or U+0085, which JSON leaves as they are
    records = [json.loads(line) for line in body.split("\n") if line.strip()]
    table = pd.DataFrame(records, columns=None if records else STRUCTURE).astype({"row_id": str})
    return table.astype({name: float for name in table.columns if name not in STRUCTURE[:10]})


def _digest(table: pd.DataFrame) -> str:
    """Return a digest of all cells, whatever the order of the columns and the width of their numbers."""
    digest = hashlib.sha256()
    for name in sorted(table.columns):
        values = table[name]
        if pd.api.types.is_float_dtype(values):
            numbers = values.to_numpy(dtype="<f8", na_value=np.nan)
            content = np.where(np.isnan(numbers), np.nan, numbers).tobytes()  # one kind of NaN
        else:
            content = json.dumps([str(each) for each in values]).encode()
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]


def _fault(table: pd.DataFrame) -> str:
    """Return what no table of scores can hold and this one does, in words; empty where there is nothing."""
    if not len(table):
        return ""
    kinds = pd.api.types
    for names, holds, words in (
        (("position", "word_id"), kinds.is_integer_dtype, "no whole number"),
        (("is_subject", "is_stop_word", "is_punctuation"), kinds.is_bool_dtype, "neither true nor false"),
        (("gold", "random_key"), kinds.is_numeric_dtype, "no number"),
    ):
        for name in names:
            if not holds(table[name]) or (name != "gold" and table[name].isna().any()):
                return f"{name} is {words} somewhere"
    row = pd.factorize(table["row_id"])[0]
    position, word = (table[name].to_numpy(dtype=np.int64) for name in ("position", "word_id"))
    gold, key = (table[name].to_numpy(dtype=np.float64) for name in ("gold", "random_key"))
    inside = np.diff(row, prepend=-1) == 0  # not the first token of its row
    faults = {
        "its row has ended before": np.diff(row, prepend=0) < 0,
        "its position does not rise in its row": (position < 0)
        | inside & (np.diff(position, prepend=-1) <= 0),
        "its word_id falls in its row": inside & (np.diff(word, prepend=0) < 0),
        "its gold is neither 0 nor 1": ~(np.isnan(gold) | (gold == 0) | (gold == 1)),
        "its random_key is not finite": ~np.isfinite(key),
    }
    for name in table.columns:
        if kinds.is_float_dtype(table[name]):
            numbers = table[name].to_numpy(dtype=np.float64, na_value=np.nan)
            faults[f"its {name} is infinite; what is not measured is NaN"] = np.isinf(numbers)
    for words, wrong in faults.items():
        if wrong.any():
            at = int(wrong.argmax())
            return f"Token {at}, of row {str(table['row_id'].iloc[at])[:60]}: {words}"
    return ""


def spreadsheet_text(text: str) -> str:
    """Return the text, with a leading quote where a spreadsheet would run it as a formula.

    >>> spreadsheet_text("=1+1")
    "'=1+1"
    """
    seen = next((each for each in text if not _is_unseen(each)), "")
    return "'" + text if seen in _FORMULA or text.startswith(("\t", "\r", "\n")) else text


def _is_unseen(letter: str) -> bool:
    return unicodedata.category(letter) in _UNSEEN or letter in _BLANK


def _spreadsheet(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with what made it in its last columns, but for lists and mappings; texts safe."""
    safe = table.assign(**{name: table[name].map(spreadsheet_text) for name in ("row_id", "token")})
    made = {name: value for name, value in provenance(table).items() if isinstance(value, str | int | float)}
    return safe.assign(
        **{name: spreadsheet_text(value) if isinstance(value, str) else value for name, value in made.items()}
    )
