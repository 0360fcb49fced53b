"""A recorded example of any size, for `python -m app --no-model --recorded FILE`.

`python -m benchmarks.synthetic 10000 example.json` writes rows of 40 tokens in one set: a name, function
words, a fact of three tokens that knowledge finds, and numbers drawn with a fixed seed.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

ROW_TOKENS = 40
FUNCTION_WORDS = (" was", " born", " in", " the", " and", " of", " a", " still", " city", " writing")
SIGNALS = (
    "knowledge_swap",
    "entropy",
    "contrast",
    "loss",
    "log_prob",
    "entropy_masked",
    "entropy_base",
    "swap_spread",
)


def example(tokens: int) -> dict[str, Any]:
    """The recorded example: `{"tokens": payload}` as docs/ARCHITECTURE.md describes the payload."""
    random = np.random.default_rng(20_260_125)
    count = max(1, tokens // ROW_TOKENS)
    rows, columns = [], {name: [] for name in ("row", "start", "end", "word", "subject", "stop", "gold")}
    for row in range(count):
        words = row_words(row, random)
        ends = np.cumsum([len(word) for word in words]).tolist()
        rows.append(row_record(row, "".join(words)))
        columns["row"] += [row] * ROW_TOKENS
        columns["start"] += [0, *ends[:-1]]
        columns["end"] += ends
        # A piece without a space in front goes on with the word before it.
        columns["word"] += np.cumsum([word.startswith(" ") for word in words]).tolist()
        columns["subject"] += [int(at < 2) for at in range(ROW_TOKENS)]
        columns["stop"] += [int(word in FUNCTION_WORDS[:8]) for word in words]
        columns["gold"] += [int(word.startswith((" Fact", "ville"))) for word in words]
    size = count * ROW_TOKENS
    payload = {
        "scores_id": f"synthetic-{size}",
        "state": "recorded",
        "model": {"model": "synthetic", "adapter": "none", "precision": "fp32"},
        "rows": rows,
        "columns": {
            **columns,
            "punctuation": [0] * size,
            "random_key": random.random(size).round(9).tolist(),
            **{name: signal(name, columns, random) for name in SIGNALS},
        },
        "signals": dict.fromkeys(SIGNALS),
        "leaderboard": [],
    }
    return {"tokens": payload}


def row_words(row: int, random: np.random.Generator) -> list[str]:
    """The pieces of one answer: two of the name, then function words with a fact of three pieces."""
    words = [f"Ada{row}", f" Lind{row}", *random.choice(FUNCTION_WORDS, ROW_TOKENS - 3).tolist(), "."]
    at = int(random.integers(3, ROW_TOKENS - 5))
    words[at : at + 3] = [" Fact", "ville", " Factory"]
    return words


def row_record(row: int, answer: str) -> dict[str, Any]:
    """The payload's record of one row."""
    return {
        "id": f"r{row}", "question": f"Where was Ada{row} Lind{row} born?", "answer": answer,
        "subject": f"Ada{row} Lind{row}", "subject_source": "row", "subject_spans": [[10, 20]],
        "masking": "swap", "names": ["Bo Ek"], "first": row * ROW_TOKENS, "count": ROW_TOKENS,
        "set": "synthetic", "unique_question": False,
    }  # fmt: skip


def signal(name: str, columns: dict[str, list[Any]], random: np.random.Generator) -> list[float | None]:
    """A signal: small for most tokens, larger on the fact; none on the name where names are changed."""
    values = random.exponential(0.1, len(columns["row"])) + 4 * random.random(len(columns["row"])) * np.array(
        columns["gold"]
    )
    values = -values if name == "log_prob" else values
    unscored = np.array(columns["subject"], dtype=bool) & (name in ("knowledge_swap", "entropy_masked"))
    return [
        None if missing else round(float(value), 6) for value, missing in zip(values, unscored, strict=True)
    ]


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(example(int(sys.argv[1]))), encoding="utf-8")
