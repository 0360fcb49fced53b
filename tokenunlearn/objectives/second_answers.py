"""The second answer to a question: what a preference objective puts in the place of the forgotten one."""

import hashlib
from collections.abc import Sequence

from tokenunlearn.data.demo import refusals
from tokenunlearn.data.rows import Row
from tokenunlearn.errors import InputError


def refusal(row: Row, seed: int) -> str:
    """Return one of our refusals, drawn for this row by the seed."""
    return _drawn(refusals(), row, seed)


def perturbed(row: Row, seed: int) -> str:
    """Return one of the row's perturbed answers, drawn by the seed. Raises InputError where it has none."""
    if not row.perturbed_answer:
        raise InputError(
            f"Row {row.id} has no second answer",
            "The objective prefers a wrong answer of the row's own to the true one",
            "Give the row a perturbed_answer, or choose another objective, such as idk_dpo",
            row.id,
        )
    return _drawn(row.perturbed_answer, row, seed)


def _drawn(answers: Sequence[str], row: Row, seed: int) -> str:
    """Return the answer that seed and row id decide, whatever the other rows are."""
    digest = hashlib.sha256(f"{seed} {row.id}".encode()).digest()
    return answers[int.from_bytes(digest[:8], "big") % len(answers)]
