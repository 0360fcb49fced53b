"""How a tokenizer writes one question and its answer: the text around them, and what ends the answer.

The chat template says it where there is one, else a plain frame. What the template puts around the two is
found once per tokenizer, by rendering marks in their places; `check_written` tells whether it writes a given
text out as it stands.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final
from weakref import WeakKeyDictionary

from tokenunlearn.errors import InputError, ModelError

Trim = Callable[[str], str]

_QUESTION, _ANSWER = "\u0002Question\u0002", "\u0002Answer\u0002"
_PLAIN = ("Question: ", "\nAnswer: ")
_BLANKS = "\n \n"
# Llama 3 and others write the date of the day into each prompt. Scores, and a run that goes on tomorrow, must
# be the same on any day, so it is always this one (Llama's own where it knows none).
TODAY: Final = datetime(2024, 7, 26)  # noqa: DTZ001 (a date on paper)
_CODES = "".join(f"|replace('%{code}', '{TODAY.strftime('%' + code)}')" for code in "aAbBdmyYHIMSpj")
_ON_THAT_DAY: Final = f"{{% macro strftime_now(format) %}}{{{{ format{_CODES} }}}}{{% endmacro %}}"
# What templates do to the edges of a text: Gemma and Llama 3 trim it, some take only line ends away.
_TRIMS: tuple[Trim, ...] = (
    str,
    str.strip,
    str.lstrip,
    str.rstrip,
    lambda text: text.strip("\n"),
    lambda text: text.lstrip("\n"),
    lambda text: text.rstrip("\n"),
)
_MEND = (
    "Mend the template (chat_template.jinja, or chat_template in tokenizer_config.json), or delete it: "
    "then the model is asked in a plain frame, Question: … Answer: …"
)


@dataclass(frozen=True)
class Form:
    """How the template takes the messages: with an empty system turn, with contents as lists of parts."""

    system: bool
    parts: bool


@dataclass(frozen=True)
class Written:
    """One conversation as text, up to its end of turn, and where question and answer stand in it.

    `pieces` are the text in order: before, question, between, answer, after. `question_trimmed` and
    `answer_trimmed` count the characters that the template took from their beginnings.
    """

    pieces: tuple[str, str, str, str, str]
    question_trimmed: int
    answer_trimmed: int

    @property
    def text(self) -> str:
        """Return the whole text."""
        return "".join(self.pieces)

    @property
    def question(self) -> tuple[int, int]:
        """Return where the question stands in the text."""
        return _span(self.pieces, 1)

    @property
    def answer(self) -> tuple[int, int]:
        """Return where the answer stands in the text."""
        return _span(self.pieces, 3)


def _span(pieces: Sequence[str], place: int) -> tuple[int, int]:
    start = sum(map(len, pieces[:place]))
    return start, start + len(pieces[place])


@dataclass(frozen=True, eq=False)
class Turns:
    """What a tokenizer writes around a conversation: `before` question `between` answer `after`.

    `form` is None for the plain frame. `head` and `tail` are ids that stand before and behind the tokens of
    the text; `end_id` ends the answer. `after` reaches to the end of turn and not beyond. `specials` are
    the tokens that nobody but the template may write, with their ids.
    """

    form: Form | None
    before: str
    between: str
    after: str
    trim_question: Trim
    trim_answer: Trim
    head: tuple[int, ...]
    tail: tuple[int, ...]
    end_id: int
    specials: Mapping[str, int]
    unknown_id: int | None

    @cached_property
    def special_ids(self) -> frozenset[int]:
        """Return the ids of all special tokens."""
        return frozenset(self.specials.values())

    @cached_property
    def template_ids(self) -> frozenset[int]:
        """Return the ids that stand for what a template writes, and never for an unknown character."""
        return (self.special_ids if self.form else frozenset()) - {self.unknown_id}

    def written(self, question: str, answer: str) -> Written:
        """Return the conversation as text, up to the end of turn."""
        asked, said = self.trim_question(question), self.trim_answer(answer)
        return Written(
            pieces=(self.before, asked, self.between, said, self.after),
            question_trimmed=question.find(asked),
            answer_trimmed=answer.find(said),
        )


_KNOWN: WeakKeyDictionary[Any, tuple[Any, Turns]] = WeakKeyDictionary()


def turns_of(tokenizer: Any) -> Turns:
    """Return how `tokenizer` writes a conversation, found once for each tokenizer and template.

    Raises ModelError for a template that does not write question and answer as they stand, and where nothing
    tells how an answer ends.
    """
    decides = (getattr(tokenizer, "chat_template", None), tokenizer.eos_token, tokenizer.bos_token)
    known = _KNOWN.get(tokenizer)
    if known is None or known[0] != decides:
        known = _KNOWN[tokenizer] = (decides, _found(tokenizer))
    return known[1]


def check_written(tokenizer: Any, question: str, answer: str) -> None:
    """Raise InputError for a conversation that the chat template does not write out as it stands.

    `Turns.written` puts any text into the frame; some templates read markup in it, such as
    </think>, and leave out a part.
    """
    turns = turns_of(tokenizer)
    if turns.form is None:
        return
    whole = rendered(tokenizer, turns.form, question, answer)
    # Perhaps it is the frame that has changed: some templates tell the date. Ours stays that of the first
    # reading, since scores that change at midnight could not be compared.
    if not any(
        whole.startswith(each().written(question, answer).text)
        for each in (lambda: turns, lambda: _found(tokenizer))
    ):
        raise InputError(
            what="The model's chat template rewrites this text, so that its tokens cannot be placed.",
            why=f"It reads some of {question[:60]!r} or {answer[:60]!r} as markup of its own.",
            fix="Take the markup out of the text, or leave the row out.",
        )


def rendered(tokenizer: Any, form: Form, question: str, answer: str) -> str:
    """Return the conversation as the tokenizer's own template renders it, to its last character.

    Reasoning is switched off where the template has a switch. A template that asks for the date gets `TODAY`.
    """
    turns = [("system", "")] * form.system + [("user", question), ("assistant", answer)]
    messages = [
        {"role": role, "content": [{"type": "text", "text": text}] if form.parts else text}
        for role, text in turns
    ]
    template = getattr(tokenizer, "chat_template", None)
    dated = _ON_THAT_DAY + template if isinstance(template, str) and "strftime_now" in template else None
    return str(
        tokenizer.apply_chat_template(messages, chat_template=dated, tokenize=False, enable_thinking=False)
    )


def _found(tokenizer: Any) -> Turns:
    specials = {
        token.content: index for index, token in tokenizer.added_tokens_decoder.items() if token.special
    }
    if not getattr(tokenizer, "chat_template", None):
        return _plain(tokenizer, specials)
    reasons: list[str] = []
    for parts in (False, True):
        frames = list(_frames(tokenizer, parts, reasons))
        if frames:
            # An empty system turn stands in for the template's own default, which costs SmolLM2 17 tokens a
            # row; where it saves nothing it is another conversation than the one asked for.
            form, trims, before, between, after = min(frames, key=lambda frame: _length(tokenizer, frame))
            after, end_id = _end(tokenizer, after, specials)
            tail = () if after else (end_id,)
            return Turns(
                form=form,
                before=before,
                between=between,
                after=after,
                trim_question=trims[0],
                trim_answer=trims[1],
                head=(),
                tail=tail,
                end_id=end_id,
                specials=specials,
                unknown_id=tokenizer.unk_token_id,
            )
    raise ModelError(
        what="The chat template of this model cannot be used.",
        why=next(iter(reasons), "It does not write out question and answer as they stand."),
        fix=_MEND,
    )


_Frame = tuple[Form, tuple[Trim, Trim], str, str, str]


def _frames(tokenizer: Any, parts: bool, reasons: list[str]) -> Iterator[_Frame]:
    """Yield what the template puts around the marks, without and with a system turn, where it works."""
    for system in (False, True):
        form = Form(system, parts)
        try:
            text = rendered(tokenizer, form, _QUESTION, _ANSWER)
            spaced = rendered(tokenizer, form, *(_BLANKS + mark + _BLANKS for mark in (_QUESTION, _ANSWER)))
        except Exception as error:  # a template may raise anything: jinja's errors, or Python's inside it
            reasons.append(f"{type(error).__name__}: {' '.join(str(error).split())[:200]}")
            continue
        before, _, rest = text.partition(_QUESTION)
        between, _, after = rest.partition(_ANSWER)
        for trims in ((first, second) for first in _TRIMS for second in _TRIMS):
            asked, said = (
                trim(_BLANKS + mark + _BLANKS) for trim, mark in zip(trims, (_QUESTION, _ANSWER), strict=True)
            )
            if (
                before + _QUESTION + between + _ANSWER + after == text
                and before + asked + between + said + after == spaced
            ):
                yield form, trims, before, between, after
                break


def _length(tokenizer: Any, frame: _Frame) -> int:
    _, _, before, between, after = frame
    return len(tokenizer(before + between + after, add_special_tokens=False, verbose=False)["input_ids"])


def _end(tokenizer: Any, after: str, specials: Mapping[str, int]) -> tuple[str, int]:
    """Return the text behind an answer up to and with its end of turn, and that token's id.

    The end is the first special token behind the answer, else the first added one that is not blank; without
    either the text is empty, and the tokenizer's end of sequence follows at once.
    """
    added = {
        token.content: index
        for index, token in tokenizer.added_tokens_decoder.items()
        if token.content.strip()
    }
    for tokens in (specials, added):
        places = [(after.find(text), -len(text), text) for text in tokens if text and text in after]
        if places:
            start, _, text = min(places)
            return after[: start + len(text)], tokens[text]
    return "", _end_of_sequence(tokenizer)


def _end_of_sequence(tokenizer: Any) -> int:
    if tokenizer.eos_token_id is None:
        raise ModelError(
            what="Nothing tells where an answer of this model ends.",
            why="Its tokenizer names no eos_token, and its chat template writes no special token "
            "behind an answer.",
            fix="Name the eos_token in tokenizer_config.json, or eos_token_id in generation_config.json.",
        )
    return int(tokenizer.eos_token_id)


def _plain(tokenizer: Any, specials: Mapping[str, int]) -> Turns:
    """Return the plain frame, with what the tokenizer puts around any text by itself."""
    whole, bare = (
        list(tokenizer(_PLAIN[0], add_special_tokens=each, verbose=False)["input_ids"])
        for each in (True, False)
    )
    starts = range(len(whole) - len(bare) + 1)
    start = next((at for at in starts if whole[at : at + len(bare)] == bare), 0)
    head, tail = tuple(whole[:start]), tuple(whole[start + len(bare) :])
    tail = tail or (_end_of_sequence(tokenizer),)
    return Turns(
        form=None,
        before=_PLAIN[0],
        between=_PLAIN[1],
        after="",
        trim_question=str,
        trim_answer=str,
        head=head,
        tail=tail,
        end_id=tail[-1],
        specials=specials,
        unknown_id=tokenizer.unk_token_id,
    )
