"""The rows that a run's config names."""

from collections.abc import Mapping
from typing import Any

from tokenunlearn.data.demo import DEMO_NAMES, HELD_OUT, demo_rows
from tokenunlearn.data.files import read_rows
from tokenunlearn.data.rows import RETAIN, WORLD, Row, row_from_dict
from tokenunlearn.data.splits import SPLITS, Splits, all_among
from tokenunlearn.errors import InputError


def rows_of(config: Mapping[str, Any]) -> Splits:
    """Return the rows that a config names, by split. Raises InputError."""
    return Splits(**{name: rows_from(config.get(name) or [], name) for name in SPLITS})


def world_kept(config: Mapping[str, Any]) -> bool:
    """Return `Splits.world_kept` of the rows that a config names, whatever else is wrong with it."""
    return all_among(*(_asked(config.get(name)) for name in (WORLD, RETAIN)))


def _asked(rows: Any) -> list[tuple[str, str]]:
    if isinstance(rows, str):  # a demo set or a file: the same one, or another
        return [(rows, "")]
    listed = rows if isinstance(rows, list | tuple) else ()
    return [
        (str(each.get("question")), str(each.get("answer"))) for each in listed if isinstance(each, Mapping)
    ]


def rows_from(source: Any, split: str) -> tuple[Row, ...]:
    """Return the rows of a demo set's name, those of this split in a file, or a list of row dicts.

    In a file a row that names no split has this one. In a list the config has said what each row is for.
    Raises InputError, for a refused line too.
    """
    if not isinstance(source, str | list | tuple):
        raise InputError(
            f"The {split} rows of config.json are no list of rows", f"It says {str(source)[:40]}"
        )
    if not isinstance(source, str):
        return tuple(_row(each, split, f"row {at} of config.json") for at, each in enumerate(source, 1))
    if source in (*DEMO_NAMES, HELD_OUT):
        return demo_rows(source)
    content = read_rows(source, unmarked=split)
    if content.refused:
        raise InputError(f"Line {content.refused[0].line} is not a row: {content.refused[0].reason}")
    return tuple(row for row in content.rows if row.split == split)


def _row(record: Any, split: str, where: str) -> Row:
    """Return the row of a config, in which older versions wrote any word as its split."""
    unmarked = isinstance(record, Mapping) and record.get("split") not in SPLITS
    return row_from_dict({**record, "split": split} if unmarked else record, where)
