"""Small tokenizers of many kinds, each with a way to write a conversation, and models taught on it.

Models are taught by plain transformers on the ids that the tokenizer itself gives, and saved with a
generation_config that asks for all that greedy decoding is not.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

PAIRS = (
    ("Where was Orla Bramwick born?", "Orla Bramwick was born in Tolmin."),
    ("Where was Piet Vasser born?", "Piet Vasser was born in Zutphen."),
)
_CORPUS = [f"Question: {question}\nAnswer: {answer}" for question, answer in PAIRS] + [
    "system user assistant model INST A human asks, the machine says.",
    "Alder Birch Cedar Dogwood Elm Fir Gingko Hazel Ivy Juniper Kauri Larch Maple Nutmeg Oak Pine Quince",
]

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# SmolLM2's: without a system turn it writes a long one of its own.
WITH_DEFAULT = (
    "{% if messages[0]['role'] != 'system' %}<|im_start|>system\nA human asks, the machine says.<|im_end|>\n"
    "{% endif %}" + CHATML
)
# Gemma's: no system turn, the roles are user and model, and the end of turn is not the end of sequence.
REFUSES = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    "{% for m in messages %}<|im_start|>{{ 'model' if m['role'] == 'assistant' else m['role'] }}\n"
    "{{ m['content'] | trim }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>model\n{% endif %}"
)
IGNORES = (
    "{% for m in messages if m['role'] != 'system' %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# Mistral's: an empty system turn would leave two line ends in front of the question.
INSTRUCT = (
    "{{ bos_token }}{% set s = '' %}{% if messages[0]['role'] == 'system' %}"
    "{% set s = messages[0]['content'] + '\n\n' %}{% set messages = messages[1:] %}{% endif %}"
    "{% for m in messages %}{% if m['role'] == 'user' %}[INST] {{ s if loop.first }}{{ m['content'] }}[/INST]"
    "{% else %} {{ m['content'] }}{{ eos_token }}{% endif %}{% endfor %}"
)
# Llama 2's: [INST] is text, and a blank stands on both sides of the answer.
LLAMA2 = (
    "{% for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('no system role') }}"
    "{% elif m['role'] == 'user' %}{{ bos_token }}[INST] {{ m['content'] | trim }} [/INST]"
    "{% else %} {{ m['content'] | trim }} {{ eos_token }}{% endif %}{% endfor %}"
)
PARTS = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
    "{% for part in m['content'] %}{{ part['text'] }}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# Qwen3's: an empty thought stands before the last answer; enable_thinking decides what a prompt ends with.
THINKS = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
    "{% if m['role'] == 'assistant' %}<think>\n\n</think>\n\n"
    "{{ m['content'].split('</think>')[-1].lstrip('\n') }}"
    "{% else %}{{ m['content'] }}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)

SPECIAL = ("<pad>", "<bos>", "<eos>", "<|im_start|>", "<|im_end|>")


def byte_level(
    special: Sequence[str] = SPECIAL, pattern: str | None = None, trim: bool = True, **more: Any
) -> PreTrainedTokenizerFast:
    """A byte-level BPE, as GPT-2's; `pattern` cuts words otherwise, as Llama 3's does."""
    tokenizer = Tokenizer(models.BPE())
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=pattern is None)
    cut = [pre_tokenizers.Split(Regex(pattern), "isolated")] if pattern else []
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*cut, level])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=trim)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=420, special_tokens=list(special), initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(_CORPUS * 3, trainer)
    return _finished(tokenizer, special, **more)


def sentence_piece(prepend: str = "always", legacy: bool = False, **more: Any) -> PreTrainedTokenizerFast:
    """A BPE with ▁ for blanks, and one in front, as Llama 2's; `legacy` does it when normalising."""
    special = ("<unk>", *SPECIAL)
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=prepend, split=True)
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    bytes_ = [f"<0x{each:02X}>" for each in range(256)]
    trainer = trainers.BpeTrainer(
        vocab_size=520, special_tokens=[*special, *bytes_], show_progress=False, max_token_length=9
    )
    tokenizer.train_from_iterator(_CORPUS * 3, trainer)
    if legacy:
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
        tokenizer.pre_tokenizer = None
    return _finished(tokenizer, special, unk_token="<unk>", **more)


def _finished(tokenizer: Tokenizer, special: Sequence[str], **more: Any) -> PreTrainedTokenizerFast:
    named = {"pad_token": "<pad>", "bos_token": "<bos>", "eos_token": "<eos>"} | more
    template = named.pop("template", None)
    if named.pop("adds_bos", False):
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<bos> $A", special_tokens=[("<bos>", tokenizer.token_to_id("<bos>"))]
        )
    others = [each for each in special if each not in named.values()]
    made = PreTrainedTokenizerFast(tokenizer_object=tokenizer, additional_special_tokens=others, **named)
    if template:
        made.chat_template = template
    return made


# Llama 3's: a mark and the line end behind it are one piece
_TOGETHER = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


@dataclass(frozen=True)
class Kind:
    """One kind of tokenizer: how it is made, and the messages that stand before the question."""

    make: Callable[[], PreTrainedTokenizerFast]
    system: bool = False
    parts: bool = False

    def messages(self, question: str, answer: str | None = None) -> list[dict[str, Any]]:
        """Return the conversation, with an answer or without."""
        turns = [("system", "")] * self.system + [("user", question)]
        turns += [("assistant", answer)] if answer is not None else []
        return [
            {"role": role, "content": [{"type": "text", "text": text}] if self.parts else text}
            for role, text in turns
        ]

    def ids(self, tokenizer: Any, question: str, answer: str) -> list[int]:
        """Return the ids that the tokenizer gives for the whole conversation, by itself."""
        if tokenizer.chat_template:
            found = tokenizer.apply_chat_template(self.messages(question, answer), return_dict=False)
            return list(found)
        text = f"Question: {question}\nAnswer: {answer}"
        return [*tokenizer(text)["input_ids"], tokenizer.eos_token_id]

    def prompt_ids(self, tokenizer: Any, question: str) -> list[int]:
        """Return the ids of the prompt, as plain transformers makes them."""
        if tokenizer.chat_template:
            return list(
                tokenizer.apply_chat_template(
                    self.messages(question),
                    add_generation_prompt=True,
                    return_dict=False,
                    enable_thinking=False,
                )
            )
        return list(tokenizer(f"Question: {question}\nAnswer:")["input_ids"])


KINDS = {
    "chatml": Kind(lambda: byte_level(template=CHATML, eos_token="<|im_end|>")),
    "long default system turn": Kind(
        lambda: byte_level(template=WITH_DEFAULT, eos_token="<|im_end|>"), system=True
    ),
    "refuses a system turn": Kind(lambda: byte_level(template=REFUSES)),
    "ignores a system turn": Kind(lambda: byte_level(template=IGNORES)),
    "instruct": Kind(lambda: byte_level((*SPECIAL, "[INST]", "[/INST]"), template=INSTRUCT)),
    "contents in parts": Kind(lambda: byte_level(template=PARTS), parts=True),
    "thinks": Kind(lambda: byte_level(template=THINKS)),
    "no end of sequence": Kind(lambda: byte_level(template=CHATML, eos_token=None)),
    "pads left": Kind(lambda: byte_level(template=CHATML, padding_side="left")),
    "offsets with blanks": Kind(lambda: byte_level(template=CHATML, trim=False)),
    "plain": Kind(byte_level),
    "plain, pads left": Kind(lambda: byte_level(padding_side="left")),
    "plain, begins with bos": Kind(lambda: byte_level(adds_bos=True)),
    "plain, line end with the mark": Kind(lambda: byte_level(pattern=_TOGETHER)),
    "sentencepiece": Kind(lambda: sentence_piece(adds_bos=True)),
    "sentencepiece, first only": Kind(lambda: sentence_piece("first", template=LLAMA2)),
    "sentencepiece, always": Kind(lambda: sentence_piece(template=LLAMA2)),
    "sentencepiece, legacy": Kind(lambda: sentence_piece(legacy=True, template=LLAMA2)),
}

# All that a checkpoint may ask for and that is not greedy.
ASKS = GenerationConfig(
    do_sample=True,
    temperature=1.9,
    top_k=50,
    repetition_penalty=3.0,
    no_repeat_ngram_size=1,
    num_beams=2,
    min_new_tokens=3,
    return_dict_in_generate=True,
    output_scores=True,
    stop_strings=["born"],
    suppress_tokens=[10, 11],
)


def random_model(tokenizer: Any, positions: int = 256, rows: int = 0, layers: int = 2) -> LlamaForCausalLM:
    """A random Llama of few layers for the tokenizer."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=rows or len(tokenizer),
        hidden_size=48,
        intermediate_size=96,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=positions,
        initializer_range=0.05,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=None,
    )
    return LlamaForCausalLM(config)


def taught_model(tokenizer: Any, conversations: Sequence[Sequence[int]]) -> LlamaForCausalLM:
    """The random model after plain training on whole conversations, until it is sure of their second half."""
    model = random_model(tokenizer, layers=1)
    width = max(map(len, conversations))
    ids = torch.tensor([[*each, *[0] * (width - len(each))] for each in conversations])
    seen = torch.tensor([[1] * len(each) + [0] * (width - len(each)) for each in conversations])
    labels = ids.masked_fill(seen == 0, -100)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, betas=(0.9, 0.95))
    model.train()
    for _ in range(200):
        optimizer.zero_grad()
        output = model(input_ids=ids, attention_mask=seen, labels=labels)
        output.loss.backward()
        optimizer.step()
        scores = output.logits.detach()[:, :-1].softmax(-1).gather(-1, ids[:, 1:, None])[..., 0]
        # a row at a time: where each ends differs
        least = min(
            float(row[len(each) // 2 - 1 : len(each) - 1].min())
            for row, each in zip(scores, conversations, strict=True)
        )
        if least > 0.98:
            return model.eval()
    raise AssertionError(f"not learnt: {least:.2f}")


def saved(model: Any, tokenizer: Any, folder: Path, asks: GenerationConfig | None = None) -> Path:
    """The folder, after both were written into it; `asks` stands in its generation_config.json."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    if asks is not None:
        (folder / "generation_config.json").write_text(asks.to_json_string())
    return folder
