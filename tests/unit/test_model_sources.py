"""Models that are not simply there: of a hub (one of this machine), too large, with a foreign adapter."""

import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM

from tests.tiny_rows import tiny
from tokenunlearn.errors import ModelError
from tokenunlearn.models.adapters import lora_model
from tokenunlearn.models.hub import hub_folder
from tokenunlearn.models.loading import load_model
from tokenunlearn.models.weights import counted_bytes, folder_bytes, refuse_too_large

pytestmark = pytest.mark.slow

COMMIT = "a" * 40


class Hub(BaseHTTPRequestHandler):
    """Answers as the hub does: one model, its files; a gated one; one without safetensors; a huge one."""

    folder: Path
    asked: list[str] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        path = self.path.split("?")[0]
        if path.startswith("/api/models/"):
            return self.info(path.removeprefix("/api/models/"))
        file = self.folder / path.split("/")[-1]
        headers = {"ETag": f'"{file.name}"', "X-Repo-Commit": COMMIT}
        return self.answer(200, file.read_bytes(), **headers)

    do_HEAD = do_GET

    def info(self, name: str) -> None:
        if name == "own/gated":
            return self.answer(403, b"{}", **{"X-Error-Code": "GatedRepo"})
        if name not in ("own/tiny", "own/pickled", "own/huge"):
            return self.answer(404, b"{}", **{"X-Error-Code": "RepoNotFound"})
        files = [path for path in self.folder.iterdir() if name != "own/pickled" or path.suffix == ".json"]
        siblings = [{"rfilename": path.name, "size": path.stat().st_size} for path in files]
        siblings += [{"rfilename": "code.py", "size": 1}, {"rfilename": "onnx/config.json", "size": 1}]
        record: dict[str, Any] = {"id": name, "sha": COMMIT, "siblings": siblings}
        if name == "own/huge":
            record["safetensors"] = {"parameters": {"BF16": 10**14}, "total": 10**14}
        return self.answer(200, json.dumps(record).encode())

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing is said."""


@pytest.fixture
def hub(tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a hub that has the tiny model; what is fetched lies in a folder of the test."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    Hub.folder, Hub.asked = tiny_folder, []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_model_is_fetched_file_by_file_and_loads_from_its_folder(hub: str, tiny_folder: Path) -> None:
    shares: list[float] = []
    folder = hub_folder("own/tiny", torch.float32, shares.append, hub)
    assert shares == sorted(shares) and shares[0] == 0 and len(shares) > 3
    assert {path.name for path in folder.iterdir()} == {path.name for path in tiny_folder.iterdir()}
    assert load_model(str(folder), precision="fp32").model.device.type in ("cpu", "cuda")
    # nothing that could run code, and no other format of the weights, was asked for
    assert not [path for path in Hub.asked if "code.py" in path or "onnx" in path]


@pytest.fixture
def sharded(tiny_folder: Path, tmp_path: Path) -> Path:
    """The tiny model in two shards; beside them lie weights and an adapter that are not the model's."""
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "sharded"))
    (folder / "model.safetensors").unlink()
    tiny(tiny_folder).model.save_pretrained(folder, max_shard_size="16KB")
    assert len(list(folder.glob("model-*.safetensors"))) == 2
    (folder / "consolidated.safetensors").write_bytes(bytes(10**6))
    return folder


def test_only_the_weights_that_the_index_names_are_counted_and_fetched(hub: str, sharded: Path) -> None:
    parameters = sum(each.numel() for each in tiny(sharded).model.parameters())
    assert folder_bytes(sharded, torch.float32) == 4 * parameters
    (sharded / "adapter_config.json").write_text("{}")
    Hub.folder = sharded
    folder = hub_folder("own/tiny", torch.float32, lambda _: None, hub)
    assert {path.name for path in sharded.iterdir()} - {path.name for path in folder.iterdir()} == {
        "consolidated.safetensors",
        "adapter_config.json",
    }
    assert tiny(folder).model.dtype == torch.float32


def test_a_quantised_model_of_the_hub_is_refused_before_its_weights_are_fetched(
    hub: str, sharded: Path
) -> None:
    config = json.loads((sharded / "config.json").read_text())
    (sharded / "config.json").write_text(
        json.dumps(config | {"quantization_config": {"quant_method": "awq"}})
    )
    Hub.folder = sharded
    with pytest.raises(ModelError, match="own/tiny is quantised \\(awq\\)"):
        hub_folder("own/tiny", torch.float32, lambda _: None, hub)
    assert not [path for path in Hub.asked if "/resolve/" in path and path.endswith(".safetensors")]


def test_tied_weights_are_not_missing_and_unused_ones_are_said(tiny_folder: Path, tmp_path: Path) -> None:
    assert load_model(str(tiny_folder), precision="fp32").notes == ()
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "tied"))
    tied = LlamaForCausalLM(LlamaConfig.from_pretrained(tiny_folder, tie_word_embeddings=True))
    tied.save_pretrained(folder)
    tensors = load_file(folder / "model.safetensors")
    assert "lm_head.weight" not in tensors
    save_file(tensors | {"vision.weight": torch.zeros(2)}, folder / "model.safetensors", {"format": "pt"})
    loaded = load_model(str(folder), precision="fp32")
    assert loaded.notes == ("Weights that are not used: vision.weight",)
    assert loaded.model.lm_head.weight is loaded.model.model.embed_tokens.weight


def test_giving_up_ends_it_between_two_files(hub: str) -> None:
    class Enough(Exception):
        pass

    def told(share: float) -> None:
        if share > 0:
            raise Enough

    with pytest.raises(Enough):
        hub_folder("own/tiny", torch.float32, told, hub)
    assert len({path for path in Hub.asked if "/resolve/" in path}) == 1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("own/gated", "The model own/gated is gated. Its owners give access to those who ask for it."),
        ("own/none", "The hub knows no model own/none. It is misspelt, was removed, or is private."),
        ("own/pickled", "The model own/pickled has no safetensors weights."),
        ("own/huge", "The model own/huge is too large for this machine. Its weights need 400000.0 GB, and"),
    ],
)
def test_each_way_not_to_get_a_model_has_its_sentence(hub: str, name: str, words: str) -> None:
    with pytest.raises(ModelError) as caught:
        hub_folder(name, torch.float32, lambda _: None, hub)
    assert str(caught.value).startswith(words)
    assert not [path for path in Hub.asked if "/resolve/" in path]


def test_without_a_network_what_was_fetched_before_is_used(hub: str) -> None:
    nowhere = "http://127.0.0.1:9"
    with pytest.raises(ModelError, match="could not be fetched. The hub cannot be reached"):
        hub_folder("own/tiny", torch.float32, lambda _: None, nowhere)
    fetched = hub_folder("own/tiny", torch.float32, lambda _: None, hub)
    (fetched.parents[1] / "refs").mkdir(exist_ok=True)
    (fetched.parents[1] / "refs" / "main").write_text(COMMIT)
    assert hub_folder("own/tiny", torch.float32, lambda _: None, nowhere) == fetched


def test_weights_are_counted_from_the_headers(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parameters = sum(each.numel() for each in tiny(tiny_folder).model.parameters())
    assert folder_bytes(tiny_folder, torch.float32) == 4 * parameters
    assert folder_bytes(tiny_folder, torch.bfloat16) == 2 * parameters
    assert counted_bytes({"BF16": 10, "I64": 3}, torch.float32) == 40 + 24
    with pytest.raises(ModelError) as caught:
        refuse_too_large("big", 7_250_000_000, 3_100_000_000)
    assert "need 7.2 GB, and 3.1 GB of memory are free" in str(caught.value)
    refuse_too_large("small", 1, 1)
    monkeypatch.setattr("tokenunlearn.models.weights.free_bytes", lambda: 10)
    with pytest.raises(ModelError, match="is too large for this machine"):
        load_model(str(tiny_folder), precision="fp32")


@pytest.mark.parametrize("change", [{"hidden_size": 32}, {"num_hidden_layers": 3}], ids=["width", "depth"])
def test_an_adapter_of_another_model_is_refused(
    tiny_folder: Path, tmp_path: Path, change: dict[str, int]
) -> None:
    config = LlamaConfig.from_pretrained(tiny_folder)
    for name, value in change.items():
        setattr(config, name, value)
    other = lora_model(LlamaForCausalLM(config), 2, 4.0)
    other.save_pretrained(tmp_path / "adapter")
    record = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    record["base_model_name_or_path"] = "own/other"
    (tmp_path / "adapter" / "adapter_config.json").write_text(json.dumps(record))
    with pytest.raises(ModelError) as caught:
        load_model(str(tiny_folder), tmp_path / "adapter", "fp32")
    assert "The adapter adapter does not fit the model" in str(caught.value)
    assert "It was made for own/other." in str(caught.value)


def test_an_adapter_of_this_model_loads(tiny_folder: Path, tmp_path: Path) -> None:
    lora_model(tiny(tiny_folder).model, 2, 4.0).save_pretrained(tmp_path / "adapter")
    assert load_model(str(tiny_folder), tmp_path / "adapter", "fp32").provenance()["adapter"] != "none"
    shutil.rmtree(tmp_path / "adapter")
