"""The page's random control: the final mask's weights, row by row, on random tokens (app/actions/unlearn)."""

from pathlib import Path
from typing import Any

import pytest

from app.actions import unlearn
from app.actions.again import again
from app.service import Service
from tests.asking import ask, start
from tests.page_service import RULE, draft, live_service
from tokenunlearn.masks import mask_hash, read_mask

pytestmark = pytest.mark.slow

# Set one: rows of 3 tokens (a name, a stop word, the fact) with keys .3, .1, .2 each.
CONTROLS: list[tuple[dict[str, Any], dict[str, str], list[float]]] = [
    ({"mode": "top_k", "k": 1}, {}, [0, 1, 0, 0, 0, 0]),
    ({"mode": "top_k", "k": 1, "scope": "row"}, {}, [0, 1, 0, 0, 1, 0]),
    ({"mode": "threshold", "threshold": 0.9}, {}, [0, 1, 0, 0, 0, 0]),
    ({"mode": "top_fraction", "fraction": 0.5}, {}, [0, 1, 0, 0, 1, 0]),
    ({"mode": "soft"}, {}, [0, 10 / 9, 0, 0, 8 / 9, 0]),
    ({"mode": "top_k", "k": 1}, {"3": "in", "4": "in"}, [0, 1, 0, 0, 1, 1]),
    ({"mode": "top_k", "k": 1}, {"0": "in", "1": "in"}, [1, 1, 1, 0, 0, 0]),
    ({"mode": "top_k", "k": 1}, {"2": "out", "5": "in"}, [0, 0, 0, 0, 1, 0]),
    ({"mode": "top_fraction", "fraction": 0.5}, {"4": "in"}, [0, 1, 0, 0, 1, 1]),
    ({"mode": "gold"}, {"0": "in"}, [0, 1, 1, 0, 1, 0]),
]


@pytest.fixture
def service(tmp_path: Path) -> Service:
    """A service with live scores and workers that end at once."""
    return live_service(tmp_path)


@pytest.mark.parametrize(("rule", "overrides", "drawn"), CONTROLS)
def test_the_control_has_the_weights_of_the_mask(
    service: Service, rule: dict[str, Any], overrides: dict[str, str], drawn: list[float]
) -> None:
    plan = ask(unlearn.summary, service, draft(rule={**RULE, **rule}, overrides=overrides))["plan"]
    ids = start(service, plan, {}, controls=True)
    store = service.queue.store
    assert store.config(ids[-1])["arm"] == "random"
    assert store.config(ids[-1])["mask_hash"] == mask_hash([*drawn, 0, 0, 0])
    shown = service.shelf.newest()
    assert shown is not None and shown.table is not None
    mask = read_mask(store.path(ids[-1]) / "mask.jsonl", shown.table, "s1")
    assert mask.weights.tolist() == pytest.approx([*drawn, 0, 0, 0])
    back = again(service, ids[-1])
    if rule["mode"] == "soft":
        assert back.plan is None and "No rule gives its soft weights" in back.words
    else:
        assert back.plan is not None and back.plan["hash"] == mask.hash


@pytest.mark.parametrize(
    ("rule", "overrides", "arms"),
    [
        ({"mode": "uniform"}, {}, ["uniform", "random"]),
        # a hand has changed what the mode takes: it is no control any more
        ({"mode": "uniform"}, {"2": "out"}, ["chosen", "uniform", "random"]),
        ({"mode": "random"}, {"0": "in"}, ["chosen", "uniform", "random"]),
        ({"mode": "gold"}, {"0": "in"}, ["chosen", "uniform", "random"]),
    ],
)
def test_a_run_is_named_after_the_tokens_that_it_trains(
    service: Service, rule: dict[str, Any], overrides: dict[str, str], arms: list[str]
) -> None:
    plan = ask(unlearn.summary, service, draft(rule={**RULE, **rule}, overrides=overrides))["plan"]
    ids = start(service, plan, {}, controls=True)
    assert [service.queue.store.config(each)["arm"] for each in ids] == arms
