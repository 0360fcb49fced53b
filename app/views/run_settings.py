"""What a run was set to, in words; and what tells runs apart, by which they are named."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from app.views.bench import used_precision
from app.words import OWN_RETAIN, setting_label
from tokenunlearn.data.rows import SPLITS
from tokenunlearn.experiments.arms import ARMS, arm_words
from tokenunlearn.experiments.config import CompareConfig
from tokenunlearn.fusion import NORMALISERS
from tokenunlearn.models.embedded import EMBEDDED_NAME
from tokenunlearn.modes import MODES
from tokenunlearn.objectives import OBJECTIVES, RETAINS
from tokenunlearn.probes.evidence import ProbeSettings
from tokenunlearn.rivals import RIVALS
from tokenunlearn.runs.artifact import adapter_words
from tokenunlearn.runs.kinds import run_kind
from tokenunlearn.runs.states import ENDED
from tokenunlearn.selection import SCOPES, Rule, without_effect
from tokenunlearn.settings import SettingInfo, describe
from tokenunlearn.signals import SIGNALS
from tokenunlearn.text.numbers import percent
from tokenunlearn.training.config import OWN, TrainConfig

_RULE, _MASK, _ENDED = "rule.", "mask_hash", "ended"
_GROUPS: Final = (
    ("sweep", CompareConfig),
    ("training", TrainConfig),
    ("rule", Rule),
    ("probes", ProbeSettings),
)
# The registry whose entries a setting names.
_ENTRIES: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "objective": OBJECTIVES,
        "objectives": OBJECTIVES,
        "arms": {**ARMS, **RIVALS},
        "retain": RETAINS,
        "mode": MODES,
        "normaliser": NORMALISERS,
        "normalise_over": SCOPES,
        "scope": SCOPES,
        "knowledge": SIGNALS,
        "entropy": SIGNALS,
    }
)
# What says by itself what it is.
_ALONE: Final = ("set", "arm", "model", "training.objective", "rule.mode", _ENDED)


def _count(split: str) -> str:
    return f"{split} rows"


_COUNTS: Final = tuple(map(_count, SPLITS))


@dataclass(frozen=True)
class Said:
    """One setting: what it is called, its value in words, and what tells two apart where the words do not."""

    label: str
    words: str
    value: str = field(default="", compare=False)

    @property
    def own(self) -> str:
        """What it is by, whatever the words: equal where the setting is."""
        return self.value or self.words


def settings_words(config: Mapping[str, Any]) -> dict[str, Said]:
    """Return each setting of a run's config by its key, such as `training.steps`, in the order of telling."""
    adapter = config.get("adapter")
    found = {
        "set": Said("Rows", str(config.get("set") or "rows")),
        "model": Said("Model", str(config.get("model") or EMBEDDED_NAME)),
        "adapter": Said("Target adapter", adapter_words(Path(adapter)) if adapter else "none"),
        "precision": Said("Precision", used_precision(config)),
    }
    if not config.get("sweep"):  # which has several
        found["arm"] = Said("Tokens trained", _arm(config))
    for group, kind in _GROUPS:
        given = config.get(group)
        if isinstance(given, Mapping):
            infos = {info.name: info for info in describe(kind)}
            idle = _idle(group, given)
            found.update(_group(group, {name: given[name] for name in given if name not in idle}, infos))
    training, sweep = config.get("training"), config.get("sweep")
    several = isinstance(sweep, Mapping) and sweep.get("objectives")
    if "sweep.objectives" in found and "training.objective" in found:  # told once, of one as of several
        one, told = found.pop("training.objective"), found["sweep.objectives"]
        found["sweep.objectives"] = told if several else replace(told, words=one.words)
    if isinstance(training, Mapping) and not several:  # each of several is at its default
        found.update(_own_settings(training))
    rival = config.get("rival")
    if isinstance(rival, Mapping) and isinstance(rival.get("settings"), Mapping):
        entry = RIVALS.get(str(rival.get("name")))
        infos = {info.name: info for info in describe(entry.settings)} if entry else {}
        found.update(_group("rival", rival["settings"], infos))
    for split in SPLITS:
        rows = config.get(split) or []
        count = f"{len(rows):,}" if isinstance(rows, list) else str(rows)
        found[_count(split)] = Said(f"{split.capitalize()} rows", count)
    if config.get(_MASK):
        found[_MASK] = Said("Mask", str(config[_MASK])[:8])
    return found


def _idle(group: str, given: Mapping[str, Any]) -> frozenset[str]:
    """Return the settings of a group that decide nothing beside the others of it."""
    if group == "rule":
        return without_effect(str(given.get("mode")), given.get("fraction", Rule().fraction))
    if group == "sweep" and not given.get("bins") and not given.get("doses"):
        return frozenset(("series_by", "series_seeds"))
    return frozenset()


def with_end(settings: Mapping[str, Said], run: Mapping[str, Any]) -> dict[str, Said]:
    """Return settings with where a run's training ended, by its state: equal settings may differ in it.

    As they stand while it goes on, and for what takes no step.
    """
    step, steps = int(run.get("step") or 0), int(run.get("steps") or 0)
    if run["state"] not in ENDED or not run_kind(run).form or not step:
        return dict(settings)
    words = f"stopped after {step} {'step' if step == 1 else 'steps'}" if step < steps else "to the last step"
    return {**settings, _ENDED: Said("Training ended", words)}


def _arm(config: Mapping[str, Any]) -> str:
    arm = str(config.get("arm") or "")
    return RIVALS[arm].label if arm in RIVALS else arm_words(arm) or "every token"


def _group(group: str, given: Mapping[str, Any], infos: Mapping[str, SettingInfo]) -> dict[str, Said]:
    """Return the settings of one dataclass in its order; those that it does not have come by their names."""
    ordered = [*(name for name in infos if name in given), *(name for name in given if name not in infos)]
    return {
        f"{group}.{name}": _said(name, infos.get(name), given[name])
        for name in ordered
        if not isinstance(given[name], Mapping)
    }


def _own_settings(training: Mapping[str, Any]) -> dict[str, Said]:
    """Return the settings of the objective itself, those left out at their default."""
    given = training.get("objective_settings")
    entry = OBJECTIVES.get(str(training.get("objective")))
    infos = {info.name: info for info in describe(entry.settings)} if entry else {}
    values = {name: info.default for name, info in infos.items()} | dict(given or {})
    return _group("training.objective_settings", values, infos)


def _said(name: str, info: SettingInfo | None, value: Any) -> Said:
    if info is None:
        return Said(name.replace("_", " ").capitalize(), "none" if value is None else str(value))
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return Said(setting_label(info), value_words(info, value), repr(float(value)) if number else "")


def value_words(info: SettingInfo, value: Any) -> str:
    """Return a setting's value as a person says it: `12 steps`, `25 %`, `yes`, `NPO`."""
    if value is None:
        return info.unset
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        if info.name == "retain" and value == OWN:
            return OWN_RETAIN
        return _entry_words(info.name, value)
    if isinstance(value, list | tuple):
        return "; ".join(_entry_words(info.name, str(each)) for each in value) or "none"
    if info.unit == "fraction":
        return percent(value)
    number = f"{value:,}" if isinstance(value, int) else f"{value!r}".removesuffix(".0")
    return f"{number} {info.unit.removesuffix('s') if value == 1 else info.unit}" if info.unit else number


def _entry_words(name: str, value: str) -> str:
    """Return the label of the entry that a setting names; what names none as it is."""
    entry = _ENTRIES.get(name, {}).get(value)
    return value if entry is None else str(entry.label)


def what_differs(runs: Mapping[str, Mapping[str, Said]]) -> dict[str, list[str]]:
    """Return, by run, the words for what sets it apart: where it is not as more than half of the runs are.

    What a run does not have, such as a learning rate where nothing is trained, tells nothing apart. Its arm
    is told wherever there are several, and says which tokens a run trains: rule and mask count among the runs
    of one arm alone.
    """
    words: dict[str, list[str]] = {name: [] for name in runs}
    for key in dict.fromkeys(key for settings in runs.values() for key in settings):
        own = key.startswith(_RULE) or key == _MASK
        seen: dict[str, Counter[str]] = {}
        for settings in runs.values():
            if key in settings:
                seen.setdefault(_arm_of(settings) if own else "", Counter())[settings[key].own] += 1
        for name, settings in runs.items():
            if key in settings and _apart(key, settings[key], seen[_arm_of(settings) if own else ""]):
                words[name].append(_piece(key, settings[key]))
    return words


def _apart(key: str, said: Said, seen: "Counter[str]") -> bool:
    usual = key != "arm" and 2 * seen[said.own] > seen.total()
    return len(seen) > 1 and not usual


def _arm_of(settings: Mapping[str, Said]) -> str:
    return settings["arm"].words if "arm" in settings else ""


def _piece(key: str, said: Said) -> str:
    """Return what stands in a run's name: `learning rate 0.003`, or the value alone where it says enough."""
    label = said.label if said.label[1:2].isupper() else said.label[:1].lower() + said.label[1:]
    if key in _ALONE or said.words.endswith((label, label.removesuffix("s"))):
        return said.words
    if key in _COUNTS:
        return f"{said.words} {label.removesuffix('s') if said.words == '1' else label}"
    return f"{label} {said.words}"


def namesakes(names: Mapping[str, str], configs: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return, by run, what sets it apart from the runs of the same name, in words; "" where none has it."""
    alike: dict[str, list[str]] = {}
    for run, name in names.items():
        alike.setdefault(name, []).append(run)
    words = dict.fromkeys(names, "")
    for runs in alike.values():
        if len(runs) > 1:
            differing = what_differs({run: settings_words(configs[run]) for run in runs})
            words |= {run: " · ".join(pieces) for run, pieces in differing.items()}
    return words


def titles(names: Mapping[str, str], differing: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return what each run is called: by what differs, else by the name that it was started under."""
    return {run: " · ".join(differing[run]) or name for run, name in names.items()}
