"""What a run may do: one entry a kind, with all that queue, states, worker and page have to know of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

TRAINING: Final = "training"


@dataclass(frozen=True)
class RunKind:
    """One kind of run; its config has what it needs under the kind's name.

    load: module:function, from config and folder to the job. step: the step count of a kind whose config
    names none; 0 where it does, or where the job says it. form: whether the Unlearn tab's form made it.
    leaves: whether it leaves an adapter or rival of its own, to be probed beside others. opens: whether it
    leaves a model to begin from. done: what its end is called. shown_on: the tab of its result, and the
    button that leads there. unit: what its progress counts. saved: what it has at the last saved step, in a
    word or two. before, after: what it does before its first step and after its last, in words. see: where
    its result is, for the news. finds: whether it leaves no model but a result of its own, which the Probe
    tab lists beside the models. What is done to another run, such as an attack, has that run's id as `of` in
    its config, and its result lies there.
    """

    load: str
    saved: str = "weights saved"
    see: str = "See before and after on the Probe tab."
    step: int = 0
    form: bool = False
    leaves: bool = True
    opens: bool = False
    done: str = "finished"
    shown_on: str = "Probe"
    unit: str = "step"
    before: str = "probing before"
    after: str = "probing after"
    finds: bool = False


def _measurement(load: str, finds: bool) -> RunKind:
    """Return a kind that trains nothing and leaves one file (`measure_job.py`)."""
    see = "See what was measured on the Probe tab."
    return RunKind(load, "measured", see, step=1, leaves=False, unit="measurement", finds=finds)


KINDS: Final[Mapping[str, RunKind]] = MappingProxyType(
    {
        TRAINING: RunKind("tokenunlearn.runs.job:load_job", form=True),
        "rival": RunKind("tokenunlearn.runs.rival_job:load_rival", saved="saved", step=1),
        "attack": RunKind(
            "tokenunlearn.runs.attack_job:load_attack",
            saved="measured",
            see="See what it found on the Probe tab.",
            leaves=False,
        ),
        "sweep": RunKind(
            "tokenunlearn.runs.sweep_job:load_sweep",
            saved="measured",
            see="See its table on the Compare tab.",
            form=True,
            leaves=False,
            shown_on="Compare",
            unit="training",
        ),
        "teach": RunKind(
            "tokenunlearn.runs.teach_job:load_teach",
            see="Open the taught model to see its rows on the Tokens tab.",
            leaves=False,
            opens=True,
            done="taught",
            shown_on="Tokens",
            before="measuring what it knows",
            after="measuring what it has learnt",
        ),
        "gradients": _measurement("tokenunlearn.runs.gradients_job:load_gradients", finds=True),
        "perturb": _measurement("tokenunlearn.runs.perturb_job:load_perturb", finds=True),
        "depth": _measurement("tokenunlearn.runs.depth_job:load_depth", finds=False),
    }
)


def kind_of(config: Mapping[str, Any]) -> str:
    """Return what a config.json has its run do: the name of one of KINDS."""
    return next((kind for kind in KINDS if kind != TRAINING and config.get(kind)), TRAINING)


def done_to(config: Mapping[str, Any]) -> str:
    """Return the id of the run that a run is done to, such as the one that it attacks; "" for others."""
    own = config.get(kind_of(config))
    return str(own.get("of") or "") if isinstance(own, Mapping) else ""


def run_kind(state: Mapping[str, Any]) -> RunKind:
    """Return the kind of the run of a state.json; one of an earlier version, which says none, is training."""
    return KINDS[state.get("kind", TRAINING)]
