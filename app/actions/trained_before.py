"""Runs that are there already: tokens that a start would train once more with the same settings."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from app.service import Service
from tokenunlearn.runs.kinds import TRAINING

# What ends otherwise than by its settings is not what they make of its tokens.
TO_ITS_END: Final = ("queued", "running", "finished")


@dataclass(frozen=True)
class Before:
    """The runs by their arm, and the group that new ones join; none where the chosen tokens have no run."""

    runs: Mapping[str, str] = field(default_factory=dict)
    group: str = ""

    def missing(self, arms: Sequence[str]) -> list[str]:
        """Return which of the arms a start trains: those without a run; where all have one, all anew."""
        return [arm for arm in arms if arm not in self.runs] or list(arms)


def trained_before(service: Service, config: Mapping[str, Any], own: str, mask_hash: str) -> Before:
    """Return the runs of a mask, and those of its controls, that were made with a config.

    `own` is the arm of the mask. `config` has rows, starting model and training settings; of runs that agree
    in these the newest counts, with the controls that were started for it.
    """
    store, wanted = service.queue.store, json.loads(json.dumps(config))
    states = [
        state
        for state in service.queue.runs()
        if state["state"] in TO_ITS_END and state.get("kind") == TRAINING
    ]

    def agrees(known: Mapping[str, Any]) -> bool:
        return all(known.get(name) == value for name, value in wanted.items())

    for state in states:
        if state["arm"] != own or state.get("mask_hash") != mask_hash:
            continue
        known = store.known_config(state["run_id"])
        if agrees(known):
            group = str(known.get("group") or "")
            beside = {
                str(each["arm"]): str(each["run_id"])
                for each in reversed(states)
                if group and agrees(of := store.known_config(each["run_id"])) and of.get("group") == group
            }
            return Before({**beside, own: state["run_id"]}, group)
    return Before()
