"""A service as the page has it, on three hand-made rows and a model that is never asked."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import torch

from app.actions.unlearn import summary
from app.service import Service
from app.sessions.session import Options
from app.shown import ShownScores
from tests.asking import ask
from tokenunlearn.data.rows import Row
from tokenunlearn.data.splits import Splits
from tokenunlearn.masks import columns_from_table
from tokenunlearn.models.language_model import Written
from tokenunlearn.table import PROVENANCE

# Two rows of set one, one row of set two; knowledge decides (alpha 1 below).
WORDS = [["Ada", " likes", " tea"], ["Bo", " likes", " rain"], ["Cy", " is", " tall"]]
KNOWLEDGE = [np.nan, 0.0, 5.0, np.nan, 0.0, 4.0, np.nan, 0.0, 3.0]
SETS = ["one", "one", "two"]
RULE = {"alpha": 1.0, "normaliser": "min_max", "mode": "top_k", "k": 1, "scope": "set"}


def table() -> pd.DataFrame:
    lines = []
    for row, words in enumerate(WORDS):
        at = 0
        for position, word in enumerate(words):
            lines.append(
                {
                    "row_id": f"r{row}",
                    "position": position,
                    "token_id": position,
                    "token": word,
                    "char_start": at,
                    "char_end": at + len(word),
                    "word_id": position,
                    "is_subject": position == 0,
                    "is_stop_word": position == 1,
                    "is_punctuation": False,
                    "gold": float(position == 2),
                    "random_key": (0.3, 0.1, 0.2)[position],
                    "knowledge_swap": KNOWLEDGE[3 * row + position],
                    "entropy": 1.0,
                }  # fmt: skip
            )
            at += len(word)
    result = pd.DataFrame(lines)
    result.attrs[PROVENANCE] = {"model": "tiny", "adapter": "none", "schema": 1}
    return result


def payload(state: str) -> dict[str, Any]:
    frame = table()
    rows = [
        {"id": f"r{at}", "question": f"What of {words[0]}?", "answer": "".join(words), "first": 3 * at,
         "count": 3, "set": SETS[at], "masking": "swap"}
        for at, words in enumerate(WORDS)
    ]  # fmt: skip
    columns = {
        "row": np.repeat([0, 1, 2], 3).tolist(), "start": frame["char_start"].tolist(),
        "end": frame["char_end"].tolist(),
        "word": frame["word_id"].tolist(), "subject": frame["is_subject"].astype(int).tolist(),
        "stop": frame["is_stop_word"].astype(int).tolist(), "punctuation": [0] * 9,
        "gold": frame["gold"].tolist(),
        "random_key": frame["random_key"].tolist(), "entropy": frame["entropy"].tolist(),
        "knowledge_swap": [None if np.isnan(value) else value for value in KNOWLEDGE],
    }  # fmt: skip
    return {
        "scores_id": "s1",
        "text_id": "t1",
        "state": state,
        "rows": rows,
        "columns": columns,
        "signals": {},
        "leaderboard": [],
    }


def row(at: int) -> Row:
    answer = "".join(WORDS[at])
    return Row(
        f"r{at}",
        f"What of {WORDS[at][0]}?",
        answer,
        WORDS[at][0],
        ((len(answer) - 4, len(answer)),),
        SETS[at],
    )


class _OneLayer(torch.nn.Module):
    """What a model is asked for before anything runs: its list of layers."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList([torch.nn.Linear(2, 2)])
        self.config = SimpleNamespace(get_text_config=lambda: SimpleNamespace(num_hidden_layers=1))


def live_service(folder: Path) -> Service:
    """A service with live scores of a model that is never asked, and workers that end at once."""
    made = Service(Options(model="tiny", runs=folder / "runs"))
    made.sessions.session.rows = Splits((row(0), row(1), row(2)), (row(2),), ())
    made.sessions.show(ShownScores(payload("live"), columns_from_table(table()), table()))
    made.queue.command = lambda _: ["true"]
    made.sessions.session.model = SimpleNamespace(
        model=SimpleNamespace(peft_config={}, get_base_model=_OneLayer),
        adapter=None,
        untrainable=None,
        generate=lambda questions, _: [Written(f"re: {each}") for each in questions],
    )
    return made


def draft(**more: Any) -> dict[str, Any]:
    return {"scores_id": "s1", "set": "one", "rule": RULE, "overrides": {}, **more}


def first_summary(service: Service) -> dict[str, Any]:
    """The summary of the default rule on the first set, as a page sends its draft that nobody has touched."""
    shown = service.shelf.newest()
    assert shown is not None
    name = shown.payload["rows"][0]["set"]
    return ask(summary, service, {"scores_id": shown.scores_id, "set": name, "rule": {}, "overrides": {}})
