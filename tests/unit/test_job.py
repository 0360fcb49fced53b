"""A run trains the tokens that its mask names, each row its own."""

from pathlib import Path

import numpy as np
import pandas as pd

from tokenunlearn.masks import columns_from_table, make_mask, write_mask
from tokenunlearn.runs.job import mask_weights
from tokenunlearn.selection import Rule
from tokenunlearn.table import write_table

KNOWLEDGE = [0.0, 0.0, 5.0, 4.0, 0.0, 3.0, 0.0]


def table() -> pd.DataFrame:
    """Row b before row a, three and four tokens; the fact is b's last token, a's first and third."""
    rows, positions = ["b"] * 3 + ["a"] * 4, [0, 1, 2, 0, 1, 2, 3]
    return pd.DataFrame(
        {
            "row_id": rows,
            "position": positions,
            "token_id": range(7),
            "token": list("xyzuvwt"),
            "char_start": positions,
            "char_end": [at + 1 for at in positions],
            "word_id": positions,
            "is_subject": False,
            "is_stop_word": False,
            "is_punctuation": False,
            "gold": np.nan,
            "random_key": 0.5,
            "knowledge_swap": KNOWLEDGE,
            "entropy": 0.0,
        }
    )


def test_each_row_trains_the_tokens_that_were_shown_for_it(tmp_path: Path) -> None:
    scores = table()
    rule = Rule(alpha=1.0, normaliser="min_max", mode="top_k", k=3)
    mask = make_mask(columns_from_table(scores), rule, {}, "scores")
    write_mask(tmp_path / "mask.jsonl", mask, scores)
    write_table(scores, tmp_path / "tokens.parquet")
    weights = mask_weights(tmp_path, {"mask_hash": mask.hash, "scores_id": "scores"})
    assert weights is not None
    assert {row: values.tolist() for row, values in weights.items()} == {
        "b": [0.0, 0.0, 1.0],
        "a": [1.0, 0.0, 1.0, 0.0],
    }
