"""Fluency is judged by the base that neither the target's adapter nor the training has touched."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.tiny_rows import RETAIN, ROWS, tiny
from tokenunlearn.data.splits import Splits
from tokenunlearn.errors import ModelError
from tokenunlearn.models.language_model import HasBase
from tokenunlearn.models.loading import LoadedModel
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


def under_base(model: LoadedModel) -> np.ndarray:
    return np.concatenate([tokens.log_probs for tokens in model.base_log_probs(PAIRS)])


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
    with pytest.raises(ModelError):
        under_base(model)
    report = probe_report(model, Splits(ROWS[:1], RETAIN[:1], ()), ProbeSettings(max_new_tokens=4))
    assert "no safetensors weights" in report["unjudged"]
    assert report["summary"]["fluency"] is None and report["summary"]["fact_joint"] is not None


def test_the_base_of_a_merged_target_is_only_its_weights(
    tiny_folder: Path, adapter: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "copy"))
    model, plain = moved(tiny(folder, adapter)), log_probs(tiny(folder))
    for file in folder.glob("tokenizer*"):
        file.unlink()  # the model has its own, which still cuts the text
    assert under_base(model) == pytest.approx(plain, abs=1e-6)
