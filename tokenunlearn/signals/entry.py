"""What a signal is: a function of a row, and all that is said of it anywhere, declared in one entry.

Flags, tables, menus, sentences and reports are made from the entry; nothing else names a signal.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from tokenunlearn.text.spans import Span

Arrays = Mapping[str, np.ndarray]
NO_NAME: Final = "Part of the name itself: the name is what is changed, so it has no score."


@dataclass(frozen=True)
class Family:
    """Signals of one kind: their name in a menu, and the parts of the fused score that they may stand for."""

    label: str
    roles: tuple[str, ...]


FAMILIES: Final[Mapping[str, Family]] = MappingProxyType(
    {
        "knowledge": Family("Knowledge", ("knowledge",)),
        "entropy": Family("Entropy", ("entropy",)),
        "learned": Family("Learned", ("knowledge",)),
        "text": Family("Text alone", ("knowledge", "entropy")),
        "gradient": Family("Gradient", ("knowledge",)),
        "likelihood": Family("Likelihood", ("knowledge", "entropy")),
    }
)


@dataclass(frozen=True)
class NoSettings:
    """The settings of a signal without any."""


@dataclass(frozen=True, eq=False)
class RowView:
    """One row as a signal sees it: its texts, and per answer token what is known of it, each [tokens].

    `offsets` are characters of the answer, `words` word numbers, `gold` 1, 0 or NaN (not known), `random_key`
    a seeded number in [0, 1). `measured` holds what each pass gave, by the name of the pass.
    """

    question: str
    answer: str
    offsets: tuple[Span, ...]
    words: np.ndarray
    subject: np.ndarray
    stop: np.ndarray
    punctuation: np.ndarray
    gold: np.ndarray
    random_key: np.ndarray
    measured: Mapping[str, Arrays] = field(default_factory=dict)

    @property
    def tokens(self) -> list[str]:
        """The text of each answer token."""
        return [self.answer[start:end] for start, end in self.offsets]

    def of(self, name: str) -> Arrays:
        """Return what a pass measured on this row. Raises ValueError for one that the entry does not name."""
        if name not in self.measured:
            raise ValueError(f"the pass {name!r}, which the signal needs, was not run")
        return self.measured[name]


@dataclass(frozen=True)
class Moves:
    """The sentence on a signal that says by how many nats a token's log-probability falls.

    `without` says what was done, `fully` and `partly` what a large and a middling fall mean. A `signed`
    signal says where the log-probability rises; of any other only the size of the move is known.
    """

    without: str
    fully: str
    partly: str
    signed: bool = False


@dataclass(frozen=True)
class Levels:
    """The sentence on any other signal: that of the first of `steps` (value, sentence) that is reached.

    `steps` go from the highest value down, `below` is for all others. `{token}` and `{value}` are put in.
    """

    below: str
    steps: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True)
class Without:
    """The sentence where there is no score: on a token of the name, on a plain text's, on any other."""

    other: str = "{token} has no score."
    name: str = ""
    plain: str = ""


def _same_passes(_: Any) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, kw_only=True)
class Signal:
    """One signal. `function` takes a RowView and the settings, and gives float64 [tokens], NaN = no score.

    passes: what it needs measured (`passes.PASSES`); none: it costs nothing and needs no model.
    passes_with: the passes that its settings decide besides, such as the hidden states of one layer.
    label, short: its name alone, and its name in a menu of its family.
    over_word: what a word has of its tokens: `sum`, `max` or `mean`.
    default: computed unless others are asked for. report: stands in every report on gold spans.
    nameless: the signal whose numbers it has in a row without a name.
    spread: where it is a mean over the names put in, the signal that says how far they differ.
    masked: one sentence on what was done to the row; empty where nothing was.
    """

    label: str
    short: str
    function: Callable[[RowView, Any], np.ndarray]
    family: str
    source: str
    help: str
    says: Moves | Levels
    passes: tuple[str, ...] = ()
    passes_with: Callable[[Any], tuple[str, ...]] = _same_passes
    settings: type = NoSettings
    unit: str = ""
    over_word: str = "max"
    default: bool = False
    report: bool = False
    nameless: str = ""
    spread: str = ""
    masked: str = ""
    without: Without = Without()

    def passes_of(self, settings: Any) -> tuple[str, ...]:
        """Return the names of the passes that it needs under these settings."""
        return (*self.passes, *self.passes_with(settings))

    @property
    def free(self) -> bool:
        """Whether it needs no pass as it is set at first: the text is enough."""
        return not self.passes_of(self.settings())

    def of(self, row: RowView, settings: Any) -> np.ndarray:
        """Return its values on a row, float64 [tokens].

        Of what was measured it sees only the passes it names.
        """
        names = self.passes_of(settings)
        seen = {name: arrays for name, arrays in row.measured.items() if name in names}
        return np.asarray(self.function(replace(row, measured=seen), settings), dtype=np.float64)
