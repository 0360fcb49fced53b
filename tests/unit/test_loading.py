"""A name to a model: what loads, what is refused in words, what the model answers."""

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.tiny_rows import ROWS, tiny
from tokenunlearn.errors import ModelError
from tokenunlearn.models.language_model import LanguageModel
from tokenunlearn.models.loading import load_model, resolve_precision, text_hash
from tokenunlearn.models.weights import fingerprint
from tokenunlearn.text.encoding import encode_prompt


@pytest.fixture(scope="module")
def loaded(tiny_folder):
    return tiny(tiny_folder)


def test_a_folder_loads_in_the_named_precision(loaded, tiny_folder) -> None:
    assert loaded.model.dtype == torch.float32 and not loaded.model.training
    assert loaded.provenance() == {
        "model": str(tiny_folder),
        "adapter": "none",
        "precision": f"fp32 on {loaded.device.type}",
        "weights": text_hash(fingerprint(tiny_folder), ""),
    }
    assert isinstance(loaded, LanguageModel)
    assert load_model(str(tiny_folder), precision="bf16").model.dtype == torch.bfloat16


def test_weights_are_known_by_what_they_are_not_by_where_they_lie(tiny_folder, tmp_path) -> None:
    tensors = load_file(tiny_folder / "model.safetensors")
    names = sorted(tensors, reverse=True)
    shards = {name: f"part-{int(at >= 5)}.safetensors" for at, name in enumerate(names)}
    for part, half in enumerate((names[:5], names[5:])):
        save_file({name: tensors[name] for name in half}, tmp_path / f"part-{part}.safetensors", {"by": "me"})
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": shards}), encoding="utf-8")
    assert fingerprint(tmp_path) == fingerprint(tiny_folder)
    last = names[-1]
    changed = {**{name: tensors[name] for name in names[5:]}, last: tensors[last] + 0.01}
    save_file(changed, tmp_path / "part-1.safetensors")
    assert fingerprint(tmp_path) != fingerprint(tiny_folder)


def test_precision_is_probed_or_told() -> None:
    assert resolve_precision("fp32") == ("fp32", torch.float32)
    assert resolve_precision("bf16") == ("bf16", torch.bfloat16)
    word, kind = resolve_precision("auto")
    assert kind == {"fp32": torch.float32, "bf16": torch.bfloat16}[word]
    with pytest.raises(ModelError, match="fp32, bf16"):
        resolve_precision("fp8")


@pytest.mark.parametrize("name", ["/no/such/folder", "no such folder", "./nothing/at/all"])
def test_a_missing_folder_is_named(name: str) -> None:
    with pytest.raises(ModelError, match="does not exist") as caught:
        load_model(name)
    assert name in str(caught.value)


def test_a_folder_without_a_model_is_named(tmp_path) -> None:
    with pytest.raises(ModelError, match="no config.json"):
        load_model(str(tmp_path))


def test_broken_files_are_one_sentence(tmp_path, tiny_folder) -> None:
    folder = shutil.copytree(tiny_folder, tmp_path / "broken")
    (folder / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(ModelError, match="model.safetensors cannot be read. The file is damaged"):
        load_model(str(folder), precision="fp32")


def test_pickled_weights_are_refused(tmp_path, tiny_folder) -> None:
    folder = shutil.copytree(tiny_folder, tmp_path / "pickled")
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="has no safetensors weights. Its weights are pickled"):
        load_model(str(folder), precision="fp32")


@pytest.mark.parametrize(
    "files, words",
    [
        ({}, "No adapter could be read"),
        ({"adapter_config.json": "{"}, "is damaged"),
        ({"adapter_config.json": json.dumps({"peft_type": "IA3"})}, "has no adapter_model.safetensors"),
    ],
)
def test_a_bad_adapter_is_told_before_the_model_loads(tmp_path, files, words) -> None:
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    with pytest.raises(ModelError, match=words):
        load_model("owner/never-asked-for", tmp_path) if not files else load_model(None, tmp_path)


def test_token_log_probs_carry_offsets(loaded) -> None:
    (found,) = loaded.token_log_probs([(ROWS[0].question, ROWS[0].answer)])
    assert len(found) == len(ROWS[0].answer) and (found.log_probs < 0).all()
    np.testing.assert_array_equal(found.ends - found.starts, 1)


def test_generation_is_the_greedy_loop_whatever_stands_beside_it(loaded) -> None:
    questions = ["Who?", "Where was Ada Moss born, and when?", "Why so?"]
    together = loaded.generate(questions, 6)
    assert together == [loaded.generate([question], 6)[0] for question in questions]
    ids = list(encode_prompt(loaded.tokenizer, questions[1]))
    start = len(ids)
    with torch.no_grad():
        while len(ids) < start + 6 and (ids[-1] != loaded.tokenizer.eos_token_id or len(ids) == start):
            ids.append(int(loaded.model(torch.tensor([ids])).logits[0, -1].argmax()))
    assert together[1] == loaded.tokenizer.decode(ids[start:], skip_special_tokens=True).strip()
    assert loaded.generate([], 6) == []


def test_text_hash_tells_parts_apart() -> None:
    assert text_hash("ab", "c") != text_hash("a", "bc") and len(text_hash("x")) == 12
