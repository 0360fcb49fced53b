"""One question and answer as token ids, with the answer's character offsets.

The only place where chat text is rendered and the only label shift in the project: the logits at
`Encoding.predicting` positions predict the answer tokens (and, last, the end of turn).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

_CONTENT = "\u0002CONTENT\u0002"
_PLAIN_TEMPLATE = ("Question: ", "\nAnswer: ")


@dataclass(frozen=True)
class Encoding:
    """Ids of prompt + answer + end of turn, with offsets of question and answer tokens in characters."""

    ids: tuple[int, ...]
    prompt_length: int
    question_start: int
    question_offsets: tuple[tuple[int, int], ...]
    answer_offsets: tuple[tuple[int, int], ...]

    @property
    def answer_length(self) -> int:
        """Number of answer tokens, the end of turn left out."""
        return len(self.answer_offsets)

    @property
    def predicting(self) -> np.ndarray:
        """Positions whose logits predict the answer tokens and the end of turn: int [answer_length + 1]."""
        return np.arange(self.prompt_length - 1, self.prompt_length + self.answer_length)

    @property
    def answer_ids(self) -> tuple[int, ...]:
        """Ids of the answer tokens, the end of turn left out."""
        return self.ids[self.prompt_length : self.prompt_length + self.answer_length]


def prompt_frame(tokenizer: Any) -> tuple[str, str]:
    """The chat template's text before and after the question.

    An empty system turn stands in for the template's own default, which costs SmolLM2 another 17 tokens
    a row; templates that refuse a system turn get none. A tokenizer without template gets a plain frame.
    """
    if not getattr(tokenizer, "chat_template", None):
        return _PLAIN_TEMPLATE
    user = {"role": "user", "content": _CONTENT}
    for messages in ([{"role": "system", "content": ""}, user], [user]):
        try:
            text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        except Exception:  # jinja templates raise their own TemplateError for an unknown role
            continue
        if text.count(_CONTENT) == 1:
            before, after = text.split(_CONTENT)
            return before, after
    return _PLAIN_TEMPLATE


def _text_ids(tokenizer: Any, text: str) -> tuple[list[int], tuple[tuple[int, int], ...]]:
    """Ids and offsets of user text; special tokens written in it stay text."""
    if not text:
        return [], ()
    found = tokenizer(
        text, add_special_tokens=False, return_offsets_mapping=True, split_special_tokens=True, verbose=False
    )
    return list(found["input_ids"]), tuple((int(start), int(end)) for start, end in found["offset_mapping"])


def encode_prompt(tokenizer: Any, question: str) -> tuple[list[int], int, tuple[tuple[int, int], ...]]:
    """Ids of the rendered prompt, where the question starts in them, and the question's offsets."""
    before, after = prompt_frame(tokenizer)
    head = tokenizer(before, add_special_tokens=False)["input_ids"] if before else []
    tail = tokenizer(after, add_special_tokens=False)["input_ids"] if after else []
    bos = getattr(tokenizer, "bos_token_id", None)
    if not getattr(tokenizer, "chat_template", None) and bos is not None:
        head = [bos, *head]
    question_ids, offsets = _text_ids(tokenizer, question)
    return [*head, *question_ids, *tail], len(head), offsets


def encode(tokenizer: Any, question: str, answer: str) -> Encoding:
    """The encoding of one question and answer; the end of turn is `tokenizer.eos_token_id`."""
    prompt_ids, question_start, question_offsets = encode_prompt(tokenizer, question)
    answer_ids, answer_offsets = _text_ids(tokenizer, answer)
    return Encoding(
        ids=(*prompt_ids, *answer_ids, tokenizer.eos_token_id),
        prompt_length=len(prompt_ids),
        question_start=question_start,
        question_offsets=question_offsets,
        answer_offsets=answer_offsets,
    )
