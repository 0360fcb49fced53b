"""Every objective and every signal against a case worked out on paper (tests/cases/formulas.jsonl)."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tokenunlearn.objectives import OBJECTIVES, TokenBatch
from tokenunlearn.signals import SIGNALS, RowPasses

CASES = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "cases" / "formulas.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()
]
OF_KIND = {kind: [case for case in CASES if case["kind"] == kind] for kind in ("objective", "signal")}


def array(values: list[object]) -> np.ndarray:
    """JSON's null is NaN: no score."""
    return np.array(values, dtype=np.float64)


@pytest.mark.parametrize("kind, registry", [("objective", OBJECTIVES), ("signal", SIGNALS)])
def test_every_registry_entry_has_a_case_with_its_derivation(kind: str, registry: object) -> None:
    named = {case["name"] for case in OF_KIND[kind]}
    assert named == set(registry)  # type: ignore[call-overload]
    assert all(len(case["why"]) > 20 for case in OF_KIND[kind])


@pytest.mark.parametrize("case", OF_KIND["objective"], ids=lambda case: case["name"])
def test_objective(case: dict) -> None:
    entry = OBJECTIVES[case["name"]]
    reference = case.get("reference")
    batch = TokenBatch(
        torch.tensor(case["p"]).log(),
        torch.tensor(reference).log() if reference else None,
        torch.tensor(case["weights"], dtype=torch.float32),
        torch.tensor(case["mask"], dtype=torch.bool),
    )
    loss = entry.function(batch, entry.settings(**case["settings"]))
    assert float(loss.total) / loss.count == pytest.approx(case["expected"], abs=1e-6)


@pytest.mark.parametrize("case", OF_KIND["signal"], ids=lambda case: case["name"])
def test_signal(case: dict) -> None:
    entry = SIGNALS[case["name"]]
    values = entry.function(RowPasses(**{name: array(column) for name, column in case["passes"].items()}))
    np.testing.assert_allclose(values, array(case["expected"]), atol=1e-12)


@pytest.mark.parametrize("case", OF_KIND["signal"], ids=lambda case: case["name"])
def test_the_case_holds_the_passes_that_the_entry_names(case: dict) -> None:
    assert set(SIGNALS[case["name"]].passes) <= {name.removesuffix("_entropy") for name in case["passes"]}
