"""How many tokens of a control are the fact itself: one that trains it as well is no control."""

from dataclasses import replace

import numpy as np
import pandas as pd

from tokenunlearn.experiments.arms import facts_among
from tokenunlearn.experiments.report import note_lines
from tokenunlearn.experiments.runner import ArmResult


def test_how_many_tokens_of_each_arm_are_the_fact_is_told_where_the_control_is() -> None:
    """Of seven tokens, five of them the fact, a control of five tokens trains three of it or more."""
    table = pd.DataFrame({"row_id": ["a"] * 7 + ["b"] * 2, "gold": [1.0] * 5 + [0.0] * 2 + [np.nan] * 2})
    drawn = {"a": np.array([1.0, 1, 0, 0, 1, 1, 1]), "b": np.ones(2)}
    assert facts_among(table, drawn) == (3, 5)  # of the row whose fact is marked
    assert facts_among(table.assign(gold=np.nan), drawn) is None
    found = [
        ArmResult(arm, seed, "last step", 1, {"fact_joint": 0.0}, facts=facts, chosen=5)
        for arm, seed, facts in (("chosen", 0, 5), ("random", 0, 3), ("random", 1, 4), ("gold", 0, 5))
    ]
    assert note_lines(found) == [
        "Tokens trained that are the marked fact: chosen, 5 of 5; random, 3 to 4 of 5. Of random these are "
        "more than half: a control that shows little."
    ]
    assert note_lines([replace(each, facts=None) for each in found]) == []
