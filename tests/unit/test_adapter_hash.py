"""An adapter has one hash, of one file, wherever it is shown; a run that goes on has one of all its files."""

import hashlib
from pathlib import Path

import pytest

from tokenunlearn.errors import ModelError
from tokenunlearn.models.adapter_files import CONFIG, WEIGHTS, adapter_hash
from tokenunlearn.models.loading import LoadedModel
from tokenunlearn.training.origin import FILES, differences, model_asked_for


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    folder = tmp_path / "target"
    folder.mkdir()
    (folder / WEIGHTS).write_bytes(b"weights")
    (folder / CONFIG).write_text('{"lora_alpha": 8}')
    return folder


def test_the_chip_and_the_report_show_one_hash_of_the_weights(adapter: Path) -> None:
    expected = hashlib.sha256(b"weights").hexdigest()[:12]
    assert adapter_hash(adapter) == expected
    assert model_asked_for(None, adapter, "fp32")["adapter"] == f"target @{expected}"
    loaded = LoadedModel(None, None, "tiny", "", str(adapter), "fp32")
    assert loaded._adapter_hash == expected


def test_other_settings_of_an_adapter_are_another_adapter(adapter: Path) -> None:
    ours = model_asked_for(None, adapter, "fp32")
    assert differences(ours, ours) == []
    # What an older version wrote has the hash of all files in the one place.
    older = {name: value for name, value in ours.items() if name != FILES} | {"adapter": ours[FILES]}
    assert differences(older, ours) == []
    (adapter / CONFIG).write_text('{"lora_alpha": 16}')
    changed = model_asked_for(None, adapter, "fp32")
    assert changed["adapter"] == ours["adapter"]
    (said,) = differences(ours, changed)
    assert said.startswith(f"{FILES} is target @")
    assert len(differences(older, changed)) == 1


def test_a_model_folder_without_a_model_has_no_identity(tmp_path: Path) -> None:
    """A hash of nothing would be the same for each of them."""
    with pytest.raises(ModelError, match="holds no model any more"):
        model_asked_for(str(tmp_path), tmp_path, "fp32")
