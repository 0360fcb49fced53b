"""list every signal, normaliser, selector mode, objective, retain term, probe and rival, one line each"""

import argparse
import sys
from typing import Any, Final

NORMALISER_WORDS: Final = {
    "p99": "linear, 1 at the 99th percentile, clipped",
    "min_max": "linear, 0 at the lowest and 1 at the highest",
    "rank": "share of scored tokens that lie lower",
    "z_sigmoid": "sigmoid of the standardised score",
}
MODE_WORDS: Final = {
    "top_fraction": "the highest share of the scored tokens",
    "top_k": "the k highest tokens, of the set or of each row",
    "threshold": "every token whose fused score reaches the threshold",
    "soft": "all candidates, weighted by fused score to the power gamma, mean 1",
    "uniform": "control: every token, weight 1",
    "random": "control: as many random tokens a row as top_fraction would choose",
    "gold": "control: the tokens of the known fact",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing; the verb takes no arguments of its own."""
    parser.add_argument("--names", action="store_true", help="names only")


def run(arguments: argparse.Namespace) -> int:
    """0, after the registries were written to stdout."""
    from tokenunlearn.fusion import NORMALISERS
    from tokenunlearn.objectives import OBJECTIVES, RETAINS, Retain
    from tokenunlearn.probes import PROBES
    from tokenunlearn.rivals import RIVALS
    from tokenunlearn.selection import MODES
    from tokenunlearn.settings import describe
    from tokenunlearn.signals import SIGNALS

    def own(settings: type) -> str:
        return "".join(f"; {info.name} {info.default} ({info.allowed})" for info in describe(settings))

    def needed(entry: Any) -> str:
        return f"needs {', '.join(entry.needs) or 'nothing'}"

    signals = {
        name: entry.help + (f" [{entry.unit}]" if entry.unit else "") + own(entry.settings)
        for name, entry in SIGNALS.items()
    }

    def term(entry: Retain) -> str:
        needs = f"; needs {', '.join(sorted(entry.needs))}" if entry.needs else ""
        return f"{entry.label}: {entry.help}; {entry.source}{needs}"

    objectives = {name: term(entry) + own(entry.settings) for name, entry in OBJECTIVES.items()}
    sections = {
        "signals": signals,
        "normalisers": {name: NORMALISER_WORDS[name] for name in NORMALISERS},
        "modes": {name: MODE_WORDS[name] for name in MODES},
        "objectives": objectives,
        "retain terms": {name: term(entry) for name, entry in RETAINS.items()},
        "probes": {name: f"{entry.help} [{entry.unit}], {entry.source}" for name, entry in PROBES.items()},
        "rivals": {
            name: f"{entry.help}; {entry.source}; {needed(entry)}{own(entry.settings)}"
            for name, entry in RIVALS.items()
        },
    }
    for title, entries in sections.items():
        sys.stdout.write(f"{title}\n")
        for name, words in entries.items():
            sys.stdout.write(f"  {name}\n" if arguments.names else f"  {name:20} {words}\n")
    return 0
