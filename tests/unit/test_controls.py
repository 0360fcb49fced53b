"""The page's controls: the final mask's weights, row by row, on other tokens (app/actions/unlearn)."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.actions import compare, unlearn
from app.actions.again import again
from app.actions.forecast import forecast
from app.requests import read
from app.service import Service
from tests.asking import ask, start
from tests.page_service import RULE, draft, live_service
from tokenunlearn.errors import InputError, MaskError, SettingError
from tokenunlearn.experiments.config import CompareConfig
from tokenunlearn.masks import mask_hash, read_mask
from tokenunlearn.training.config import FEW

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
    ids = start(service, plan, {}, controls=["uniform", "random"])
    store = service.queue.store
    assert store.config(ids[-1])["arm"] == "random"
    assert store.config(ids[-1])["mask_hash"] == mask_hash([*drawn, 0, 0, 0])
    shown = service.shelf.newest()
    assert shown is not None and shown.table is not None
    mask = read_mask(store.path(ids[-1]) / "mask.jsonl", shown.table, "s1")
    assert mask.weights.tolist() == pytest.approx([*drawn, 0, 0, 0])
    # the third token of a row is the fact: how many of the control's are is told beside it
    line = next(each for each in compare.runs(service)["runs"] if each["run_id"] == ids[-1])
    facts, trained = sum(each > 0 for each in drawn[2::3]), sum(each > 0 for each in drawn)
    assert f"{facts} of the {trained} tokens that it trains are the fact itself" in line["text"]
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
    ids = start(service, plan, {}, controls=["uniform", "random"])
    assert [service.queue.store.config(each)["arm"] for each in ids] == arms


@pytest.mark.parametrize(
    ("arm", "weights"),
    [
        ("lowest", [0, 1, 0, 0, 1, 0]),  # the stop words, with a knowledge of 0
        ("words", [0, 1, 0, 0, 1, 0]),  # each token is a word: those of the lowest keys
        ("content", [0, 0, 1, 0, 0, 1]),
        ("gold", [0, 0, 1, 0, 0, 1]),
    ],
)
def test_each_control_comes_back_as_the_control_it_was(
    service: Service, arm: str, weights: list[float]
) -> None:
    shown = service.shelf.newest()
    assert shown is not None
    shown.columns["content_words_new"] = np.array([0, 0, 1] * 3)
    taken = {"3": "out", "4": "in"} if arm == "gold" else {}
    plan = ask(unlearn.summary, service, draft(rule={**RULE, "scope": "row"}, overrides=taken))["plan"]
    first, run_id = start(service, plan, {}, controls=[arm])
    store = service.queue.store
    assert store.config(first)["arm"] == "chosen"
    assert store.config(run_id)["mask_hash"] == mask_hash([*weights, 0, 0, 0])
    back = again(service, run_id)
    assert back.plan is not None and back.plan["hash"] == store.config(run_id)["mask_hash"]
    (once_more,) = start(service, back.plan["plan"], {}, controls=[])
    assert store.config(once_more)["arm"] == arm


def test_a_control_that_is_the_chosen_tokens_is_said_and_left_out(service: Service) -> None:
    """Whatever chose them: here a share of the tokens, and a hand, take what is marked in both rows."""
    fact = {"rule": {**RULE, "mode": "top_k", "k": 1}, "overrides": {"2": "in", "5": "in"}}
    shown = service.shelf.newest()
    assert shown is not None
    taken = {str(at): "in" if gold == 1 else "out" for at, gold in enumerate(shown.columns["gold"][:6])}
    told = ask(unlearn.summary, service, draft(**{**fact, "overrides": taken}))
    assert told["left_out"] == ["gold"] and told["same"].startswith(
        "The chosen tokens are those of “marked facts”"
    )
    wanted = read(unlearn.Wanted, {"settings": {}, "controls": ["gold", "uniform"]})
    assert forecast(service, wanted, told).label == "Start 2 runs"
    ids = start(service, told["plan"], {}, controls=["gold", "uniform"])
    assert [service.queue.store.config(each)["arm"] for each in ids] == ["chosen", "uniform"]
    (sweep,) = ask(
        unlearn.start,
        service,
        {"plan": told["plan"], "settings": {}, "controls": ["gold", "uniform"], "seeds": 3},
    )
    assert service.queue.store.config(sweep)["sweep"]["arms"] == ["chosen", "uniform"]
    other = ask(unlearn.summary, service, draft())
    assert (other["left_out"], other["same"]) == ([], "")


def test_a_control_without_a_token_is_refused_before_anything_is_queued(service: Service) -> None:
    shown = service.shelf.newest()
    assert shown is not None
    shown.columns["gold"] = np.zeros(9)
    plan = ask(unlearn.summary, service, draft())["plan"]
    with pytest.raises(MaskError, match="“marked facts” has no token"):
        start(service, plan, {}, controls=["uniform", "gold"])
    with pytest.raises(MaskError, match="“marked facts” has no token"):
        ask(unlearn.start, service, {"plan": plan, "settings": {}, "controls": ["gold"], "seeds": 3})
    assert service.queue.runs() == []


@pytest.mark.parametrize(("controls", "seeds"), [(["uniform_norm"], 1), (["random", "uniform"], 3)])
def test_a_matched_control_or_a_second_seed_makes_it_one_sweep(
    service: Service, controls: list[str], seeds: int
) -> None:
    plan = ask(unlearn.summary, service, draft())["plan"]
    wanted = {"plan": plan, "settings": {"steps": 3}, "controls": controls, "seeds": float(seeds)}
    (run_id,) = ask(unlearn.start, service, wanted)
    config = service.queue.store.config(run_id)
    assert (config["sweep"]["arms"], config["sweep"]["seeds"]) == (["chosen", *controls], seeds)
    assert config["steps"] == (1 + len(controls)) * seeds and config["training"]["steps"] == 3
    assert config["mask_hash"] == plan["hash"]
    assert (service.queue.store.path(run_id) / "tokens.parquet").is_file()
    # It is followed, without a model of its own to ask, and stands on the Compare tab.
    followed = unlearn.follow(service, run_id)
    assert followed["shown"] == run_id and followed["series"] == [] and followed["answer"] is None
    (sweep,) = compare.runs(service)["sweeps"]
    assert sweep["run_id"] == run_id and sweep["lines"] == [] and compare.runs(service)["runs"] == []


def test_other_objectives_make_it_one_sweep_of_arms_and_objectives(service: Service) -> None:
    plan = ask(unlearn.summary, service, draft())["plan"]
    wanted = {"plan": plan, "settings": {"steps": 3}, "controls": ["random"], "seeds": 2}
    (run_id,) = ask(unlearn.start, service, wanted | {"others": ["ga", "npo", "ga", "simnpo"]})
    config = service.queue.store.config(run_id)
    assert config["sweep"]["objectives"] == ["npo", "ga", "simnpo"]  # that of the form first, each once
    assert config["steps"] == 2 * 3 * 2  # arms × objectives × seeds
    back = again(service, run_id)
    assert (back.controls, back.training.objective) == (("random",), "npo")
    assert back.sweep == {"others": ["ga", "simnpo"], "planned": [], "seeds": 2, "bins": 0, "doses": 0}
    (sweep,) = compare.runs(service)["sweeps"]
    assert sweep["settings"]["sweep.objectives"][:2] == ["Objectives", "NPO; GA; SimNPO"]
    assert "training.objective" not in sweep["settings"]
    ask(unlearn.start, service, wanted)
    assert [each["title"] for each in compare.runs(service)["sweeps"]] == [
        "objectives NPO", "objectives NPO; GA; SimNPO",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"others": ["nppo"]}, "There is no objective 'nppo'"),
        ({"others": "ga"}, "others must be a list"),
        ({"others": ["ga"], "settings": {"objective_settings": {"beta": 0.7}}}, "NPO is not at its default"),
        ({"others": ["ga"], "settings": {"objective": "rmu", "retain": "hidden"}}, "has no layer to look at"),
    ],
)
def test_objectives_that_cannot_be_compared_are_refused_before_anything_is_queued(
    service: Service, more: dict[str, Any], says: str
) -> None:
    plan = ask(unlearn.summary, service, draft())["plan"]
    with pytest.raises((InputError, SettingError), match=says):
        ask(unlearn.start, service, {"plan": plan, "settings": {}, "controls": []} | more)
    assert service.queue.runs() == []


@pytest.mark.parametrize("seeds", [0, -1, 1.5, "3", True, 10**6])
def test_a_number_of_seeds_that_is_none_is_refused(service: Service, seeds: Any) -> None:
    plan = ask(unlearn.summary, service, draft())["plan"]
    with pytest.raises(InputError, match="seeds is"):
        ask(unlearn.start, service, {"plan": plan, "settings": {}, "controls": [], "seeds": seeds})


HEAD = b'{"format": "tokenunlearn comparison", "origin": {}}\n'
LINE = b'{"arm": "chosen", "seed": 0, "moment": "last step", "step": 1, "summary": {%s}, "by_row": {%s}}\n'
DAMAGED = [
    HEAD + LINE % figures
    for figures in (
        (b'"fact_joint": "x"', b""),
        (b"", b'"fact_joint": 5'),
        (b"", b'"fact_joint": {"r0": "x"}'),
        (b'"fact_joint": [1]', b""),
    )
]


def test_a_damaged_sweep_says_so_and_hides_no_other(service: Service) -> None:
    plan = ask(unlearn.summary, service, draft())["plan"]
    wanted = {"plan": plan, "settings": {"steps": 3}, "controls": ["random"], "seeds": 2}
    first, second = (ask(unlearn.start, service, wanted)[0] for _ in range(2))
    for content in (
        b"",
        b"{",
        b"\xff\xfe",
        b'{"format": "tokenunlearn comparison", "origin": {}}\n{"arm": 1}\n',
    ):
        service.compared.clear()
        (service.queue.store.path(first) / "sweep.jsonl").write_bytes(content)
        sweeps = {each["run_id"]: each for each in compare.runs(service)["sweeps"]}
        assert set(sweeps) == {first, second} and sweeps[second]["notes"] == []
        assert bool(sweeps[first]["notes"]) == bool(content), content


def test_a_sweep_keeps_every_control_that_was_asked_for(service: Service) -> None:
    """Also where the mask is itself drawn at random: its own draw is one, the control's another each seed."""
    plan = ask(unlearn.summary, service, draft(rule={**RULE, "mode": "random", "fraction": 0.5}))["plan"]
    wanted = {"plan": plan, "settings": {}, "controls": ["random", "uniform_norm"], "seeds": 2}
    (run_id,) = ask(unlearn.start, service, wanted)
    assert service.queue.store.config(run_id)["sweep"]["arms"] == ["chosen", "random", "uniform_norm"]


def test_a_sweep_measures_where_a_run_would_stop_and_goes_on(service: Service) -> None:
    plan = ask(unlearn.summary, service, draft())["plan"]
    wanted = {"plan": plan, "settings": {"stop_fact_below": 0.5}, "controls": ["random"], "seeds": 2}
    (run_id,) = ask(unlearn.start, service, wanted)
    config = service.queue.store.config(run_id)
    assert (config["sweep"]["equal_below"], config["training"]["stop_fact_below"]) == (0.5, 0.0)
    assert again(service, run_id).training.stop_fact_below == 0.5
    (usual,) = ask(unlearn.start, service, wanted | {"settings": {}})
    assert service.queue.store.config(usual)["sweep"]["equal_below"] == CompareConfig().equal_below
    # Few rows begin with a stop there; more of them with none.
    assert again(service, usual).training.stop_fact_below == CompareConfig().equal_below
    config = service.queue.store.config(usual)
    service.queue.store.write_json(usual, "config.json", {**config, "forget": config["forget"] * (FEW + 1)})
    assert again(service, usual).training.stop_fact_below == 0.0
