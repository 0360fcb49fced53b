"""Model families that transformers builds small: those we accept, taken the whole way, and those we refuse.

`python -m tests.architectures` takes each through scoring, choosing, answers, two steps of unlearning, saving
and opening again, compares the numbers with plain transformers, and writes docs/ARCHITECTURES.md's tables.
"""

import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import torch

from tests.tiny_folder import make_tiny_folder
from tests.tiny_rows import RETAIN, ROWS
from tokenunlearn.errors import ModelError
from tokenunlearn.models.adapters import save_adapter
from tokenunlearn.models.capabilities import capabilities
from tokenunlearn.models.forward import batch_log_probs, causal_model, run_pass
from tokenunlearn.models.layers import can_be_cut
from tokenunlearn.models.loading import LoadedModel, load_model
from tokenunlearn.text.encoding import Encoding, encode
from tokenunlearn.training.config import TrainConfig
from tokenunlearn.training.events import Finished
from tokenunlearn.training.loop import train
from tokenunlearn.training.session import first_layer, train_batch, train_rows, with_entering, with_fresh_lora

PAGE = Path(__file__).parents[1] / "docs" / "ARCHITECTURES.md"
NATS = 1e-4
FORGET, KEEP = ROWS[:3], RETAIN[:2]
QUESTIONS = ["Who?", "Where was Ada Moss born, and when?"]

# What a family's configuration has of these is set; the window is shorter than the rows.
SMALL: Final[Mapping[str, Any]] = MappingProxyType(
    {
        **dict.fromkeys(("hidden_size", "d_model", "n_embd", "word_embed_proj_dim"), 32),
        **dict.fromkeys(("num_hidden_layers", "n_layer", "n_layers", "num_layers", "decoder_layers"), 2),
        **dict.fromkeys(("num_attention_heads", "n_head", "n_heads", "num_heads", "attention_heads"), 4),
        **dict.fromkeys(("intermediate_size", "ffn_dim", "n_inner"), 48),
        **dict.fromkeys(("n_positions", "max_position_embeddings", "max_seq_len"), 256),
        **dict.fromkeys(("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts"), 4),
        **dict.fromkeys(("num_experts_per_tok", "moe_topk", "top_k", "moe_k"), 2),
        **dict.fromkeys(("moe_intermediate_size", "shared_expert_intermediate_size"), 16),
        **dict.fromkeys(("head_dim", "rotary_dim", "query_pre_attn_scalar", "state_size"), 8),
        **dict.fromkeys(("kv_lora_rank", "q_lora_rank", "qk_rope_head_dim", "qk_nope_head_dim"), 8),
        **dict.fromkeys(("v_head_dim", "linear_key_head_dim", "linear_value_head_dim"), 8),
        **dict.fromkeys(("n_group", "topk_group", "n_shared_experts"), 1),
        **dict.fromkeys(("sliding_window", "window_size"), 16),
        **dict.fromkeys(("num_key_value_heads", "linear_num_key_heads"), 2),
        **{"linear_num_value_heads": 4, "mamba_n_heads": 4, "mamba_d_head": 16, "mamba_d_state": 8},
        **{"bos_token_id": 1, "eos_token_id": 1, "pad_token_id": 2, "is_decoder": True},
    }
)
HYBRID = {"layer_types": ["linear_attention", "full_attention"]}
# By transformers' name of the family, what it needs besides.
ACCEPTED: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "afmoe": {},
        "apertus": {},
        "arcee": {},
        "bamba": {"attn_layer_indices": [1]},
        "biogpt": {},
        "codegen": {},
        "cohere": {"logit_scale": 0.25},
        "cohere2": {"logit_scale": 0.25},
        "deepseek_v3": {"num_key_value_heads": 4, "first_k_dense_replace": 1},
        "diffllama": {},
        "ernie4_5": {},
        "exaone4": {},
        "falcon": {"alibi": False},
        "gemma": {},
        "gemma2": {},
        "gemma3_text": {"layer_types": ["sliding_attention", "full_attention"]},
        "glm4": {},
        "gpt2": {},
        "gpt_bigcode": {},
        "gpt_neo": {"attention_types": [[["global", "local"], 1]]},
        "gpt_neox": {},
        "gpt_oss": {},
        "gptj": {},
        "granite": {"logits_scaling": 4.0},
        "granitemoe": {},
        "helium": {},
        "jamba": {"attn_layer_period": 2, "attn_layer_offset": 1},
        "lfm2": {"layer_types": ["conv", "full_attention"]},
        "llama": {},
        "llama4_text": {"attention_chunk_size": 16},
        "mistral": {},
        "mixtral": {},
        "modernbert-decoder": {},
        "mpt": {},
        "nemotron": {},
        "olmo2": {},
        "olmo3": {},
        "olmoe": {},
        "opt": {},
        "persimmon": {},
        "phi": {},
        "phi3": {},
        "qwen2": {},
        "qwen2_moe": {},
        "qwen3": {},
        "qwen3_5_text": HYBRID,
        "qwen3_moe": {},
        "qwen3_next": HYBRID,
        "smollm3": {},
        "stablelm": {},
        "starcoder2": {},
        "xglm": {},
    }
)
REFUSED: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "bart": {"is_encoder_decoder": True},
        "bert": {"is_decoder": False},
        "bloom": {},
        "camembert": {},
        "cpmant": {"dim_head": 8},
        "falcon with ALiBi": {"alibi": True, "new_decoder_architecture": False},
        "falcon_mamba": {},
        "mamba": {},
        "recurrent_gemma": {},
        "roberta": {},
        "rwkv": {},
        "xlm": {},
        "xlnet": {},
    }
)


@dataclass(frozen=True)
class Journey:
    """What became of a family: how it is run, and the largest differences in nats (0 would be the same)."""

    family: str
    packed: bool
    plain_head: bool
    cut: bool
    scored: float
    answers: bool
    moved: float
    reopened: float


def build(family: str, more: Mapping[str, Any], folder: Path, tiny: Path) -> Any:
    """A random model of two layers, its weights large so that faults show; saved under `tiny`'s tokenizer."""
    from transformers import AutoModelForCausalLM
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    kind = CONFIG_MAPPING[family.split()[0]]
    names = {name for each in kind.__mro__ for name in getattr(each, "__annotations__", {})}
    renamed = {new: old for old, new in getattr(kind, "attribute_map", {}).items()}
    settings = {name: value for name, value in SMALL.items() if name in names}
    settings |= {name: SMALL[old] for name, old in renamed.items() if name in names and old in SMALL}
    config = kind(vocab_size=60, **{**settings, **more})
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(3)
    shutil.copytree(tiny, folder, ignore=lambda *_: ["config.json", "model.safetensors"])
    model.save_pretrained(folder)
    if more.get("is_encoder_decoder"):  # transformers builds and saves the decoder alone
        config.is_encoder_decoder = True
        config.save_pretrained(folder)
    return model.eval()


def journey(family: str, built: Any, folder: Path) -> Journey:
    """The way of a family from its folder and back. Raises ModelError where it is refused."""
    loaded = load_model(str(folder), precision="fp32")
    encodings = [encode(loaded.tokenizer, row.question, row.answer) for row in FORGET]
    together = run_pass(loaded.model, encodings, loaded.pad_id)
    told = [each.log_probs for each in together]
    plain = _plain(built, encodings)
    alone = [run_pass(loaded.model, [each], loaded.pad_id)[0].log_probs for each in encodings]
    scored = max(_gap(told, plain), _gap(alone, plain), _hidden_gap(loaded, encodings))
    answers = loaded.generate(QUESTIONS, 3) == [loaded.generate([each], 3)[0] for each in QUESTIONS]

    weights = {
        row.id: (each.entropies > np.median(each.entropies)).astype(float)
        for row, each in zip(FORGET, together, strict=True)
    }
    config = TrainConfig(steps=2, layer_share=0.5, learning_rate=0.02, eval_every=1000)
    student = with_fresh_lora(loaded, config)
    causal = causal_model(student.model)
    first = first_layer(causal, config.layer_share)
    cut = can_be_cut(causal, first)
    if cut:
        scored = max(scored, _cut_gap(student, first, plain))
    *_, end = train(student, FORGET, KEEP, weights, config)
    assert isinstance(end, Finished) and end.step == config.steps, end
    trained = _asked(student)
    save_adapter(student.model, folder / "adapter", student.merged)
    again = _asked(load_model(str(folder), folder / "adapter", "fp32"))
    known = capabilities(causal)
    moved, reopened = _gap(trained, plain), _gap(again, trained)
    return Journey(family, known.packs, known.plain_head, cut, scored, answers, moved, reopened)


def _asked(model: LoadedModel) -> list[np.ndarray]:
    return [each.log_probs for each in model.token_log_probs([(row.question, row.answer) for row in FORGET])]


def _plain(model: Any, encodings: list[Encoding]) -> list[np.ndarray]:
    """What the model that transformers built says of each row, without any of our code."""
    found = []
    with torch.no_grad():
        for each in encodings:
            log_probs = model(torch.tensor([each.ids])).logits[0].double().log_softmax(-1)
            found.append(log_probs[each.predicting[:-1], list(each.answer_ids)].numpy())
    return found


def _hidden_gap(loaded: LoadedModel, encodings: list[Encoding]) -> float:
    """How much the scores of rows with hidden tokens change beside others, and with what is hidden."""
    where = [[each.question_start + 2, each.question_start + 3] for each in encodings]
    together = run_pass(loaded.model, encodings, loaded.pad_id, hidden=where)
    gap = 0.0
    for each, places, found in zip(encodings, where, together, strict=True):
        ids = list(each.ids)
        for place in places:
            ids[place] = 10 + (ids[place] + 7) % 40
        other = Encoding(tuple(ids), each.prompt_length, each.question_start, (), each.answer_offsets)
        (alone,) = run_pass(loaded.model, [other], loaded.pad_id, hidden=[places])
        gap = max(gap, float(np.abs(alone.log_probs - found.log_probs).max()))
    return gap


def _cut_gap(student: LoadedModel, first: int, plain: list[np.ndarray]) -> float:
    """How far the upper layers alone, fed with what rises to them, are from the whole model."""
    rows = with_entering(student, train_rows(student, FORGET, None), first)
    with torch.no_grad():
        found = batch_log_probs(student.model, train_batch(student, rows, first)).numpy()
    return _gap([row[: len(each)] for row, each in zip(found, plain, strict=True)], plain)


def _gap(one: list[np.ndarray], other: list[np.ndarray]) -> float:
    return max(float(np.abs(a - b).max()) for a, b in zip(one, other, strict=True))


def refusal(folder: Path) -> str:
    """Why a folder's model is refused, without its name. An AssertionError where it is not."""
    try:
        load_model(str(folder), precision="fp32")
    except ModelError as error:
        return error.why
    raise AssertionError(f"{folder.name} is not refused")


def line(way: Journey) -> str:
    """A family's row of the table."""
    cells = (
        "packed" if way.packed else "alone",
        "at answers" if way.plain_head else "everywhere",
        "cut" if way.cut else "whole",
        "yes" if way.scored <= NATS else f"off by {way.scored:.1e}",
        "yes" if way.answers else "no",
        "yes" if way.moved > NATS else "no change",
        "yes" if way.reopened <= NATS else f"off by {way.reopened:.1e}",
    )
    return f"| `{way.family}` | {' | '.join(cells)} |"


def refused_line(family: str, why: str) -> str:
    """A refused family's row of its table."""
    return f"| `{family}` | {why} |"


def table(text: str, name: str) -> re.Match[str]:
    """The rows (group 1) of the table between two markers of the page."""
    found = re.search(rf"<!-- {name} -->\n(?:\|.*\n){{2}}((?:\|.*\n)*)<!-- end -->", text)
    assert found is not None, f"{PAGE} has no table {name}"
    return found


def write(name: str, lines: list[str]) -> None:
    """Put other rows into a table of the page."""
    text = PAGE.read_text("utf-8")
    found = table(text, name)
    rows = "".join(f"{each}\n" for each in lines)
    PAGE.write_text(text[: found.start(1)] + rows + text[found.end(1) :], "utf-8")


def main() -> None:
    """Write both tables anew."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        tiny = make_tiny_folder(place / "tiny")
        ways = (
            journey(each, build(each, more, place / each, tiny), place / each)
            for each, more in ACCEPTED.items()
        )
        write("accepted", [line(way) for way in ways])
        for each, more in REFUSED.items():
            build(each, more, place / f"no-{each}", tiny)
        write("refused", [refused_line(each, refusal(place / f"no-{each}")) for each in REFUSED])


if __name__ == "__main__":
    main()
