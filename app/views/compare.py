"""A run as a line of the Compare table: its figures before and after, its settings in words."""

from collections.abc import Mapping
from typing import Any

from app.views.run_settings import Said, settings_words, with_end
from tokenunlearn.probes.kept import with_kept
from tokenunlearn.probes.readings import in_short
from tokenunlearn.probes.report import badge_counts
from tokenunlearn.runs.kinds import run_kind


def compare_line(
    run: Mapping[str, Any], config: Mapping[str, Any], probes: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return what a run is: what was started with it, figures before and after, settings in words.

    Figures are None where nothing was probed.
    """
    before, after = (probes or {}).get("before"), (probes or {}).get("after")
    return {
        "arm_label": settings_words({"arm": config.get("arm")})["arm"].words,
        "kind": run.get("kind", ""),
        "trained": run_kind(run).form,
        "group": config.get("group") or "",
        "created": run.get("created"),
        "badges": in_short(badge_counts(before, after)) if before and after else None,
        "before": with_kept((before or {}).get("summary")),
        "after": with_kept((after or {}).get("summary")),
        "settings": said(with_end(settings_words(config), run)),
    }


def said(settings: Mapping[str, Said]) -> dict[str, list[str]]:
    """Return settings as they cross to the page: by key, label, words, and what tells two of them apart."""
    return {key: [each.label, each.words, each.own] for key, each in settings.items()}
