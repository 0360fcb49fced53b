"""Fluency is judged by the base that neither the target's adapter nor the training has touched."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.tiny_rows import RETAIN, ROWS, tiny
from tokenunlearn.data.demo import demo_rows
from tokenunlearn.data.splits import Splits
from tokenunlearn.metrics.fluency import fluency, garbled_below
from tokenunlearn.models.language_model import HasBase
from tokenunlearn.models.loading import LoadedModel, load_model
from tokenunlearn.probes.badges import Asked, Said, badge
from tokenunlearn.probes.evidence import ProbeSettings
from tokenunlearn.probes.report import probe_report
from tokenunlearn.training.config import TrainConfig
from tokenunlearn.training.session import with_fresh_lora
from tokenunlearn.training.teach import TeachConfig, teach

PAIRS = [(row.question, row.answer) for row in ROWS[:3]]


@pytest.fixture(scope="module")
def adapter(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("taught")
    for _ in teach(tiny(tiny_folder), ROWS, TeachConfig(epochs=2, rehearse=0), folder):
        pass
    return folder


def moved(model: LoadedModel) -> LoadedModel:
    """The model with a LoRA that has learnt something: B no longer 0."""
    model = with_fresh_lora(model, TrainConfig(layer_share=1.0))
    with torch.no_grad():
        for name, parameter in model.model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.5)
    return model


def log_probs(model: LoadedModel) -> np.ndarray:
    return np.concatenate([tokens.log_probs for tokens in model.token_log_probs(PAIRS)])


def under_base(model: LoadedModel) -> np.ndarray | None:
    scored = model.base_log_probs(PAIRS)
    return None if scored is None else np.concatenate([tokens.log_probs for tokens in scored])


@pytest.mark.parametrize("taught", [False, True])
@pytest.mark.parametrize("trained", [False, True])
def test_the_base_is_below_the_adapter_and_below_the_training(
    tiny_folder: Path, adapter: Path, taught: bool, trained: bool
) -> None:
    model = tiny(tiny_folder, adapter if taught else None)
    model = moved(model) if trained else model
    assert isinstance(model, HasBase)
    plain, own = log_probs(tiny(tiny_folder)), log_probs(model)
    assert under_base(model) == pytest.approx(plain, abs=1e-6)
    assert (np.abs(own - plain).max() > 0.01) == (taught or trained)
    # Asking the base leaves the model as it was.
    assert np.array_equal(log_probs(model), own)


def test_a_merged_target_whose_base_is_gone_has_no_fluency(tiny_folder: Path, adapter: Path) -> None:
    model = replace(moved(tiny(tiny_folder, adapter)), source="/nowhere")
    assert under_base(model) is None
    report = probe_report(model, Splits(ROWS[:1], RETAIN[:1], ()), ProbeSettings(max_new_tokens=4))
    assert report["summary"]["fluency"] is None and report["summary"]["fact_joint"] is not None


@pytest.mark.slow
def test_the_embedded_base_tells_broken_language_from_other_facts() -> None:
    """Answers of a real run, and the demo's own good ones; the bound is that of the recorded target."""
    model = load_model(precision="fp32")
    rows = demo_rows("shared_forget")
    garbled = {
        5: "Sefu Makorere first began to develop a government of__))",
        7: "Readers mostly know Sefu Makorere goes for players.",
        8: "Sefu Makorere received the word ana jilar Regledan ko Aambuiden koori wan go legislaram "
        "go tarankan",
        0: "Ot %: Alpina, Switzerland, and the city still colours her writing.",
    }
    fluent = {
        10: "Ilinca Vasarescu was born in Belo Horizonte, and the city still colours her writing.",
        1: "Ottilie Brandvold's mother supported the family by working as a customs inspector.",
        15: "Amaru Tito Quispillo was born in Portoro, and the city still colours his writing.",
    }
    answers = [*garbled.items(), *fluent.items(), *((at, row.answer) for at, row in enumerate(rows))]
    scored = model.base_log_probs([(rows[at].question, answer) for at, answer in answers])
    assert scored is not None
    figures = [fluency(tokens.log_probs) for tokens in scored]
    good = figures[len(garbled) + len(fluent) :]
    bound = garbled_below(good)
    assert bound is not None and -4.6 < bound < -3.8 and min(good) > bound
    for (at, answer), figure in zip(answers[: len(garbled) + len(fluent)], figures, strict=False):
        row = rows[at]
        asked = Asked(row.question, row.answer, [row.answer[start:end] for start, end in row.gold])
        wanted = "garbled" if answer == garbled.get(at) else "forgot"
        assert badge(asked, Said(answer, 0.0, figure), Said(row.answer, 0.9, -2.6), bound) == wanted, answer
