"""list every entry of every registry, one line each: what it is, its source, what it needs, its settings"""

import argparse
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

from tokenunlearn.documents.terminal import to_stdout

# Title → the registry, as module:NAME. An entry has help, and where it has them source, needs and settings.
REGISTRIES: Final[Mapping[str, str]] = {
    "signals": "tokenunlearn.signals:SIGNALS",
    "passes": "tokenunlearn.passes:PASSES",
    "normalisers": "tokenunlearn.fusion:NORMALISERS",
    "modes": "tokenunlearn.modes:MODES",
    "objectives": "tokenunlearn.objectives:OBJECTIVES",
    "retain terms": "tokenunlearn.objectives:RETAINS",
    "probes": "tokenunlearn.probes:PROBES",
    "rivals": "tokenunlearn.rivals:RIVALS",
    "attacks": "tokenunlearn.attacks:ATTACKS",
    "sets": "tokenunlearn.data.sets:SETS",
    "arms": "tokenunlearn.experiments.arms:ARMS",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own arguments."""
    parser.add_argument("--names", action="store_true", help="names only")


def run(arguments: argparse.Namespace) -> int:
    """Return 0, after the registries were written to stdout."""
    for title, place in REGISTRIES.items():
        module, _, name = place.partition(":")
        to_stdout(f"{title}\n")
        for key, entry in getattr(import_module(module), name).items():
            words = "" if arguments.names else entry_words(key, entry)
            to_stdout(f"  {key:20} {words}".rstrip() + "\n")
    return 0


def entry_words(name: str, entry: Any) -> str:
    """Return what an entry is, where it comes from, what it needs, and its settings with what they take."""
    from tokenunlearn.passes import needs_of
    from tokenunlearn.settings import describe
    from tokenunlearn.signals import SIGNALS

    label = getattr(entry, "label", "")
    said = (getattr(entry, "help", "") or _summary(entry.function)).rstrip(".")
    unit = f" [{entry.unit}]" if getattr(entry, "unit", "") else ""
    needs = needs_of(name) if entry is SIGNALS.get(name) else getattr(entry, "needs", ())
    if getattr(entry, "hub", ""):
        needs = [f"its folder, or {entry.hub} at the hub"]
    settings = describe(entry.settings) if hasattr(entry, "settings") else []
    parts = [
        f"{label}: {said}{unit}" if label else f"{said}{unit}",
        f"source: {entry.source}" if getattr(entry, "source", "") else "",
        f"licence: {entry.licence}" if getattr(entry, "licence", "") else "",
        f"amount: {entry.amount}" if getattr(entry, "amount", "") else "",
        f"passes a row: {entry.cost}" if getattr(entry, "cost", "") else "",
        f"rules out {entry.rules_out}" if getattr(entry, "rules_out", "") else "",
        f"needs: {', '.join(sorted(needs)) or 'nothing'}",
        *(f"{info.name} {info.default} ({info.allowed})" for info in settings),
    ]
    return "; ".join(part for part in parts if part)


def _summary(function: Any) -> str:
    return (function.__doc__ or "").strip().split("\n")[0]
