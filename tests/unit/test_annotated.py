"""The annotated rows are what docs/METHODS.md says of them."""

import json
import re
from collections import Counter
from pathlib import Path

from benchmarks.annotated import by_kind
from tokenunlearn.data.demo import ASSETS, DEMO_NAMES, annotated_rows, demo_rows
from tokenunlearn.models.embedded import file_hash
from tokenunlearn.text.spans import subject_spans

METHODS = Path(__file__).resolve().parents[2] / "docs" / "METHODS.md"
DEMO = [row for name in DEMO_NAMES for row in demo_rows(name)]
ROWS = annotated_rows()
OWN = ROWS[len(DEMO) :]
HAN = re.compile("[\u3400-\u9fff]")


def section() -> str:
    return METHODS.read_text("utf-8").split("\n## Annotated rows\n")[1].split("\n## ")[0]


def cuts_a_word(text: str, place: int) -> bool:
    """Whether letters or digits stand on both sides of a place; between Han characters words are not told."""
    sides = text[place - 1 : place + 1] if 0 < place < len(text) else ""
    return len(sides) == 2 and sides.isalnum() and not HAN.search(sides)


def test_the_demo_comes_first_and_no_id_or_question_twice() -> None:
    assert list(ROWS[: len(DEMO)]) == DEMO
    for values in ([row.id for row in ROWS], [row.question for row in ROWS]):
        assert [value for value, count in Counter(values).items() if count > 1] == []


def test_kinds_and_counts_are_those_of_the_methods() -> None:
    documented = {kind: int(count) for kind, count in re.findall(r"^\| `(\w+)` \| (\d+) \|", section(), re.M)}
    assert dict(Counter(row.set for row in OWN)) == documented
    assert len(documented) == 15 and len([row for row in ROWS if row.gold]) == len(ROWS) >= 200
    assert f"{len(ROWS)} rows" in section() and f"{len(OWN)} " in section()


def test_every_span_is_whole_words_and_spans_stand_apart_in_order() -> None:
    for row in ROWS:
        for start, end in row.gold:
            marked = row.answer[start:end]
            assert marked == marked.strip() != "", (row.id, marked)
            assert not cuts_a_word(row.answer, start) and not cuts_a_word(row.answer, end), (row.id, marked)
        ends = [place for span in row.gold for place in span]
        assert ends == sorted(ends), row.id


def test_a_subject_stands_in_its_question() -> None:
    assert [row.id for row in OWN if row.subject and not subject_spans(row.question, row.subject)] == []


def test_long_answers_are_long_and_hold_several_facts() -> None:
    long = [row for row in OWN if row.set == "long"]
    assert [row.id for row in long if not 60 <= len(row.answer.split()) <= 120] == []
    assert [row.id for row in long if len(row.gold) < 5] == []


def test_the_manifest_knows_every_file_of_rows() -> None:
    listed = json.loads((ASSETS / "manifest.json").read_text("utf-8"))["files"]
    files = {str(path.relative_to(ASSETS)): path for path in ASSETS.rglob("*.jsonl")}
    assert {name: file_hash(path) for name, path in files.items()} == {
        name: value for name, value in listed.items() if name.endswith(".jsonl")
    }


def test_the_second_pass_agrees_as_stated() -> None:
    stated = re.findall(r"^\| `?(\w+)`? \| \d+ \| [\d,]+ \| \.\d+ \| \.\d+ \| (\.\d\d) \|", section(), re.M)
    assert {kind: f"{each.kappa:.2f}"[1:] for kind, each in by_kind().items()} == dict(stated)
