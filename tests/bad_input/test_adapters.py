"""Damaged adapters, adapters of another model and kinds that are not served: one sentence, by every door.

Exit status 2, no traceback and nothing written for `probe`, `score` and `unlearn`; on the page the same
sentence, and what was open stays open. Most are told before a model is read.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from app.actions import opening
from tests.asking import ask
from tests.page_service import live_service
from tests.tiny_rows import RETAIN, ROWS, tiny, write_rows
from tokenunlearn.cli import main
from tokenunlearn.models.adapter_files import CONFIG, WEIGHTS
from tokenunlearn.models.adapters import lora_model

pytestmark = pytest.mark.slow

Change = Callable[[Path], Any]
A = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"


def configured(**settings: Any) -> Change:
    """Write other settings; None takes one away."""

    def change(folder: Path) -> None:
        record = json.loads((folder / CONFIG).read_text()) | settings
        kept = {name: value for name, value in record.items() if value is not None}
        (folder / CONFIG).write_text(json.dumps(kept))

    return change


def written(name: str, content: bytes | str) -> Change:
    content = content.encode() if isinstance(content, str) else content
    return lambda folder: (folder / name).write_bytes(content)


def weighed(change: Callable[[dict[str, torch.Tensor]], Any]) -> Change:
    """Write other weights."""

    def changed(folder: Path) -> None:
        weights = load_file(folder / WEIGHTS)
        change(weights)
        save_file(weights, folder / WEIGHTS)

    return changed


def cut(folder: Path) -> None:
    content = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(content[: len(content) // 2])


def into_folders(folder: Path) -> None:
    for name in ("first", "second"):
        shutil.copytree(folder, folder.parent / "copy")
        shutil.move(folder.parent / "copy", folder / name)
    (folder / CONFIG).unlink()


def pickled(folder: Path) -> None:
    torch.save(load_file(folder / WEIGHTS), folder / "adapter_model.bin")
    (folder / WEIGHTS).unlink()


def as_folder(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    (folder / WEIGHTS).mkdir()


DAMAGED: dict[str, tuple[Change, str]] = {
    "a list": (written(CONFIG, "[]"), "is damaged. adapter_config.json holds a list, not an object."),
    "a number": (written(CONFIG, "5"), "holds a int, not an object"),
    "a text": (written(CONFIG, '"LORA"'), "holds a str, not an object"),
    "null": (written(CONFIG, "null"), "holds a NoneType, not an object"),
    "cut JSON": (written(CONFIG, '{"peft_type": "LO'), "adapter_config.json is not JSON"),
    "empty configuration": (written(CONFIG, ""), "adapter_config.json is not JSON"),
    "no UTF-8": (written(CONFIG, b'{"peft_type": "\xff\xfe"}'), "adapter_config.json is not JSON"),
    "nested for ever": (written(CONFIG, "[" * 100_000), "adapter_config.json is not JSON"),
    "no configuration": (lambda folder: (folder / CONFIG).unlink(), "adapter_config.json is missing"),
    "several adapters": (into_folders, "Name one of its folders: first, second."),
    "no peft_type": (configured(peft_type=None), "It has no peft_type"),
    "peft_type 5": (configured(peft_type=5), "It has no peft_type"),
    "no rank": (configured(r=None), "It has no r. It must be a whole number above 0."),
    "rank 0": (configured(r=0), "r is 0. It must be a whole number above 0."),
    "rank below 0": (configured(r=-4), "r is -4"),
    "rank as text": (configured(r="2"), "r is '2'"),
    "rank true": (configured(r=True), "r is True"),
    "half a rank": (configured(r=2.5), "r is 2.5"),
    "another rank": (configured(r=3), "It says rank 3, but"),
    "a rank beyond memory": (configured(r=10**12, rank_pattern={"q_proj": 2}), "It says rank 1000000000000"),
    "a rank of 300 digits": (configured(r=10**300), "It says rank 1000"),
    "no scale": (configured(lora_alpha=None), "It has no lora_alpha. It must be a number."),
    "scale as text": (configured(lora_alpha="4"), "lora_alpha is '4'"),
    "scale NaN": (configured(lora_alpha=float("nan")), "lora_alpha is nan"),
    "scale beyond floats": (configured(lora_alpha=10**400), "lora_alpha is 1000"),
    "no targets": (configured(target_modules=None), "It has no target_modules"),
    "targets 5": (configured(target_modules=5), "target_modules is 5"),
    "targets [1]": (configured(target_modules=[1]), "target_modules is [1]"),
    "a broken pattern": (configured(target_modules="(q"), "does not fit the model"),
    "targets nowhere": (configured(target_modules=["query"]), "does not fit the model"),
    "ranks as list": (configured(rank_pattern=[2]), "rank_pattern is [2]"),
    "rank 0 of a module": (configured(rank_pattern={"q_proj": 0}), "rank_pattern is {'q_proj': 0}"),
    "scales as text": (configured(alpha_pattern={"q_proj": "4"}), "alpha_pattern is {'q_proj': '4'}"),
    "layers as text": (configured(layers_to_transform="all"), "layers_to_transform is 'all'"),
    "modules 5": (configured(modules_to_save=5), "modules_to_save is 5"),
    "start 5": (configured(init_lora_weights=5), "init_lora_weights is 5"),
    "no weights file": (lambda folder: (folder / WEIGHTS).unlink(), "has no adapter_model.safetensors"),
    "pickled weights": (pickled, "Only safetensors weights are loaded"),
    "weights a folder": (as_folder, "has no adapter_model.safetensors"),
    "empty weights": (written(WEIGHTS, ""), "is damaged. The file is incomplete or no safetensors file"),
    "cut weights": (cut, "is damaged. The file is incomplete or no safetensors file"),
    "a pointer": (written(WEIGHTS, "version https://git-lfs.github.com/spec/v1"), "is damaged"),
    "no tensor": (weighed(dict.clear), "It holds no weights"),
    "NaN": (weighed(lambda weights: weights[A].fill_(float("nan"))), "that are not finite numbers"),
    "whole numbers": (weighed(lambda each: each.update({A: each[A].long()})), "that are not finite numbers"),
    "one dimension": (weighed(lambda each: each.update({A: each[A][0].clone()})), "It says rank 2, but"),
    "another width": (weighed(lambda each: each.update({A: torch.ones(2, 5)})), "PEFT says: "),
    "one weight too many": (
        weighed(lambda each: each.update({A.replace("layers.0", "layers.7"): each[A].clone()})),
        "The model has no place for model.layers.7.self_attn.q_proj.lora_A.weight",
    ),
    "a weight missing": (weighed(lambda each: each.pop(A)), "It has no weights for model.layers.0.self_attn"),
    "IA3": (configured(peft_type="IA3"), "cannot be opened. Only LoRA is checked here"),
    "prompt tuning": (configured(peft_type="PROMPT_TUNING"), "(peft_type: PROMPT_TUNING)"),
    "an unknown method": (configured(peft_type="NOTHING"), "(peft_type: NOTHING)"),
    "another task": (configured(task_type="SEQ_CLS"), "It is for another task"),
    "PiSSA": (configured(init_lora_weights="pissa_niter_4"), "Its start changes the base model"),
    "CorDA": (configured(init_lora_weights="corda"), "(init_lora_weights: corda)"),
    "repeated layers": (configured(layer_replication=[[0, 1]]), "It repeats layers"),
    "trained biases": (
        weighed(lambda each: each.update({A.replace("lora_A.weight", "bias"): torch.ones(2)})),
        "PEFT leaves trained biases in place",
    ),
    "aLoRA": (configured(alora_invocation_tokens=[1]), "(alora_invocation_tokens)"),
    "a setting of tomorrow": (configured(use_newlora=True), "not checked here (use_newlora)"),
}  # fmt: skip
UNTRAINABLE = {
    "use_dora": True, "lora_bias": True, "modules_to_save": ["lm_head"], "trainable_token_indices": [5],
    "target_parameters": ["mlp.experts.down_proj"],
}  # fmt: skip


@pytest.fixture(scope="module")
def good(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter that PEFT has written, of rank 2."""
    folder = tmp_path_factory.mktemp("good")
    lora_model(tiny(tiny_folder).model, 2, 4.0).save_pretrained(folder)
    return folder


@pytest.fixture
def place(good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with rows and a copy of the adapter."""
    monkeypatch.chdir(tmp_path)
    write_rows(tmp_path / "rows.jsonl", ROWS[:2], RETAIN[:1])
    shutil.copytree(good, tmp_path / "adapter")
    return tmp_path


def said(arguments: list[str], tiny_folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What a verb says that must end with status 2 and leave nothing behind."""
    before = sorted(map(str, Path().rglob("*")))
    assert main([*arguments, "--model", str(tiny_folder), "--adapter", "adapter", "--precision", "fp32"]) == 2
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err and captured.out == ""
    assert sorted(map(str, Path().rglob("*"))) == before
    return captured.err.split("error: ", 1)[1]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", DAMAGED)
def test_it_is_one_sentence_by_every_door(
    name: str, place: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change, sentence = DAMAGED[name]
    change(place / "adapter")
    verbs = {"probe": "o.json", "score": "o.csv", "unlearn": "o"}
    sentences = [said([verb, "rows.jsonl", "--out", out], tiny_folder, capsys) for verb, out in verbs.items()]
    assert sentence in sentences[0]
    assert len(set(sentences[:2])) == 1 and sentence in sentences[2]
    service = live_service(place / "page")
    open_model = service.sessions.session.model
    ask(
        opening.open_model,
        service,
        {"source": "folder", "name": str(tiny_folder), "adapter": "adapter", "precision": "fp32"},
    )
    load = service.sessions.opening
    assert load is not None and load.scored.wait(60) and load.stage.name == "error"
    assert sentence in load.stage.error and service.sessions.session.model is open_model


@pytest.mark.parametrize("setting", UNTRAINABLE)
@pytest.mark.parametrize("verb", ["unlearn", "teach", "compare"])
def test_what_cannot_be_trained_on_is_told_before_a_model_is_read(
    verb: str, setting: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configured(**{setting: UNTRAINABLE[setting]})(place / "adapter")
    out = "o.jsonl" if verb == "compare" else "o"
    told = said([verb, "rows.jsonl", "--out", out], Path("/no/model/is/read"), capsys)
    assert "can be scored and probed, but not trained on" in told and f"({setting}: " in told
    assert "merge_and_unload" in told


@pytest.mark.usefixtures("place")
def test_a_file_and_no_path_are_no_folder(tiny_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("rows.jsonl", "nothing/here", "a" * 5000):
        arguments = ["score", "rows.jsonl", "--out", "o.csv", "--model", str(tiny_folder), "--adapter", name]
        assert main(arguments) == 2
        assert "No adapter could be read in " in capsys.readouterr().err
