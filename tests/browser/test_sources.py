"""Masks that are computed when asked for, and what else could follow, in a real browser on the tiny model."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.tiny_rows import ROWS, write_rows

pytestmark = [pytest.mark.browser, pytest.mark.slow]
MINUTE = 60_000


@pytest.fixture(scope="module")
def address(
    tmp_path_factory: pytest.TempPathFactory,
    tiny_folder: Path,
    serve: Callable[..., AbstractContextManager[Any]],
) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("sources")
    rows = write_rows(folder / "rows.jsonl", ROWS[:3])
    with serve(folder, "--model", str(tiny_folder), "--data", str(rows)) as server:
        yield server.address


def test_a_mask_asked_for_joins_the_leaderboard_and_the_lists_say_which_mask_they_are_of(
    opened: Callable[..., Page], address: str
) -> None:
    page = opened(f"{address}?row=ada&signal=knowledge")
    expect(page.locator(".tu-badge")).to_have_text("live", timeout=2 * MINUTE)
    first = page.locator(".tu-alternatives > div").first
    expect(first.locator(".tu-alternative.is-true")).to_have_count(1, timeout=MINUTE)
    # An untrained model does not expect the true token: it stands behind the five likeliest.
    page.locator(".tu-strip .tu-token").last.click()
    expect(page.locator(".tu-alternatives")).to_be_visible(timeout=MINUTE)
    expect(first).to_contain_text(re.compile(r"\(rank [\d,]+\)"))
    expect(first.locator(".tu-alternative.is-true")).to_have_count(1, timeout=MINUTE)
    board = page.locator(".tu-board")
    expect(board).not_to_contain_text("Knowledge, question hidden")
    page.get_by_label("Knowledge mask").select_option("knowledge_prompt")
    expect(board).to_contain_text("Knowledge, question hidden", timeout=MINUTE)
    expect(page.locator(".tu-caption").first).to_have_text(re.compile("^Knowledge: question hidden"))
    expect(page.locator(".tu-details")).to_contain_text(
        "The second list is with the name swapped, not by the mask that is chosen."
    )
