"""The settings of a training run: declared once for flags, sliders, docs and errors."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

from tokenunlearn.errors import SettingError
from tokenunlearn.objectives import OBJECTIVES, RETAINS
from tokenunlearn.settings import check, from_dict, setting

OWN: Final = "own"  # the objective's default retain term
# What the page's form begins with where so few rows are forgotten: at the defaults below they are forgotten
# within a few steps and broken in the next ones (docs/LOG.md). Between these and twenty nothing was measured.
FEW: Final = 3
FEW_ROWS: Final[Mapping[str, Any]] = MappingProxyType(
    {"learning_rate": 3e-4, "steps": 40, "stop_fact_below": 0.1}
)


def defaults_for(rows: int) -> Mapping[str, Any]:
    """Return the settings that the form begins with where so many rows are forgotten, if not the defaults."""
    return FEW_ROWS if 1 <= rows <= FEW else {}


@dataclass(frozen=True)
class TrainConfig:
    """Settings of one run. `objective_settings` are the settings of the objective's own dataclass."""

    objective: str = setting(
        "npo", choices=tuple(OBJECTIVES), help="The loss that makes the model forget the chosen tokens"
    )
    retain: str = setting(
        OWN,
        choices=(OWN, *RETAINS),
        label="Retain term",
        help="What holds the rows to keep where they are; own: that of the objective",
    )
    retain_weight: float = setting(
        5.0, low=0, high=10, step=0.1, help="Higher holds the rows to keep more firmly and may forget less"
    )
    steps: int = setting(
        12,
        low=1,
        high=2000,
        step=1,
        unit="steps",
        help="More steps forget further and may harm more",
    )
    learning_rate: float = setting(
        3e-3, low=1e-6, high=1e-1, step=1e-5, help="Higher forgets in fewer steps and breaks a model sooner"
    )
    forget_batch: int = setting(10, low=1, high=256, step=1, unit="rows", help="Forget rows a step")
    retain_batch: int = setting(10, low=1, high=256, step=1, unit="rows", help="Retain rows a step")
    layer_share: float = setting(
        0.33,
        low=0.01,
        high=1,
        step=0.01,
        unit="fraction",
        help="Share of the layers, from the top, that learn",
    )
    rank: int = setting(8, low=1, high=256, step=1, label="LoRA rank", help="Rank of the LoRA update")
    lora_alpha: float = setting(
        16.0, low=1, high=512, step=1, label="LoRA alpha", help="LoRA scale is this over the rank"
    )
    stop_fact_below: float = setting(
        0.0,
        low=0,
        high=1,
        step=0.01,
        help="Stop after the first step that finds the joint fact probability below this; 0: never",
    )
    retain_bound: float = setting(
        2.0,
        low=0.1,
        high=20,
        step=0.1,
        unit="nats",
        help="Stop as diverged when the retain loss rises by more than this above its value at the start",
    )
    eval_every: int = setting(3, low=1, high=1000, step=1, unit="steps", help="Steps between live answers")
    seed: int = setting(
        0, low=0, high=2**31 - 1, step=1, help="Seed of the LoRA's start and of the row order"
    )
    objective_settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check(self)
        settings = self.objective_of()
        if "hidden" in self.needs and not hasattr(settings, "depth"):
            raise SettingError(
                "The retain term hidden has no layer to look at",
                f"{OBJECTIVES[self.objective].label} names none: it has no setting depth",
                "Choose another retain term, or an objective on hidden states",
                "retain",
            )

    def objective_of(self) -> Any:
        """Return the checked settings object of the chosen objective.

        Raises SettingError for a setting that the objective does not have or that is out of bounds.
        """
        if not isinstance(self.objective_settings, Mapping):
            raise SettingError(what="objective_settings must be a mapping of names to values.")
        return from_dict(OBJECTIVES[self.objective].settings, dict(self.objective_settings))

    @property
    def retain_term(self) -> str:
        """The name of the retain term in RETAINS; empty where there is none."""
        return OBJECTIVES[self.objective].retains if self.retain == OWN else self.retain

    @property
    def needs(self) -> frozenset[str]:
        """What the objective and its retain term need, by the names of NEEDS."""
        term = self.retain_term
        return OBJECTIVES[self.objective].needs | (RETAINS[term].needs if term else frozenset())


def with_objective(config: TrainConfig, objective: str) -> TrainConfig:
    """Return the settings with another objective at its default; with their own one, as they are."""
    if objective == config.objective:
        return config
    return replace(config, objective=objective, objective_settings={})
