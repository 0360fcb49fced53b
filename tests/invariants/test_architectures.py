"""What docs/ARCHITECTURES.md says of each family is so: `python -m tests.architectures` writes its tables."""

from pathlib import Path

import pytest

from tests.architectures import (
    ACCEPTED,
    NATS,
    PAGE,
    REFUSED,
    build,
    journey,
    line,
    refusal,
    refused_line,
    table,
)

pytestmark = pytest.mark.slow


def lines() -> list[str]:
    return PAGE.read_text("utf-8").splitlines()


@pytest.mark.parametrize("family", ACCEPTED)
def test_a_family_has_the_numbers_of_plain_transformers_all_the_way(
    family: str, tiny_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / family
    way = journey(family, build(family, ACCEPTED[family], folder, tiny_folder), folder)
    assert way.scored <= NATS and way.reopened <= NATS < way.moved and way.answers
    assert line(way) in lines(), "run: python -m tests.architectures"


@pytest.mark.parametrize("family", REFUSED)
def test_a_refused_family_says_why(family: str, tiny_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / family
    build(family, REFUSED[family], folder, tiny_folder)
    assert refused_line(family, refusal(folder)) in lines(), "run: python -m tests.architectures"


@pytest.mark.parametrize(("name", "families"), [("accepted", ACCEPTED), ("refused", REFUSED)])
def test_the_page_has_these_families_and_no_other(name: str, families: dict[str, object]) -> None:
    rows = table(PAGE.read_text("utf-8"), name)[1].splitlines()
    assert [each.split("`")[1] for each in rows] == list(families), "run: python -m tests.architectures"
