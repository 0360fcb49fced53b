"""The learned scorer: how its defaults were chosen, and how long a refit takes.

    python -m benchmarks.learned cv      layers × C by leaving out each kind of annotated rows (half an hour)
    python -m benchmarks.learned kinds   each kind under a fit on all others, by the defaults
    python -m benchmarks.learned speed   a refit at 10,000 words of 576 numbers (budget: 300 ms of processor)

Nothing but our own annotated rows is used to choose.
"""

import sys
import time
from collections.abc import Sequence

import numpy as np

from tokenunlearn.learned.fit import FitSettings, basis_of, cross_validated, solution
from tokenunlearn.learned.fitted import Annotated, annotated, layer_of
from tokenunlearn.learned.words import Words
from tokenunlearn.metrics.attribution import auroc, precision_at_gold
from tokenunlearn.models.loading import load_model
from tokenunlearn.text.spans import STOP_WORDS, words

SHARES = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
STRENGTHS = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
WEIGHTS = (1, 2, 5, 10, 20, 50)
MOST_MS = 300


def main(arguments: Sequence[str]) -> int:
    """The exit code: 1 where a budget is missed, 2 for unknown words."""
    if list(arguments) == ["cv"]:
        return cv()
    if list(arguments) == ["kinds"]:
        model = load_model(precision="fp32")
        each_kind(annotated(model, layer_of(model)))
        return 0
    if list(arguments) == ["speed"]:
        return speed()
    sys.stderr.write(f"{__doc__}\n")
    return 2


def cv() -> int:
    """Print, for layers and C, the mean over kinds of word AUROC / P@|gold| / AUROC of content words."""
    model = load_model(precision="fp32")
    print("layer  " + "".join(f"{f'C = {C:g}':>18}" for C in STRENGTHS))
    for share in SHARES:
        layer = layer_of(model, FitSettings(layer_share=share))
        ours = annotated(model, layer)
        groups = kind_numbers(ours)
        cells = [of_kinds(ours, cross_validated(ours.words, groups, C), groups) for C in STRENGTHS]
        print(f"{layer:<7}" + "".join(f"{cell:>18}" for cell in cells), flush=True)
    ours = annotated(model, layer_of(model))
    print("\nmarks_weight " + "".join(f"{weight:>12}" for weight in WEIGHTS))
    for count in (2, 5):
        cells = (f"{with_marks(ours, count, weight):>12}" for weight in WEIGHTS)
        print(f"{count} rows       " + "".join(cells), flush=True)
    return 0


def kind_numbers(ours: Annotated) -> np.ndarray:
    """The number of each word's kind, [words]."""
    kinds = np.unique([row.set for row in ours.rows], return_inverse=True)[1]
    return np.asarray(kinds[ours.words.rows])


def of_kinds(ours: Annotated, logits: np.ndarray, groups: np.ndarray) -> str:
    """Mean over kinds of the three figures, each within its kind."""
    return figures_text(
        np.mean([of_kind(ours, logits, groups == each) for each in np.unique(groups)], axis=0)
    )


def of_kind(ours: Annotated, logits: np.ndarray, inside: np.ndarray) -> tuple[float, float, float]:
    """AUROC, P@|gold| and AUROC of content words over the words `inside`."""
    labels, both = ours.words.labels, inside & content_words(ours)
    return (
        auroc(logits[inside], labels[inside]),
        precision_at_gold(logits[inside], labels[inside]),
        auroc(logits[both], labels[both]),
    )


def figures_text(figures: Sequence[float]) -> str:
    """Three decimals each, without the 0 before the point."""
    return "/".join(f"{figure:.3f}".removeprefix("0") for figure in figures)


def each_kind(ours: Annotated) -> None:
    """Print the three figures of each kind under a fit on all others."""
    groups = kind_numbers(ours)
    logits = cross_validated(ours.words, groups, FitSettings().C)
    for number, kind in enumerate(np.unique([row.set for row in ours.rows])):
        inside = groups == number
        rows = len(np.unique(ours.words.rows[inside]))
        counts = f"{rows:>5} rows{int(inside.sum()):>6} words"
        print(f"{kind:<15}{counts}   {figures_text(of_kind(ours, logits, inside))}")


def content_words(ours: Annotated) -> np.ndarray:
    """Which words are no stop words, [words]."""
    texts = [
        [row.answer[start:end].lower().replace("’", "'") for start, end in words(row.answer)]
        for row in ours.rows
    ]
    pairs = zip(ours.words.rows, ours.words.numbers, strict=True)
    return np.array([texts[row][number] not in STOP_WORDS for row, number in pairs])


def with_marks(ours: Annotated, count: int, weight: float, draws: int = 2) -> str:
    """Mean AUROC / P@|gold| on the rows of a kind of which only `count` rows were seen, as marks."""
    random, groups, found = np.random.default_rng(0), kind_numbers(ours), []
    settings = FitSettings(marks_weight=weight)
    for each in np.unique(groups):
        basis = basis_of(ours.words.only(groups != each))
        rows = np.unique(ours.words.rows[groups == each])
        for _ in range(draws):
            order = random.permutation(rows)
            marks = ours.words.only(np.isin(ours.words.rows, order[:count]))
            tested = ours.words.only(np.isin(ours.words.rows, order[max(count, 5) :]))
            fitted = solution(basis, marks, settings)
            logits = basis.standardised(tested.states) @ fitted.coef + fitted.intercept
            found.append([auroc(logits, tested.labels), precision_at_gold(logits, tested.labels)])
    return figures_text(np.mean(found, axis=0))


def speed() -> int:
    """Print processor time and iterations of refits on 10,000 words, drawn with noise from ours."""
    model = load_model(precision="fp32")
    ours = annotated(model, layer_of(model)).words
    random = np.random.default_rng(0)
    picks = random.integers(0, len(ours.labels), 10_000)
    noise = 0.1 * ours.states.std(axis=0) * random.normal(size=(10_000, ours.states.shape[1]))
    many = Words((ours.states[picks] + noise).astype(np.float32), ours.labels[picks], ours.rows[picks], picks)
    basis, marks = basis_of(many.only(np.arange(10_000) < 9_500)), many.only(np.arange(10_000) >= 9_500)
    solution(basis, marks)  # imports scikit-learn
    times, steps = [], []
    for _ in range(7):
        start = time.process_time()
        steps.append(solution(basis, marks).iterations)
        times.append(1000 * (time.process_time() - start))
    print(
        f"refit of 10,000 words × {ours.states.shape[1]}: {np.median(times):.0f} ms of processor, "
        f"{steps[0]} iterations"
    )
    return int(np.median(times) > MOST_MS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
