"""One question and answer as token ids, with the character offsets of both.

The conversation is written whole (`turns.py`), tokenised whole, and its tokens are told apart by where they
stand in the text. Here is the only label shift of the project: the logits at `Encoding.predicting`
positions predict the answer tokens and, last, the end of turn.
"""

import copy
import re
import string
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from weakref import WeakKeyDictionary

import numpy as np
from tokenizers import AddedToken

from tokenunlearn.errors import InputError
from tokenunlearn.text.turns import Turns, Written, turns_of

Offsets = tuple[tuple[int, int], ...]
_PRIVATE: Final = 0x100000  # the first of 65,534 characters that Unicode gives no meaning


@dataclass(frozen=True)
class Encoding:
    """Ids of prompt + answer + end of turn, with offsets of question and answer tokens in characters.

    A token that reaches from the prompt into the answer is the answer's first one, and its offset begins
    with the answer. The end of turn is what the template writes behind an answer, mostly one token.
    """

    ids: tuple[int, ...]
    prompt_length: int
    question_start: int
    question_offsets: Offsets
    answer_offsets: Offsets

    @property
    def answer_length(self) -> int:
        """Return the number of answer tokens, the end of turn left out."""
        return len(self.answer_offsets)

    @property
    def end_length(self) -> int:
        """Return the number of tokens that end the turn."""
        return len(self.ids) - self.prompt_length - self.answer_length

    def target_count(self, include_end: bool) -> int:
        """Return how many tokens are predicted: the answer's and, if asked, those that end the turn."""
        return self.answer_length + (self.end_length if include_end else 0)

    @property
    def predicting(self) -> np.ndarray:
        """Return the positions whose logits predict the answer tokens and the end of turn: int [tokens]."""
        return np.arange(self.prompt_length - 1, len(self.ids) - 1)

    @property
    def answer_ids(self) -> tuple[int, ...]:
        """Return the ids of the answer tokens, the end of turn left out."""
        return self.ids[self.prompt_length : self.prompt_length + self.answer_length]

    @property
    def end_ids(self) -> tuple[int, ...]:
        """Return the ids that end the turn."""
        return self.ids[self.prompt_length + self.answer_length :]


def encode(tokenizer: Any, question: str, answer: str) -> Encoding:
    """Return the encoding of one question and answer, up to the end of turn.

    Raises ModelError for a tokenizer that cannot write a conversation.
    """
    return _encoded(tokenizer, turns_of(tokenizer), question, answer)


def encode_prompt(tokenizer: Any, question: str) -> tuple[int, ...]:
    """Return the ids after which an answer is generated: the conversation up to where the answer begins.

    A blank that an answer's first token takes along (" Ada") is left to it, as it is in the whole.
    """
    return _encoded(tokenizer, _prompt_turns(tokenizer), question, "").ids


def _encoded(tokenizer: Any, turns: Turns, question: str, answer: str) -> Encoding:
    written = turns.written(question, answer)
    found = _tokenised(tokenizer, written.text, split=turns.form is None)
    asked, said = _places(found, turns, written)
    if turns.form and not turns.special_ids.isdisjoint((*found.ids[asked], *found.ids[said])):
        found = _with_aliases(tokenizer, turns, written)
        asked, said = _places(found, turns, written)
    head = len(turns.head)
    return Encoding(
        ids=(*turns.head, *found.ids, *turns.tail),
        prompt_length=head + said.start,
        question_start=head + asked.start,
        question_offsets=_relative(found.offsets[asked], written.question, written.question_trimmed),
        answer_offsets=_relative(found.offsets[said], written.answer, written.answer_trimmed),
    )


_PROMPTS: WeakKeyDictionary[Turns, Turns] = WeakKeyDictionary()


def _prompt_turns(tokenizer: Any) -> Turns:
    """Return what is written around a question that waits for its answer, found once per tokenizer."""
    turns = turns_of(tokenizer)
    if turns not in _PROMPTS:
        whole = replace(turns, after="", tail=())
        length = len(_encoded(tokenizer, whole, "", "").ids)
        letters = (_encoded(tokenizer, turns, "", letter) for letter in string.ascii_letters)
        if turns.between.endswith(" ") and any(found.prompt_length < length for found in letters):
            whole = replace(whole, between=turns.between.rstrip(" "))
        _PROMPTS[turns] = whole
    return _PROMPTS[turns]


@dataclass(frozen=True)
class _Tokens:
    ids: list[int]
    offsets: list[tuple[int, int]]


def _tokenised(tokenizer: Any, text: str, split: bool) -> _Tokens:
    """Return the tokens of a whole text; with `split` special tokens are text like any other."""
    found = tokenizer(
        text,
        add_special_tokens=False,
        return_offsets_mapping=True,
        return_attention_mask=False,
        split_special_tokens=split,
        verbose=False,
    )
    return _Tokens(found["input_ids"], found["offset_mapping"])


@dataclass(frozen=True)
class _Aliased:
    """A copy of a tokenizer that knows the template's special tokens by other names, which nobody writes."""

    tokenizer: Any
    names: Mapping[str, str]
    ids: Mapping[int, int]

    def renamed(self, text: str) -> str:
        """Return `text` with each special token under its other name, of the same length."""
        if not self.names:  # a template in plain words: an empty pattern would match anywhere
            return text
        longest_first = sorted(self.names, key=len, reverse=True)
        return re.sub("|".join(map(re.escape, longest_first)), lambda found: self.names[found[0]], text)


_ALIASED: WeakKeyDictionary[Turns, _Aliased] = WeakKeyDictionary()


def _aliased(tokenizer: Any, turns: Turns) -> _Aliased:
    frame = f"{turns.before}\0{turns.between}\0{turns.after}"
    other = copy.deepcopy(tokenizer)
    names: dict[str, str] = {}
    ids: dict[int, int] = {}
    for place, (text, index) in enumerate((t, i) for t, i in turns.specials.items() if t in frame):
        known = tokenizer.added_tokens_decoder[index]
        names[text] = chr(_PRIVATE + place) * len(text)
        flags = {name: getattr(known, name) for name in ("lstrip", "rstrip", "single_word", "normalized")}
        other.add_tokens([AddedToken(names[text], special=False, **flags)])
        ids[other.convert_tokens_to_ids(names[text])] = index
    return _Aliased(other, names, ids)


def _with_aliases(tokenizer: Any, turns: Turns, written: Written) -> _Tokens:
    """Return the tokens of a conversation in which a person wrote special tokens: these stay text.

    Raises InputError for a text with the characters that stand in for them.
    """
    if turns not in _ALIASED:
        _ALIASED[turns] = _aliased(tokenizer, turns)
    aliased = _ALIASED[turns]
    before, asked, between, said, after = written.pieces
    if any(name in asked or name in said for name in aliased.names.values()):
        raise InputError(
            what="A text holds special tokens of the model, and private characters of Unicode beside them.",
            why="These characters stand in for the special tokens of the chat template.",
            fix="Take one of the two out of the text.",
        )
    before, between, after = map(aliased.renamed, (before, between, after))
    found = _tokenised(aliased.tokenizer, f"{before}{asked}{between}{said}{after}", split=True)
    return _Tokens([aliased.ids.get(index, index) for index in found.ids], found.offsets)


def _places(found: _Tokens, turns: Turns, written: Written) -> tuple[slice, slice]:
    """Return the tokens of the question and those of the answer.

    A token that reaches over the border of one belongs to it, unless the template wrote it: a special token
    may take blanks beside it along.
    """
    own = turns.template_ids
    return _place(found, written.question, own), _place(found, written.answer, own)


def _place(found: _Tokens, span: tuple[int, int], own: Collection[int]) -> slice:
    begin, stop = span
    first = 0
    for index, (start, end) in zip(found.ids, found.offsets, strict=True):
        if end > begin and not (start < begin and index in own):
            break
        first += 1
    last = first
    if begin < stop:
        for index, (start, end) in zip(found.ids[first:], found.offsets[first:], strict=True):
            # a blank piece at the very end has an empty offset there, with tokenizers that trim offsets
            if end > stop and (start >= stop or index in own):
                break
            last += 1
    return slice(first, last)


def _relative(offsets: Sequence[tuple[int, int]], span: tuple[int, int], trimmed: int) -> Offsets:
    """Return the offsets in the text as offsets in the question or answer, cut at its borders."""
    start, end = span
    return tuple(
        (min(max(first, start), end) - start + trimmed, min(max(last, start), end) - start + trimmed)
        for first, last in offsets
    )
