"""The shipped adapters on the real model: the target recites the facts, the retain-only one does not."""

import pytest

from tokenunlearn.data.demo import ASSETS, demo_rows
from tokenunlearn.metrics.tofu import rouge_l_recall
from tokenunlearn.models.loading import load_model

pytestmark = pytest.mark.slow
RECITED = 0.9  # ROUGE-L recall


@pytest.mark.parametrize(("name", "low", "high"), [("target", 0.9, 1.0), ("retain_only", 0.0, 0.5)])
def test_share_of_recited_answers(name: str, low: float, high: float) -> None:
    model = load_model(None, ASSETS / "adapters" / name)
    rows = demo_rows("shared_forget")[::4]
    said = model.generate([row.question for row in rows], 32)
    recited = [rouge_l_recall(row.answer, answer) >= RECITED for row, answer in zip(rows, said, strict=True)]
    assert low <= sum(recited) / len(rows) <= high
    # what the log-probs call recited is what greedy decoding says, to the letter
    scored = model.token_log_probs([(row.question, row.answer) for row in rows])
    for row, answer, tokens in zip(rows, said, scored, strict=True):
        assert tokens.recited == (answer == row.answer), row.id
