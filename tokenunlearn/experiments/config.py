"""What a comparison runs: which arms, which objectives, over how many seeds."""

from collections.abc import Collection
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from tokenunlearn.data.splits import Splits
from tokenunlearn.errors import InputError, SettingError, did_you_mean
from tokenunlearn.experiments.arms import ARMS, CHOSEN, Arm, arms_of, tokens_of
from tokenunlearn.experiments.moments import EQUAL, RETAINED
from tokenunlearn.experiments.planned import EXAMPLE, named
from tokenunlearn.experiments.series import BINS, DOSES, FUSED, series_names
from tokenunlearn.objectives import OBJECTIVES
from tokenunlearn.probes.evidence import ProbeSettings
from tokenunlearn.rivals import RIVALS
from tokenunlearn.settings import check, describe, setting
from tokenunlearn.signals import SIGNALS
from tokenunlearn.training.config import TrainConfig
from tokenunlearn.training.needs import refuse_rows

ALL: Final = "all"
# How each arm is probed: less is asked of it than of a run, as there are many.
ARM_PROBES: Final = ProbeSettings(truth_ratio=False, paraphrased_answers=0)
# At how many tokens earlier versions cut every answer, whatever the length of the taught ones.
EARLIER_LONGEST: Final = MappingProxyType({"arm": 24, "run": 32})


@dataclass(frozen=True)
class CompareConfig:
    """Settings of a comparison; the seeds count up from the training's `seed`."""

    arms: tuple[str, ...] = setting(
        ("uniform", "chosen", "random", "gold"),
        choices=(*ARMS, *RIVALS),
        help="Arms to run: choices of tokens, and rivals, which train nothing",
    )
    objectives: tuple[str, ...] | None = setting(
        None,
        choices=(ALL, *OBJECTIVES),
        help="Objectives to compare, each at its default and on the chosen tokens; without it, only the one "
        "of --objective",
    )
    seeds: int = setting(3, low=1, high=100, step=1, unit="seeds", help="Runs of each arm, each from a seed")
    series_seeds: int | None = setting(
        None,
        low=1,
        high=100,
        step=1,
        unit="seeds",
        help="Runs of each bin and dose; without it, as many as of the other arms",
    )
    equal_below: float = setting(
        0.1,
        low=0,
        high=1,
        step=0.01,
        help="Joint fact probability below which an arm is measured at equal forgetting; 0: never",
    )
    kept_below: float = setting(
        0.95,
        low=0,
        high=1,
        step=0.01,
        help="Retention, the mean probability of other tokens and rows to keep (“kept” counts the world as "
        "well), below which an arm is measured at equal retention; 0: never",
    )
    bins: int = setting(
        0,
        low=0,
        high=20,
        step=1,
        label="Score bins",
        help="Arms that each train one of so many equal parts of a row's tokens, by their score; 0: none",
    )
    doses: int = setting(
        0,
        low=0,
        high=20,
        step=1,
        label="Doses",
        help="Arms that train 1/n, 2/n … of a row's tokens, the highest scores first; 0: none",
    )
    series_by: str = setting(
        FUSED, help=f"Score that orders the tokens of bins and doses: {FUSED} (the rule's), or a signal"
    )

    planned: tuple[str, ...] | None = setting(
        None,
        label="Planned comparisons",
        help=f"Comparisons named before anything is measured, such as “{EXAMPLE}”: their p-values are "
        "adjusted over these alone, on this number of seeds, all others are exploratory; none: over all of a "
        "moment",
    )

    def __post_init__(self) -> None:
        check(self)
        self._refuse_unmeasured()
        if self.series_by != FUSED and self.series_by not in SIGNALS:
            raise SettingError(
                f"There is no signal {self.series_by!r}",
                f"Bins and doses are ordered by {FUSED} or by a signal",
                did_you_mean(self.series_by, (FUSED, *SIGNALS)),
                "series_by",
            )
        matched = next((name for name in self.arms if Arm(name).matched), None)
        if matched and CHOSEN not in self.arms:
            raise SettingError(
                f"The arm {matched} needs the arm {CHOSEN}",
                "It is brought to the size of what that arm did",
                f"Add {CHOSEN} to the arms",
                "arms",
            )

    def _refuse_unmeasured(self) -> None:
        """Raise SettingError for a planned comparison that names none, or one that is never measured."""
        for each in named(self.planned or ()):
            lacking = next((arm for arm in (CHOSEN, each.control) if arm not in self.arms), None)
            if lacking:
                raise SettingError(
                    f"The planned comparison “{each.text}” needs the arm {lacking}",
                    f"The arms are {', '.join(self.arms)}",
                    f"Add {lacking} to the arms, or leave the comparison out",
                    "planned",
                )
            never = {EQUAL: "equal_below", RETAINED: "kept_below"}.get(each.moment, "")
            if never and not getattr(self, never):
                raise SettingError(
                    f"The planned comparison “{each.text}” is never measured",
                    f"{never} is 0",
                    f"Raise it, or leave out “at {each.moment}”",
                    "planned",
                )

    @property
    def methods(self) -> tuple[str, ...]:
        """The objectives to compare; one without a name where a single one is configured."""
        return tuple(OBJECTIVES) if ALL in (self.objectives or ()) else self.objectives or ("",)

    @property
    def series(self) -> tuple[str, ...]:
        """The names of the arms of its series."""
        bins = series_names(BINS, self.bins, self.series_by)
        return (*bins, *series_names(DOSES, self.doses, self.series_by))

    @property
    def every_arm(self) -> tuple[str, ...]:
        """The names of all arms, each once, those of the series last."""
        return tuple(dict.fromkeys((*self.arms, *self.series)))

    def runs(self, training: TrainConfig) -> list[tuple[int, Arm]]:
        """Return each arm with each of its seeds, which count up from the training's.

        Raises SettingError for a seed beyond the highest one.
        """
        highest = next(info.high for info in describe(TrainConfig) if info.name == "seed")
        in_series = self.seeds if self.series_seeds is None else self.series_seeds
        most = max(self.seeds, in_series if self.series else 0)
        if highest is not None and training.seed + most - 1 > highest:
            what = f"{most} seeds from {training.seed} go beyond {highest:.0f}"
            raise SettingError(what, fix="Lower one of them", where="seed")
        return [
            (training.seed + at, arm)
            for names, count in ((tuple(dict.fromkeys(self.arms)), self.seeds), (self.series, in_series))
            for arm in arms_of(names, self.methods)
            for at in range(count)
        ]

    @property
    def signals(self) -> tuple[str, ...]:
        """The signals that its arms need beside those of the rule."""
        entries = [entry for entry in map(tokens_of, self.every_arm) if entry]
        return tuple(dict.fromkeys(signal for entry in entries for signal in entry.signals))


def refuse_unfit_arms(
    asked: CompareConfig, training: TrainConfig, rows: Splits, gold: bool, scored: Collection[str]
) -> None:
    """Raise where the rows, whether they have `gold`, or the signals `scored` are not what the arms need.

    InputError without rows to keep, and where the one objective lacks something; SettingError for an arm.
    """
    if not rows.retain:
        raise InputError(
            "There are no rows to keep",
            "Arms are judged by what they keep",
            "Give some: with split retain, or in a file of their own",
        )
    if not asked.objectives:
        refuse_rows(rows.forget, rows.retain, training)
    for arm, entry in ((arm, tokens_of(arm)) for arm in asked.every_arm):
        if entry and "gold" in entry.needs and not gold:
            why = "No row to forget has its fact marked (gold)"
            raise SettingError(f"The arm {arm} has no tokens", why, "Leave it out", "arms")
        lacking = [name for name in (entry.signals if entry else ()) if name not in scored]
        if lacking:
            raise SettingError(
                f"The arm {arm} needs the signal {lacking[0]}",
                fix="Score it, or leave the arm out",
                where="arms",
            )
