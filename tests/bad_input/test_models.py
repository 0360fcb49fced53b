"""Bad model folders: the command line and the page say the same sentence; status 2, nothing is written."""

import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from app.actions import opening, status
from app.service import Service
from app.sessions.session import Options
from tests.asking import ask
from tests.tiny_rows import ROWS, write_rows
from tokenunlearn.cli import main

pytestmark = pytest.mark.slow

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"
CONFIG, WEIGHTS, TOKENIZER = "config.json", "model.safetensors", "tokenizer.json"
INDEX = "model.safetensors.index.json"
Damage = Callable[[Path], Any]


def text(name: str, content: str) -> Damage:
    """The file has another content."""
    return lambda folder: (folder / name).write_text(content)


def raw(name: str, content: bytes) -> Damage:
    return lambda folder: (folder / name).write_bytes(content)


def fields(name: str, **changed: Any) -> Damage:
    """A JSON file has other values; None takes one out."""

    def damage(folder: Path) -> None:
        record = {**json.loads((folder / name).read_text()), **changed}
        (folder / name).write_text(json.dumps({k: v for k, v in record.items() if v is not None}))

    return damage


def only(**config: Any) -> Damage:
    """The configuration is this one alone."""
    return text(CONFIG, json.dumps(config))


def weights(change: Callable[[dict[str, torch.Tensor]], Any]) -> Damage:
    """The weights are changed in place."""

    def damage(folder: Path) -> None:
        tensors = load_file(folder / WEIGHTS)
        change(tensors)
        save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})

    return damage


def cut(name: str, share: float) -> Damage:
    """Only the beginning of the file is there."""

    def damage(folder: Path) -> None:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: int(len(content) * share)])

    return damage


def without(*names: str) -> Damage:
    return lambda folder: [(folder / name).unlink() for name in names]


def sharded(weight_map: Any, *shards: str) -> Damage:
    """An index and empty shards in the place of the single file."""

    def damage(folder: Path) -> None:
        (folder / WEIGHTS).unlink()
        (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
        for shard in shards:
            save_file({"x": torch.zeros(1)}, folder / shard, metadata={"format": "pt"})

    return damage


def both(*damages: Damage) -> Damage:
    return lambda folder: [damage(folder) for damage in damages]


def random_model(kind: str, **settings: Any) -> Damage:
    """A random model of another family lies there, under the same tokenizer."""

    def damage(folder: Path) -> None:
        import transformers

        config = getattr(transformers, f"{kind}Config")(vocab_size=64, **settings)
        torch.manual_seed(0)
        model = transformers.AutoModelForCausalLM.from_config(config)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(3)
        model.save_pretrained(folder)

    return damage


def quantised(**record: Any) -> Damage:
    return fields(CONFIG, quantization_config=record)


SMALL = {"hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 1, "intermediate_size": 16}
HEADS = "model.layers.1.self_attn.q_proj.weight"
NEWER = json.dumps({"version": "2.0", "model": {"type": "Neural", "weights": 5}, "added_tokens": []})
DEEP = "[" * 100_000

CASES: dict[str, tuple[Damage, str]] = {
    "config is a list": (text(CONFIG, "[1]"), "does not describe a model"),
    "config is a number": (text(CONFIG, "5"), "does not describe a model"),
    "config is null": (text(CONFIG, "null"), "does not describe a model"),
    "config is empty": (text(CONFIG, ""), "config.json cannot be read"),
    "config is cut off": (cut(CONFIG, 0.5), "config.json cannot be read"),
    "config is no UTF-8": (raw(CONFIG, b'{"model_type": "\xff"}'), "config.json cannot be read"),
    "config is nested without end": (text(CONFIG, DEEP), "config.json cannot be read"),
    "config is a pointer": (text(CONFIG, POINTER), "config.json is a pointer of Git LFS"),
    "no model_type": (fields(CONFIG, model_type=None), "It is not a JSON object with a model_type"),
    "model_type is a list": (fields(CONFIG, model_type=["llama"]), "does not describe a model"),
    "unknown model_type": (fields(CONFIG, model_type="lama"), "is of an unknown kind, 'lama'"),
    "code of its own": (
        fields(CONFIG, model_type="own", auto_map={"AutoModelForCausalLM": "own.Model"}),
        "It needs code of its own, which is never run",
    ),
    "a model of pictures": (
        only(model_type="vit"),
        "not a language model that writes from left to right (vit)",
    ),
    "T5": (only(model_type="t5", is_encoder_decoder=True), "is an encoder-decoder (t5)"),
    "BART": (only(model_type="bart", is_encoder_decoder=True), "is an encoder-decoder (bart)"),
    "T5 that does not say it": (only(model_type="t5"), "not a language model that writes from left"),
    "mamba": (only(model_type="mamba"), "is a state-space model (mamba)"),
    "falcon_h1": (only(model_type="falcon_h1"), "is a state-space model (falcon_h1)"),
    "4 bit": (quantised(quant_method="bitsandbytes", load_in_4bit=True), "is quantised (bitsandbytes)"),
    "GPTQ": (quantised(quant_method="gptq", bits=4), "is quantised (gptq)"),
    "AWQ": (quantised(quant_method="awq", bits=4), "is quantised (awq)"),
    "FP8": (quantised(quant_method="fp8"), "Choose its unquantised checkpoint"),
    "quantised somehow": (fields(CONFIG, quantization_config=[4]), "is quantised (by a method it does not"),
    "FP8 weights": (
        weights(lambda t: t.update({HEADS: t[HEADS].to(torch.float8_e4m3fn)})),
        "are quantised (F8_E4M3)",
    ),
    "8 bit weights": (weights(lambda t: t.update({HEADS: t[HEADS].to(torch.int8)})), "are quantised (I8)"),
    "another width": (fields(CONFIG, hidden_size=32), "has the shape [60, 16] in its file, and [60, 32] by"),
    "another vocabulary": (fields(CONFIG, vocab_size=500), "does not fit its weights. lm_head.weight has"),
    "a width in words": (fields(CONFIG, hidden_size="wide"), "Validation error for field 'hidden_size'"),
    "no heads": (fields(CONFIG, num_attention_heads=0), "describes no model that can be built"),
    "no layers": (fields(CONFIG, num_hidden_layers=0), "do not depend on the tokens before it"),
    "heads that do not divide": (
        fields(CONFIG, num_attention_heads=3, head_dim=None),
        "describes no model that can",
    ),
    "unknown positions": (fields(CONFIG, rope_parameters={"rope_type": "spiral"}), "could not be loaded"),
    "unknown activation": (fields(CONFIG, hidden_act="wave"), "could not be loaded"),
    "more layers than weights": (fields(CONFIG, num_hidden_layers=3), "lack model.layers.2."),
    "no head": (weights(lambda t: t.pop("lm_head.weight")), "lack lm_head.weight, which would be random"),
    "a weight is missing": (weights(lambda t: t.pop(HEADS)), f"lack {HEADS}"),
    "weights of nothing": (
        weights(lambda t: t["model.norm.weight"].fill_(torch.nan)),
        "The model gives no numbers",
    ),
    "weights are a pointer": (text(WEIGHTS, POINTER), "model.safetensors is a pointer of Git LFS"),
    "weights are cut off": (cut(WEIGHTS, 0.7), "model.safetensors cannot be read"),
    "weights are empty": (raw(WEIGHTS, b""), "model.safetensors cannot be read"),
    "weights are text": (text(WEIGHTS, "no weights at all"), "model.safetensors cannot be read"),
    "a header of numbers": (
        raw(WEIGHTS, b"\x07" + bytes(7) + b'{"a":5}'),
        "model.safetensors cannot be read",
    ),
    "a header that is a list": (raw(WEIGHTS, b"\x02" + bytes(7) + b"[]"), "model.safetensors cannot be read"),
    "pickled weights": (both(without(WEIGHTS), raw("pytorch_model.bin", b"x")), "Its weights are pickled"),
    "no weights": (without(WEIGHTS), "has no safetensors weights"),
    "a shard is missing": (
        sharded({"a": "model-1.safetensors", "b": "model-2.safetensors"}, "model-1.safetensors"),
        "lacks 1 of 2 weight files. model.safetensors.index.json names model-2.safetensors",
    ),
    "shards of another model": (
        sharded({"x": "model-1.safetensors"}, "model-1.safetensors"),
        "are not complete. Its files lack lm_head.weight",
    ),
    "the index is a list": (sharded([1]), "The list of weight files"),
    "the index names numbers": (sharded({"a": 5}), "The list of weight files"),
    "the index leaves the folder": (sharded({"a": "../model.safetensors"}), "The list of weight files"),
    "the index is not JSON": (
        both(without(WEIGHTS), text(INDEX, "{")),
        "model.safetensors.index.json cannot be read",
    ),
    "no tokenizer": (without(TOKENIZER, "tokenizer_config.json"), "The tokenizer of"),
    "a newer tokenizer": (text(TOKENIZER, NEWER), "or of a newer version"),
    "the tokenizer is a pointer": (text(TOKENIZER, POINTER), "tokenizer.json is a pointer of Git LFS"),
    "the tokenizer is a list": (text(TOKENIZER, "[]"), "tokenizer.json cannot be read"),
    "the tokenizer is cut off": (cut(TOKENIZER, 0.5), "tokenizer.json cannot be read"),
    "tokenizer_config is a list": (
        text("tokenizer_config.json", "[]"),
        "tokenizer_config.json cannot be read",
    ),
    "a tokenizer of code": (
        fields(
            "tokenizer_config.json", tokenizer_class="OwnTokenizer", auto_map={"AutoTokenizer": ["o.O", None]}
        ),
        "contains custom code",
    ),
    "generation_config is a list": (
        text("generation_config.json", "[]"),
        "generation_config.json cannot be read",
    ),
    "an end in quotes": (
        text("generation_config.json", '{"eos_token_id": "1"}'),
        "eos_token_id holds '1', which is no token's number",
    ),
    "an end in a list of lists": (
        text("generation_config.json", '{"eos_token_id": [1, [2]]}'),
        "eos_token_id holds [2], which is no token's number",
    ),
    "an adapter lies beside it": (
        text("adapter_config.json", json.dumps({"peft_type": "LORA"})),
        "holds a model and an adapter",
    ),
    "only an adapter": (
        both(without(CONFIG), text("adapter_config.json", "{}")),
        "What it holds is an adapter",
    ),
    "ALiBi": (
        random_model("Bloom", hidden_size=16, n_head=2, n_layer=1),
        "moves the tokens after it (ALiBi)",
    ),
    "an encoder": (random_model("Bert", **SMALL), "it is not a causal model"),
    "an encoder that calls itself decoder": (
        random_model("Roberta", is_decoder=True, **SMALL),
        "are others beside other rows",
    ),
    "a recurrent model": (
        random_model("Rwkv", hidden_size=16, num_hidden_layers=2),
        "hidden from its attention still changes the others",
    ),
}


@pytest.fixture(scope="module")
def service(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Service:
    """A live page on one row; what fails to open leaves its model where it is."""
    place = tmp_path_factory.mktemp("page")
    rows = write_rows(place / "rows.jsonl", ROWS[:1])
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr("app.sessions.opening.measure_before", lambda *_: None)
        made = Service(Options(str(tiny_folder), data=str(rows), runs=place / "runs"))
        made.sessions.load_now()
    assert made.sessions.stage.name == "live", made.sessions.stage.error
    return made


@pytest.fixture
def damaged(tiny_folder: Path, tmp_path: Path, request: pytest.FixtureRequest) -> tuple[Path, str]:
    """The folder of a case, and the words that it must be refused with."""
    damage, words = CASES[request.param]
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "model"))
    damage(folder)
    return folder, words


def everything(folder: Path) -> list[str]:
    return sorted(str(each.relative_to(folder)) for each in folder.rglob("*"))


@pytest.mark.parametrize("damaged", CASES, indirect=True)
def test_both_doors_say_why(
    damaged: tuple[Path, str], service: Service, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, words = damaged
    rows = write_rows(tmp_path / "rows.jsonl", ROWS[:1])
    before = everything(tmp_path)
    # Where the processor computes bf16, auto is that: what a random encoder sees ahead passes for rounding.
    fp32 = ["--precision", "fp32"]
    code = main(["score", str(rows), "--model", str(folder), *fp32, "--out", str(tmp_path / "out.parquet")])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err and code == 2, captured.err
    (said,) = [line for line in captured.err.splitlines() if line.startswith("error: ")]
    assert words in said
    assert captured.out == "" and everything(tmp_path) == before

    known = service.sessions.session.model
    ask(opening.open_model, service, {"source": "folder", "name": str(folder), "precision": "fp32"})
    for thread in threading.enumerate():
        if thread.name == "load":
            thread.join(60)
    chip = status.chips(service)["opening"]
    assert chip["state"] == "error" and chip["error"] in said
    assert service.sessions.session.model is known
    opening.cancel_opening(service)
