"""The rows of TOFU forget10 and what three annotations say of them, from the files of the reference data.

The GPT spans are those of 2506.03142, the entities those of 2605.24614. The GPT spans of forget05 are the
same as in the file of forget10; those of forget01 come from a second pass.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tokenunlearn.data.rows import Row
from tokenunlearn.errors import InputError
from tokenunlearn.learned.marks import Marks, RowMarks

AUTHOR: Final = 20  # rows an author
FIRST: Final = {"forget01": 360, "forget05": 200, "forget10": 0}  # each is the end of the one below
GPT, AGAIN, ENTITIES = "GPT spans", "GPT spans, second pass", "UDS entities"


def tofu_rows(data: Path) -> list[Row]:
    """The 400 rows of forget10, with the GPT spans as gold."""
    return [
        Row(f"forget10-{line['row']}", line["question"], line["answer"], gold=_spans(line["spans"]))
        for line in read(data / "tofu_spans_forget10.jsonl")
    ]


def retain_rows(data: Path, count: int) -> list[Row]:
    """The first rows of TOFU that are not in forget10."""
    lines = read(data / "tofu_retain_rows60.jsonl")[:count]
    return [
        Row(f"retain-{at}", line["question"], line["answer"], split="retain") for at, line in enumerate(lines)
    ]


def annotations_of(data: Path) -> dict[str, Marks]:
    """By name the annotations, by row id of forget10; rows without a span have none."""
    entities = [line | {"spans": [line["span"]]} for line in read(data / "tofu_entities_uds_forget10.jsonl")]
    return {
        GPT: marks_in(read(data / "tofu_spans_forget10.jsonl")),
        AGAIN: marks_in(read(data / "tofu_spans_forget01.jsonl"), FIRST["forget01"]),
        ENTITIES: marks_in(entities),
    }


def marks_in(lines: Sequence[Mapping[str, Any]], first: int = 0) -> dict[str, RowMarks]:
    """The `spans` of lines as marks of rows that were reviewed; `row` 0 is row `first` of forget10."""
    return {
        f"forget10-{line['row'] + first}": RowMarks(_spans(line["spans"]), seen=True)
        for line in lines
        if line["spans"]
    }


def read(path: Path) -> list[dict[str, Any]]:
    """The JSON lines of a file. Raises InputError where it is absent."""
    if not path.is_file():
        raise InputError(
            f"There is no {path.name}", fix="Name the folder of the reference data", where=str(path)
        )
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _spans(given: Sequence[Sequence[Any]]) -> tuple[tuple[int, int], ...]:
    return tuple((start, end) for start, end, *_ in given)
