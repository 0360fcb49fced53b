"""Every objective and every signal against a case worked out on paper (tests/cases/formulas.jsonl)."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.token_batches import batch_of
from tokenunlearn.objectives import OBJECTIVES, RETAINS
from tokenunlearn.signals import SIGNALS, RowView
from tokenunlearn.text.spans import punctuation, stop_words, word_ids

CASES = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "cases" / "formulas.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()
]
OF_KIND = {
    kind: [case for case in CASES if case["kind"] == kind] for kind in ("objective", "retain", "signal")
}
TENSORS = ("logits", "reference_logits", "hidden", "reference_hidden")


def array(values: list[object]) -> np.ndarray:
    """JSON's null is NaN: no score."""
    return np.array(values, dtype=np.float64)


@pytest.mark.parametrize(
    "kind, registry", [("objective", OBJECTIVES), ("retain", RETAINS), ("signal", SIGNALS)]
)
def test_every_registry_entry_has_a_case_with_its_derivation(kind: str, registry: object) -> None:
    named = {case["name"] for case in OF_KIND[kind]}
    assert named == set(registry)  # type: ignore[call-overload]
    assert all(len(case["why"]) > 20 for case in OF_KIND[kind])


def columns_of(case: dict) -> dict[str, torch.Tensor]:
    """The log-probabilities of a case, and the reference's where it has them; padding may hold anything."""
    columns = {"log_probs": torch.tensor(case["p"]).log()}
    return columns | ({"reference": torch.tensor(case["reference"]).log()} if "reference" in case else {})


@pytest.mark.parametrize("case", OF_KIND["objective"] + OF_KIND["retain"], ids=lambda case: case["name"])
def test_a_term_of_the_loss(case: dict) -> None:
    kind = case["kind"]
    entry = (OBJECTIVES if kind == "objective" else RETAINS)[case["name"]]
    found = {"targets": case.get("targets")}
    found |= {name: torch.tensor(case[name]) for name in TENSORS if name in case}
    if "p" in case:
        found |= columns_of(case)
    if "other" in case:
        other = case["other"]
        found["other_answer"] = batch_of(other["mask"], other["mask"], **columns_of(other))
    batch = batch_of(case["weights"], case["mask"], **found)
    settings = entry.settings(**case["settings"]) if kind == "objective" else None
    state = {name: torch.tensor(value) for name, value in case.get("state", {}).items()}
    loss = entry.function(batch, settings, state)
    assert float(loss.total) / loss.count == pytest.approx(case["expected"], abs=1e-6)


def row_of(case: dict) -> RowView:
    """The row of a case: its tokens, one beside the other, are the answer; flags are those of the text."""
    found = {
        name: {key: array(column) for key, column in of.items()}
        for name, of in case.get("passes", {}).items()
    }
    tokens = case.get("tokens", ["x"] * len(case["expected"]))
    ends = np.cumsum([len(token) for token in tokens]).tolist()
    offsets, answer = tuple(zip([0, *ends], ends, strict=False)), "".join(tokens)
    nothing = np.zeros(len(tokens))
    return RowView(
        question=case.get("question", ""),
        answer=answer,
        offsets=offsets,
        words=word_ids(answer, offsets),
        subject=nothing.astype(bool),
        stop=stop_words(answer, offsets),
        punctuation=punctuation(answer, offsets),
        gold=nothing,
        random_key=array(case.get("random_key", nothing)),
        measured=found,
    )


def name_and_place(case: dict) -> str:
    return f"{case['name']} {case.get('question', '')}".strip()


@pytest.mark.parametrize("case", OF_KIND["signal"], ids=name_and_place)
def test_signal(case: dict) -> None:
    entry = SIGNALS[case["name"]]
    values = entry.of(row_of(case), entry.settings())
    np.testing.assert_allclose(values, array(case["expected"]), atol=1e-12)


@pytest.mark.parametrize("case", OF_KIND["signal"], ids=name_and_place)
def test_the_case_holds_the_passes_that_the_entry_names_and_no_other(case: dict) -> None:
    entry = SIGNALS[case["name"]]
    assert set(entry.passes_of(entry.settings())) == set(case.get("passes", {}))
