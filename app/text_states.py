"""The hidden states of open texts, kept in memory: every refit on marks is arithmetic on them."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from tokenunlearn.learned.words import Words, words_of

if TYPE_CHECKING:
    from tokenunlearn.learned.fit import Basis

MOST_BYTES: Final = 1 << 30


@dataclass(frozen=True, eq=False)
class TextStates:
    """The states of an open text after one layer, float32 [tokens, width], NaN in rows that failed.

    `basis` are our annotated words without the rows of this text.
    """

    layer: int
    states: np.ndarray
    basis: "Basis"
    _words: dict[bytes, Words] = field(default_factory=dict)

    def words(self, columns: Mapping[str, np.ndarray], in_no_word: np.ndarray) -> Words:
        """Return the words of the text, without labels; made anew where other tokens are in no word."""
        key = in_no_word.tobytes()
        found = self._words.get(key)  # at once: another thread may put others in its place
        if found is None:
            nothing = np.full(len(in_no_word), np.nan)
            found = words_of(self.states, columns["row"], columns["word"], in_no_word, nothing)
            self._words.clear()
            self._words[key] = found
        return found

    @property
    def nbytes(self) -> int:
        """What it takes in memory."""
        return int(self.states.nbytes + self.basis.states.nbytes)


class StatesShelf:
    """The states of the texts that were asked for last, up to a gigabyte; threads may share it."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, TextStates] = OrderedDict()
        self._lock = threading.Lock()
        # One text at a time is measured: the second who asks for it waits for the first.
        self.measuring = threading.Lock()

    def find(self, key: str) -> TextStates | None:
        """Return the states under this key, which are then the newest."""
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
            return self._held.get(key)

    def keep(self, key: str, states: TextStates) -> None:
        """Hold these, and forget the oldest beyond a gigabyte."""
        with self._lock:
            self._held[key] = states
            while len(self._held) > 1 and sum(each.nbytes for each in self._held.values()) > MOST_BYTES:
                self._held.popitem(last=False)
