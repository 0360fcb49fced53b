"""How a row is masked, and the forward passes that signals need: PASSES, each run once for a group of rows.

A row without a subject is masked by its whole question, and says so.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import torch

from tokenunlearn.data.rows import Row
from tokenunlearn.errors import InputError, did_you_mean
from tokenunlearn.learned.fit import FitSettings
from tokenunlearn.learned.fitted import annotated_hash, refuse_other_model, scorers_for, states_of
from tokenunlearn.learned.scorer import Scorer
from tokenunlearn.models.capabilities import evaluating
from tokenunlearn.models.forward import PassScores, run_pass
from tokenunlearn.models.gradients import has_upper_weights, loss_gradient, token_products, upper_weights
from tokenunlearn.models.loading import LoadedModel, text_hash
from tokenunlearn.signals import SIGNALS, Arrays
from tokenunlearn.text.encoding import Encoding, encode
from tokenunlearn.text.folding import fold
from tokenunlearn.text.masking import (
    LentNames,
    aligned,
    lent_names,
    prompt_positions,
    shares_word,
    subject_positions,
    swap_names,
    swap_subject,
)
from tokenunlearn.text.spans import subject_of, subject_spans

MOST_NAMES = 10
_FIELDS: Final = tuple(each.name for each in fields(PassScores))


@dataclass(frozen=True)
class SubjectEdit:
    """The subject that a person gave a row, and the names put in its place; none: names of the set."""

    subject: str
    names: tuple[str, ...] = ()

    def check(self, row: Row) -> None:
        """Raise InputError for a subject that the row does not name, and for unfit names."""
        text = f"{row.question}\n{row.answer}"
        if not subject_spans(text, self.subject):
            inside = self.subject in text
            why = (
                "occurs only inside longer words"
                if inside
                else "occurs neither in the question nor in the answer"
            )
            raise InputError(f"{self.subject[:60]!r} {why}", fix="Select whole words of them", where=row.id)
        if len(self.names) > MOST_NAMES:
            raise InputError(
                f"{len(self.names)} names are too many", f"At most {MOST_NAMES} are put in", where=row.id
            )
        for name in self.names:
            if not name.strip() or shares_word(self.subject, name):
                raise InputError(
                    f"The name {name[:60]!r} cannot be put in the place of {self.subject[:60]!r}",
                    "It is empty, or shares a word with it, and that word would stay",
                    "Give another name",
                    row.id,
                )


@dataclass(frozen=True)
class RowInfo:
    """How one row was masked. `subject_source`: row, edited, proposed or none; `masking` swap or prompt.

    `subject_spans`: where the subject stands in the question; none where it stands in the answer only.
    """

    row: Row
    subject: str
    subject_source: str
    subject_spans: tuple[tuple[int, int], ...]
    masking: str
    names: tuple[str, ...]


def row_infos(
    rows: Sequence[Row], count: int, edits: Mapping[str, SubjectEdit] = MappingProxyType({})
) -> list[RowInfo]:
    """Return how each row is masked: its subject (edited, its own, proposed or none) and its swap names.

    They lend each other their names as the data give them: an edit, by row id, of one row changes no other.
    """
    lent = _lent_names(rows)
    return [_info(row, lent[row.set], count, edits.get(row.id)) for row in rows]


def _lent_names(rows: Sequence[Row]) -> dict[str, LentNames]:
    """Return, per set, the subjects that occur in their own row: a topic outside the text is not a name.

    They are sorted, so that the same rows in another order get the same names, and each is there once.
    """
    found: dict[str, dict[str, str]] = {row.set: {} for row in rows}
    for row in sorted(rows, key=lambda row: row.subject):
        if row.subject and subject_spans(f"{row.question}\n{row.answer}", row.subject):
            found[row.set].setdefault(fold(row.subject).lower(), row.subject)
    return {name: lent_names(names.values()) for name, names in found.items()}


def _info(row: Row, others: LentNames, count: int, edit: SubjectEdit | None) -> RowInfo:
    subject, source = subject_of(row.question, row.answer, row.subject)
    if edit:
        subject, source, row = edit.subject, "edited", replace(row, subject=edit.subject)
    spans = tuple((start, end) for start, end, _ in subject_spans(row.question, subject))
    names = tuple(swap_names(subject, others, count)) if subject else ()
    names = edit.names if edit and edit.names else names
    return RowInfo(row, subject, source, spans, "swap" if names else "prompt", names)


@dataclass(frozen=True, eq=False)
class Beside:
    """What a pass may use beside model and rows: the rows to keep, other models by name, a fitted scorer.

    `measured` is what a pass has found out once for all groups of rows, by the name of the pass.
    """

    retain: tuple[Row, ...] = ()
    others: Mapping[str, LoadedModel] = field(default_factory=dict)
    scorer: Scorer | None = None
    measured: dict[str, Any] = field(default_factory=dict, repr=False)


ALONE: Final = Beside()


@dataclass(frozen=True, eq=False)
class Context:
    """A group of rows as a pass sees it. `found`: what the passes before it gave, a list with one per row.

    `wanted` are the passes that signals ask for by themselves; `argument` is what stands behind the colon in
    the name by which this one is asked for, such as 18 in `hidden:18`.
    """

    model: LoadedModel
    infos: Sequence[RowInfo]
    encodings: Sequence[Encoding]
    wanted: Set[str]
    beside: Beside = ALONE
    argument: str = ""
    found: Mapping[str, list[Arrays]] = field(default_factory=dict)

    def run(self, asked: Sequence[int], hidden: Sequence[Sequence[int]] | None = None) -> list[PassScores]:
        """Return a forward pass over the rows with these numbers; `hidden` as in `run_pass`."""
        chosen = [self.encodings[index] for index in asked]
        return run_pass(self.model.model, chosen, self.model.pad_id, hidden=hidden)

    @property
    def named(self) -> list[int]:
        """The numbers of the rows with a name; the others are masked by their whole question."""
        return [index for index, info in enumerate(self.infos) if info.names]


@dataclass(frozen=True)
class Pass:
    """One way to run the model. `function` gives one mapping of arrays per row, in their order.

    cost: whole forward passes a row, in words. needs: what it uses beside the answer's forward pass
    (`NEEDS`). after: the passes whose results it reads. head: how a list made under it is announced.
    fit: names what its results depend on beside the model, by what is beside it and its argument.
    """

    function: Callable[[Context], list[Arrays]]
    cost: str
    needs: frozenset[str] = frozenset()
    after: tuple[str, ...] = ()
    head: str = ""
    fit: Callable[[Beside, str], str] | None = None


def fits_of(wanted: Set[str], beside: Beside = ALONE) -> dict[str, str]:
    """Return what the passes depend on beside the model and the rows, by name, for those that do."""
    entries = {name: pass_of(name).fit for name in sorted(wanted)}
    return {name: fit(beside, _argument(name)) for name, fit in entries.items() if fit is not None}


def group_passes(
    model: LoadedModel,
    infos: Sequence[RowInfo],
    encodings: Sequence[Encoding],
    wanted: Set[str],
    beside: Beside = ALONE,
) -> list[dict[str, Arrays]]:
    """Return per row what the `wanted` passes measured, by name.

    Each is run once, with those that it reads before.

    Raises InputError where a pass needs something that is not there, ValueError for an unknown pass.
    """
    found: dict[str, list[Arrays]] = {}
    context = Context(model, infos, encodings, wanted, beside, found=found)
    for name in in_order(wanted):
        entry = pass_of(name)
        refuse_lacking(name, model, beside)
        with _gradients(model) if "gradient" in entry.needs else nullcontext():
            found[name] = entry.function(replace(context, argument=_argument(name)))
    return [{name: rows[index] for name, rows in found.items()} for index in range(len(infos))]


def pass_of(name: str) -> Pass:
    """Return the entry of a pass, whatever follows a colon in its name.

    Raises ValueError where there is none.
    """
    kind = name.partition(":")[0]
    if kind not in PASSES:
        raise ValueError(f"There is no pass {kind!r}. {did_you_mean(kind, PASSES)}")
    return PASSES[kind]


def _argument(name: str) -> str:
    return name.partition(":")[2]


def in_order(wanted: Set[str]) -> list[str]:
    """Return the wanted passes and those that they read, each once, in the order in which they are run."""
    names = set(wanted)
    for name in wanted:
        names.update(pass_of(name).after)
    places = list(PASSES)
    return sorted(names, key=lambda name: (places.index(name.partition(":")[0]), name))


# What a pass may need beside the answers' forward pass: in words that follow "needs", and how to give it.
NEEDS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "adapter": ("an adapter to switch off", "Open the model with its adapter"),
        "retain": ("rows to keep", "Mark rows with split retain, or give --retain-rows"),
        "gradient": ("a list of decoder layers to take gradients of", "Open another model"),
        "hidden": ("hidden states of the model", "Open it as a folder of weights"),
        "other": ("another model beside this one", "Give it with --beside NAME=MODEL"),
    }
)


def needs_of(signal: str) -> frozenset[str]:
    """Return what the passes of a signal need, under the signal's own default settings."""
    entry = SIGNALS[signal]
    return frozenset().union(*(pass_of(name).needs for name in entry.passes_of(entry.settings())))


def lacking(names: Iterable[str], model: LoadedModel, beside: Beside = ALONE) -> list[str]:
    """Return what the passes need and do not have here, such as `retain` or `other:small`, each once."""
    there = {"adapter": hasattr(model.model, "peft_config"), "retain": bool(beside.retain)}
    there |= {"hidden": True} | {f"other:{name}": True for name in beside.others}
    needed = {
        f"other:{_argument(name)}" if need == "other" else need
        for name in names
        for need in pass_of(name).needs
    }
    there["gradient"] = "gradient" in needed and has_upper_weights(model.model)
    return [need for need in sorted(needed) if not there.get(need, False)]


def need_words(need: str) -> tuple[str, str]:
    """Return what is lacking, in words that follow "needs", and what a person can do."""
    kind, _, name = need.partition(":")
    words, fix = NEEDS[kind]
    return (f"{words}, {name}" if name else words), fix


def refuse_lacking(name: str, model: LoadedModel, beside: Beside) -> None:
    """Raise InputError where the pass cannot be run for want of rows, of layers or of another model.

    For want of an adapter it is run and gives NaN, so that the signals of the first sight need no choice.
    """
    for need in lacking([name], model, beside):
        if need != "adapter":
            words, fix = need_words(need)
            raise InputError(
                f"The pass {name} cannot be run", f"It needs {words}", f"{fix}, or leave its signals out"
            )


@contextmanager
def _gradients(model: LoadedModel) -> Iterator[None]:
    """Allow gradients inside; afterwards no parameter has one, and mode and flags are as before."""
    flags = [(parameter, parameter.requires_grad) for parameter in model.model.parameters()]
    try:
        with evaluating(model.model), torch.enable_grad():
            yield
    finally:
        for parameter, flag in flags:
            parameter.grad = None
            parameter.requires_grad_(flag)


def _arrays(scores: PassScores) -> Arrays:
    return {each.name: getattr(scores, each.name) for each in fields(scores)}


def _target(context: Context) -> list[Arrays]:
    return [_arrays(scores) for scores in context.run(range(len(context.infos)))]


def _base(context: Context) -> list[Arrays]:
    """Run the target with its adapter switched off; NaN without one, as nothing can be switched off."""
    model = context.model
    if lacking(["base"], model):
        lengths = [encoding.answer_length for encoding in context.encodings]
        return [dict.fromkeys(("log_probs", "entropies"), np.full(length, np.nan)) for length in lengths]
    passes = run_pass(model.model, context.encodings, model.pad_id, adapter_off=True)
    return [_arrays(scores) for scores in passes]


def _prompt(context: Context) -> list[Arrays]:
    """Hide the question: of all rows if a signal asks for it, else of those without a name to mask."""
    every = range(len(context.infos))
    named = set(context.named)
    asked = list(every) if "prompt" in context.wanted else [index for index in every if index not in named]
    hidden = [prompt_positions(context.encodings[index]) for index in asked]
    found: list[Arrays] = [{} for _ in every]
    for index, positions, scores in zip(asked, hidden, context.run(asked, hidden), strict=True):
        # a plain text has no question to hide: not known, which is not 0
        found[index] = _arrays(scores if positions else _at_none(scores))
    return found


def _subject(context: Context) -> list[Arrays]:
    """Hide the name from attention; where there is none, the question."""
    infos, named = context.infos, context.named
    hidden = [
        subject_positions(context.encodings[i], infos[i].row.question, infos[i].row.answer, infos[i].subject)
        for i in named
    ]
    found = list(context.found["prompt"])
    for index, scores in zip(named, context.run(named, hidden), strict=True):
        found[index] = _arrays(scores)
    return found


def _swap(context: Context) -> list[Arrays]:
    """Put each name in the subject's place, arrays [names, tokens …]: one pass over all rows × names.

    In a row without a name the question hidden, as one name.
    """
    model, infos, named = context.model, context.infos, context.named
    places = [(index, name) for index in named for name in infos[index].names]
    swaps = [
        swap_subject(infos[i].row.question, infos[i].row.answer, infos[i].subject, name) for i, name in places
    ]
    swapped = [encode(model.tokenizer, swap.question, swap.answer) for swap in swaps]
    by_name: dict[int, list[Arrays]] = {index: [] for index in named}
    passes = run_pass(model.model, swapped, model.pad_id)
    for (index, _), swap, encoding, scores in zip(places, swaps, swapped, passes, strict=True):
        found = aligned(context.encodings[index], encoding, swap.replaced)
        by_name[index].append({name: _at(values, found) for name, values in _arrays(scores).items()})
    return [
        {name: np.stack([each[name] for each in by_name.get(index, [prompt])]) for name in _FIELDS}
        for index, prompt in enumerate(context.found["prompt"])
    ]


def _occlusion(context: Context) -> list[Arrays]:
    """Hide each question token in turn, row by row: arrays [hidden, tokens …]."""
    return [_occluded(context.model, encoding) for encoding in context.encodings]


def _occluded(model: LoadedModel, encoding: Encoding) -> Arrays:
    positions = prompt_positions(encoding)
    passes = run_pass(model.model, [encoding] * len(positions), model.pad_id, hidden=[[p] for p in positions])
    if not passes:
        return {"log_probs": np.full((1, encoding.answer_length), np.nan)}
    return {name: np.stack([getattr(scores, name) for scores in passes]) for name in _FIELDS}


def _learned(context: Context) -> list[Arrays]:
    """Find the logit of each token under the scorer that is given, else under the one fitted for its row."""
    share, strength = map(float, context.argument.split(":"))
    settings = FitSettings(layer_share=share, C=strength)
    model, given = context.model, context.beside.scorer
    if given is not None:
        refuse_other_model(given, model)
        scorers = [given] * len(context.infos)
    else:
        scorers = scorers_for(model, [info.row for info in context.infos], settings)
    states = states_of(model, context.encodings, scorers[0].layer)
    return [{"logits": scorer.logits(each)} for scorer, each in zip(scorers, states, strict=True)]


def _learned_fit(beside: Beside, _: str) -> str:
    return annotated_hash() if beside.scorer is None else beside.scorer.hash


def _tempered(context: Context) -> list[Arrays]:
    """Run the target with its logits divided by a temperature."""
    model = context.model
    passes = run_pass(model.model, context.encodings, model.pad_id, temperature=float(context.argument))
    return [_arrays(scores) for scores in passes]


def _other(context: Context) -> list[Arrays]:
    """Run another model on the same answers.

    Raises InputError where it cuts an answer into other tokens.
    """
    other = context.beside.others[context.argument]
    encodings = [encode(other.tokenizer, info.row.question, info.row.answer) for info in context.infos]
    for info, own, its in zip(context.infos, context.encodings, encodings, strict=True):
        if (own.answer_ids, own.answer_offsets) != (its.answer_ids, its.answer_offsets):
            raise InputError(
                f"The model {context.argument} cannot be compared with this one",
                "It cuts the answer into other tokens, so that no probability has its counterpart",
                "Take a model of the same tokenizer",
                info.row.id,
            )
    return [_arrays(scores) for scores in run_pass(other.model, encodings, other.pad_id)]


def _other_fit(beside: Beside, name: str) -> str:
    return text_hash(str(beside.others[name].provenance())) if name in beside.others else ""


def _g_effect(context: Context) -> list[Arrays]:
    """Take ⟨∇ loss on the rows to keep, ∇lp⟩ of each answer token, on the matrices of the upper layers."""
    share, count = context.argument.split(":")
    model, beside = context.model, context.beside
    weights = upper_weights(model.model, float(share))
    known, direction = beside.measured.get(f"g_effect:{context.argument}", (None, []))
    if known is not model.model:
        kept = spread(beside.retain, int(count))
        encodings = [encode(model.tokenizer, row.question, row.answer) for row in kept]
        direction = loss_gradient(model.model, encodings, model.pad_id, weights)
        beside.measured[f"g_effect:{context.argument}"] = model.model, direction
    products = token_products(model.model, context.encodings, model.pad_id, weights, direction)
    return [{"products": each} for each in products]


def spread(rows: Sequence[Row], count: int) -> list[Row]:
    """Return at most `count` of the rows, spread evenly over them, in their order."""
    taken = min(count, len(rows))
    return [rows[at * len(rows) // taken] for at in range(taken)]


def _g_effect_fit(beside: Beside, argument: str) -> str:
    kept = spread(beside.retain, int(argument.partition(":")[2]))
    return text_hash(*(part for row in kept for part in (row.question, row.answer)))


# In the order in which they are run.
PASSES: Final[Mapping[str, Pass]] = MappingProxyType(
    {
        "target": Pass(_target, "1"),
        "base": Pass(_base, "1", frozenset({"adapter"})),
        "prompt": Pass(_prompt, "1", head="with the question hidden"),
        "swap": Pass(_swap, "one a name", after=("target", "prompt"), head="with the name swapped"),
        "subject": Pass(_subject, "1", after=("prompt",), head="with the name hidden"),
        "occlusion": Pass(_occlusion, "one a question token", head="with one word hidden"),
        "learned": Pass(_learned, "part of 1, and once a fit", frozenset({"hidden"}), fit=_learned_fit),
        "tempered": Pass(_tempered, "1"),
        "other": Pass(_other, "1 of the other model", frozenset({"other"}), fit=_other_fit),
        "g_effect": Pass(
            _g_effect,
            "about 4, and once 2 a row to keep",
            frozenset({"gradient", "retain"}),
            fit=_g_effect_fit,
        ),
    }
)


def most_moving(target: np.ndarray, swap: np.ndarray) -> np.ndarray:
    """Return the number of the name that moves each token most, int [tokens]; `swap` is [names, tokens].

    The first of equals; 0 where no name has the token.
    """
    return np.nan_to_num(np.abs(swap - target), nan=-1.0).argmax(axis=0)


def _at(values: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Return `values[found]`, NaN where `found` is −1."""
    picked = values[np.maximum(found, 0)].astype(np.float64)
    picked[found < 0] = np.nan
    return picked


def _at_none(scores: PassScores) -> PassScores:
    """Return the scores of a pass that says nothing: NaN, with the alternatives that it had."""
    nothing = np.full(scores.log_probs.shape, np.nan)
    return replace(scores, log_probs=nothing, entropies=nothing)
