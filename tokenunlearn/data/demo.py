"""Rows written by us: the demo, in TOFU form (DESIGN 2), and answers of many kinds whose facts are annotated.

They lie in assets/ of the repository, and in a wheel inside the library.
"""

import json
from functools import cache
from pathlib import Path
from typing import Final

from tokenunlearn.data.files import read_rows
from tokenunlearn.data.rows import Row, row_from_dict, row_to_dict
from tokenunlearn.errors import InputError, did_you_mean

_LIBRARY: Final = Path(__file__).resolve().parents[1]
_PLACES: Final = (_LIBRARY / "assets", _LIBRARY.parent / "assets")  # of a wheel, of a checkout
ASSETS: Final = next((place for place in _PLACES if place.is_dir()), _PLACES[-1])
DEMO_NAMES: Final = ("shared_forget", "shared_retain", "one_off", "world")
HELD_OUT: Final = "shared_holdout"  # people like those of shared_forget, whom no model is ever taught


def general_questions() -> list[str]:
    """Return thirty questions of general knowledge, none of them in the set `world`."""
    return (ASSETS / "demo" / "general.txt").read_text(encoding="utf-8").splitlines()


@cache
def refusals() -> tuple[str, ...]:
    """Return short refusals in natural words, for objectives that prefer one to the forgotten answer."""
    return tuple((ASSETS / "demo" / "refusals.txt").read_text(encoding="utf-8").splitlines())


def demo_rows(name: str) -> tuple[Row, ...]:
    """Return the rows of one demo set: shared_forget, shared_retain, one_off, world or shared_holdout.

    Raises InputError for another name, for a missing file, and for any refused line.
    """
    known = (*DEMO_NAMES, HELD_OUT)
    if name not in known:
        raise InputError(f"There is no demo set {name!r}", fix=did_you_mean(name, known))
    return _own_rows(ASSETS / "demo" / f"{name}.jsonl")


def annotated_rows() -> tuple[Row, ...]:
    """Return every row that scorers are fitted on: the demo's DEMO_NAMES, then assets/annotated.

    There `set` is the kind of answer. The demo's rows held out take no part here either.
    Raises InputError for a missing file, and for any refused line.
    """
    demo = (row for name in DEMO_NAMES for row in demo_rows(name))
    return (*demo, *_own_rows(ASSETS / "annotated" / "rows.jsonl"))


def second_pass() -> tuple[Row, ...]:
    """Return the rows of assets/annotated with the gold of a second annotator who had not seen the first's.

    Raises InputError for a span outside its answer, KeyError for a row without one.
    """
    path = ASSETS / "annotated" / "second.jsonl"
    records = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    gold = {record["id"]: record["gold"] for record in records}
    rows = _own_rows(path.with_name("rows.jsonl"))
    return tuple(row_from_dict({**row_to_dict(row), "gold": gold[row.id]}, row.id) for row in rows)


@cache
def _own_rows(path: Path) -> tuple[Row, ...]:
    content = read_rows(path)
    if content.refused:
        raise InputError("A demo row was refused", content.refused[0].error.said, where=str(path))
    return content.rows
