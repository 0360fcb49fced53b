"""The exchange table: one pandas row per answer token, its provenance beside it in every file format."""

import csv
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


def write_table(table: pd.DataFrame, path: str | Path) -> None:
    """Write Parquet, JSONL or CSV by suffix, whole or not at all; provenance goes with it.

    JSONL carries it in the first line, CSV in its last columns. CSV texts that a spreadsheet would run get a
    leading quote.
    Raises TableError for another suffix.
    """
    path = Path(path)
    draft = path.with_name(f".{path.name}.draft")
    try:
        if path.suffix == ".parquet":
            table.to_parquet(draft, index=False)
        elif path.suffix == ".jsonl":
            lines = table.to_json(orient="records", lines=True, force_ascii=False, double_precision=15)
            header = json.dumps({PROVENANCE: provenance(table)}, ensure_ascii=False) + "\n"
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

    Raises TableError when it cannot be read or is no such table; CSV is for people and is not read back.
    """
    path = Path(path)
    try:
        if path.suffix == ".parquet":
            refuse_too_large(path)
            table = pd.read_parquet(path)
        elif path.suffix == ".jsonl":
            first, _, body = text_of(path).partition("\n")
            header = json.loads(first)
            if not isinstance(header, dict) or PROVENANCE not in header:
                raise ValueError("It does not begin as a table of scores does")
            # never splitlines: a token may hold U+2028 or U+0085, which JSON leaves as they are
            records = [json.loads(line) for line in body.split("\n") if line.strip()]
            table = pd.DataFrame(records, columns=None if records else STRUCTURE).astype({"row_id": str})
            table = table.astype({name: float for name in table.columns if name not in STRUCTURE[:10]})
            table.attrs[PROVENANCE] = header[PROVENANCE]
        else:
            raise ValueError(f"{path.suffix or 'no suffix'} is neither .parquet nor .jsonl")
    except (OSError, ValueError, KeyError, RecursionError) as error:
        raise TableError(
            what=f"The table {path.name} cannot be read.",
            why=str(error).splitlines()[0][:200],
            fix="Write it with `python -m tokenunlearn score`.",
            where=str(path),
        ) from error
    return check_table(table, str(path))


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
