"""How far two annotators agree on our annotated rows: Cohen's κ by word, over all and by kind. No model.

    python -m benchmarks.annotated

Prints a line a kind: rows, words, the share of words that each annotator marked, κ.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tokenunlearn.data.demo import annotated_rows, second_pass
from tokenunlearn.data.rows import Row
from tokenunlearn.metrics.agreement import cohens_kappa, marked_words


@dataclass(frozen=True)
class Agreed:
    """Rows that two annotators marked: `words` of their answers, the shares marked, and κ over the words."""

    rows: int
    words: int
    first: float
    second: float
    kappa: float


def agreed(pairs: Sequence[tuple[Row, Row]]) -> Agreed:
    """How far two passes over the same rows agree, their words pooled."""
    first, second = (
        np.concatenate([marked_words(pair[at].answer, pair[at].gold) for pair in pairs]) for at in (0, 1)
    )
    return Agreed(len(pairs), first.size, first.mean(), second.mean(), cohens_kappa(first, second))


def by_kind() -> dict[str, Agreed]:
    """The agreement of both passes over all rows that have two, then by kind."""
    first = {row.id: row for row in annotated_rows()}
    pairs = [(first[row.id], row) for row in second_pass()]
    kinds = dict.fromkeys(row.set for row, _ in pairs)
    groups = {"all": pairs} | {kind: [pair for pair in pairs if pair[0].set == kind] for kind in kinds}
    return {name: agreed(group) for name, group in groups.items()}


def main() -> None:
    """Print the table."""
    sys.stdout.write(
        "| kind | rows | words | marked, first | marked, second | κ |\n|---|---|---|---|---|---|\n"
    )
    for name, each in by_kind().items():
        cells = (name, each.rows, each.words, f"{each.first:.2f}", f"{each.second:.2f}", f"{each.kappa:.2f}")
        sys.stdout.write(f"| {' | '.join(map(str, cells))} |\n")


if __name__ == "__main__":
    main()
