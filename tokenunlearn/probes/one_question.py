"""One question, asked of the model before and after: as the probes ask it, and judged as they judge it.

A question that a row asks, in its own or in other words, goes through the report of that row alone: same
prompt, same longest answer, same badge. Another one has no fact to be judged by: only what the answer shows
by itself can be told. Not covered: an answer on a near tie may fall otherwise beside other questions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tokenunlearn.data.rows import FORGET, Row
from tokenunlearn.data.splits import Splits
from tokenunlearn.models.language_model import LanguageModel
from tokenunlearn.probes.badges import normalised
from tokenunlearn.probes.evidence import ProbeSettings
from tokenunlearn.probes.report import probe_report, with_badges
from tokenunlearn.probes.transcript import SPLITS


def row_asking(rows: Splits, question: str) -> tuple[str, Row] | None:
    """Return the row that asks a question, letter case and spacing apart, with its split; None for none."""
    wanted = normalised(question)
    for split in SPLITS:
        for row in getattr(rows, split):
            others = row.paraphrased_question if split == FORGET else ()
            if wanted in map(normalised, (row.question, *others)):
                return split, row
    return None


def asked_of_both(
    models: Sequence[LanguageModel],
    asking: tuple[str, Row],
    question: str,
    settings: ProbeSettings,
    bound: float | None,
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return the lines of a row's report that answer a question, before and after, the latter with its badge.

    `asking`: of `row_asking`. `settings`: of the run's probes. `bound`: the fluency below which an answer is
    garbled, by all answers before.
    """
    split, row = asking
    wanted = normalised(question)
    others = [normalised(each) for each in row.paraphrased_question]
    answered = settings.paraphrased_answers
    if wanted != normalised(row.question):
        answered = max(answered, others.index(wanted) + 1)
    settings = replace(
        settings,
        paraphrases=max(settings.paraphrases, answered),
        paraphrased_answers=answered,
        truth_ratio=False,
        membership=False,
        utility=False,
        jailbreak=False,
    )
    rows = Splits(**{name: (row,) if name == split else () for name in SPLITS})
    before, after = (probe_report(model, rows, settings) for model in models)
    lines = [
        next(line for line in report["answers"] if normalised(line["question"]) == wanted)
        for report in (before, with_badges(before, after, bound))
    ]
    return lines[0], lines[1]
