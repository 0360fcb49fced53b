"""`python -m tests.toy_signal MODEL ROWS OUT`: adds one entry to the signals, lists, scores and shows it.

In a process of its own: the entry is there before anything of the library reads the registry. What the warm
process has loaded of the library is loaded again.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

for loaded in [name for name in sys.modules if name.split(".")[0] in ("app", "tokenunlearn")]:
    del sys.modules[loaded]

# ruff: noqa: E402
from tokenunlearn import signals
from tokenunlearn.settings import check, setting
from tokenunlearn.signals.entry import Levels, Signal


@dataclass(frozen=True)
class ToySettings:
    """How often the gold counts."""

    times: float = setting(2.0, low=0, high=10, help="How often")

    def __post_init__(self) -> None:
        check(self)


TOY = Signal(
    label="A toy",
    short="toy",
    function=lambda row, own: own.times * row.gold,
    family="text",
    source="none",
    help="Twice the gold",
    says=Levels("{token} is a toy."),
    settings=ToySettings,
    default=True,
    report=True,
)


def main(folder: str, rows: str, out: str) -> None:
    """Take the entry through the command line and the page; what the page has goes beside OUT, as .page."""
    signals.SIGNALS = MappingProxyType({**signals.SIGNALS, "toy": TOY})  # type: ignore[misc]

    from app.shown import shown_scores
    from app.views.tokens import menus
    from tests.tiny_rows import ROWS, tiny
    from tokenunlearn import cli
    from tokenunlearn.scoring import ScoreConfig, iter_scores, new_scores

    assert cli.main(["list"]) == 0
    own = ["--report", "--set", "toy.times=3"]
    assert cli.main(["score", rows, "--model", folder, "--out", out, *own]) == 0
    model, config = tiny(Path(folder)), ScoreConfig()
    scores = new_scores(model, ROWS, config)
    scores.rows.extend(iter_scores(model, ROWS, config))
    payload = shown_scores(scores, "live").payload
    page = {
        "info": payload["signals"]["toy"],
        "offered": "toy" in menus([])["offered"],
        "board": [entry["label"] for entry in payload["leaderboard"]],
        "values": payload["columns"]["toy"],
    }
    Path(out).with_suffix(".page").write_text(json.dumps(page), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
