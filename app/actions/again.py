"""Run again with changes: what the form and the Tokens view take over from an earlier run."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from app.actions.draft import Draft
from app.actions.tokens import shown_payload, with_signals
from app.actions.unlearn import CONTROLS, summary
from app.service import Service
from app.shown import ShownScores
from app.words import AGAIN_DRAWN_WEIGHTS, AGAIN_LOWER_RATE, AGAIN_OTHER_TOKENS, AGAIN_SAME_TOKENS
from tokenunlearn.errors import TokenUnlearnError
from tokenunlearn.experiments.arms import CHOSEN
from tokenunlearn.experiments.config import CompareConfig
from tokenunlearn.masks import Mask, read_mask
from tokenunlearn.settings import describe, from_dict
from tokenunlearn.training.config import TrainConfig, defaults_for

CALMER: Final = 3.0
NO_SWEEP: Final = MappingProxyType({"arms": (CHOSEN,), "seeds": 1})
RATE: Final = next(info for info in describe(TrainConfig) if info.name == "learning_rate")


@dataclass(frozen=True)
class Again:
    """A run's settings, its plan and the Tokens view's value (None: made on other scores), and a sentence.

    `controls`: those that were started together with it. `sweep`: the settings of a sweep by the names of
    `Start`; those of a run that is none make none. `few`: its rows were few, and have defaults of their own.
    """

    training: TrainConfig
    controls: tuple[str, ...]
    sweep: Mapping[str, Any]
    few: bool
    plan: dict[str, Any] | None
    tokens: dict[str, Any] | None
    words: str


def again(service: Service, run_id: str) -> Again:
    """Return a run's settings, with its rule and overrides where they still mean the same tokens.

    A run that diverged comes back with a lower learning rate. Raises RunError for an unknown run,
    SettingError for settings of another version.
    """
    store = service.queue.store
    config = store.config(run_id)
    training = from_dict(TrainConfig, dict(config.get("training") or {}))
    lowered = ""
    if store.state(run_id)["state"] == "diverged":
        rate = max(RATE.low or 0.0, round(training.learning_rate / CALMER, 6))
        lowered = AGAIN_LOWER_RATE.format(before=training.learning_rate, now=rate)
        training = replace(training, learning_rate=rate)
    asked = from_dict(CompareConfig, dict(config.get("sweep") or NO_SWEEP))
    controls = tuple(arm for arm in CONTROLS if arm in asked.arms)
    controls = controls or _in_company(service, run_id, config.get("group"), str(config.get("arm")))
    rows = config.get("forget")
    few = bool(defaults_for(len(rows) if isinstance(rows, list) else 0))
    if config.get("sweep") and (few or asked.equal_below != CompareConfig().equal_below):
        training = replace(training, stop_fact_below=asked.equal_below)
    form = (training, controls, _sweep(asked, training), few)
    found = _mask(service, run_id)
    if found is None:
        return Again(*form, None, None, AGAIN_OTHER_TOKENS.format(run=run_id) + lowered)
    shown, mask = found
    set_name = str(config.get("set") or "")
    if not _given_again(shown, set_name, mask):
        return Again(*form, None, None, AGAIN_DRAWN_WEIGHTS.format(run=run_id) + lowered)
    draft = Draft(
        scores_id=shown.scores_id,
        set=set_name,
        rule=mask.rule,
        overrides=mask.overrides,
        notes=mask.notes,
        hash=mask.hash,  # if these scores gave other tokens now, the plan would be refused in words
    )
    plan = summary(service, draft) | {"run": run_id}
    # The moment makes the value a new one, also when the same run is asked for twice.
    tokens = {**shown_payload(service), "draft": {**draft.decisions(), "at": time.time()}}
    return Again(*form, plan, tokens, AGAIN_SAME_TOKENS.format(run=run_id) + lowered)


def _sweep(asked: CompareConfig, training: TrainConfig) -> dict[str, Any]:
    """Return the settings of a sweep by the names of `Start`, as its form takes them."""
    others = [name for name in asked.methods if name and name != training.objective]
    counts = {name: getattr(asked, name) for name in ("seeds", "bins", "doses")}
    return {"others": others, "planned": list(asked.planned or ()), **counts}


def _in_company(service: Service, run_id: str, group: Any, own: str) -> tuple[str, ...]:
    """Return the controls among the runs of a group, but for the arm of the run itself."""
    store = service.queue.store
    others = [store.known_config(state["run_id"]) for state in store.list_runs() if state["run_id"] != run_id]
    arms = {each.get("arm") for each in others if group and each.get("group") == group}
    return tuple(arm for arm in CONTROLS if arm in arms and arm != own)


def _given_again(shown: ShownScores, set_name: str, mask: Mask) -> bool:
    """Return whether rule and overrides give the mask: those of soft weights on random tokens do not."""
    return mask.rule.mode != "soft" or shown.mask(set_name, mask.rule, mask.overrides).hash == mask.hash


def _mask(service: Service, run_id: str) -> tuple[ShownScores, Mask] | None:
    """Return the scores with the signals of the run's rule, and its mask; None for one of other numbers."""
    shown = service.shelf.newest()
    if shown is None or not shown.live or shown.table is None:
        return None
    try:
        mask = read_mask(service.queue.store.path(run_id) / "mask.jsonl", shown.table, None)
        shown = with_signals(service, shown.scores_id, *mask.rule.signals)
    except TokenUnlearnError:
        return None
    same = mask.scores_id == shown.numbers_id(*mask.rule.signals)
    return (shown, mask) if same else None
