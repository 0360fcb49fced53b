"""All runs as lines of the Compare table, with what differs between their settings."""

from collections.abc import Mapping
from typing import Any

from tokenunlearn.data.rows import SPLITS

_LEFT_OUT = ("name", "arm", "group")


def compare_line(
    run: Mapping[str, Any], config: Mapping[str, Any], probes: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return one run: identity, state, numbers before and after (None = not probed), flat settings."""
    before, after = (probes or {}).get("before"), (probes or {}).get("after")
    return {
        **{name: run[name] for name in ("run_id", "name", "arm", "state", "step", "steps")},
        "before": (before or {}).get("summary"),
        "after": (after or {}).get("summary"),
        "settings": flat_settings(config),
    }


def flat_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config without its rows, nested settings as `training.steps`; rows as their number."""
    flat: dict[str, Any] = {}
    for name, value in ({name: [] for name in SPLITS} | dict(config)).items():
        if name in SPLITS:
            flat[f"{name} rows"] = len(value) if isinstance(value, list) else value
        elif name in _LEFT_OUT:
            continue
        elif isinstance(value, Mapping):
            flat.update({f"{name}.{key}": each for key, each in value.items()})
        else:
            flat[name] = value
    return flat
