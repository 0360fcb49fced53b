"""What is open on the page: which model and which rows, as somebody asked for them."""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from tokenunlearn.data.demo import ASSETS, demo_rows
from tokenunlearn.data.rows import Row
from tokenunlearn.data.sets import open_rows
from tokenunlearn.data.splits import Splits

LOG: Final = logging.getLogger(__name__)
RECORDED: Final = ASSETS / "recorded" / "example.json"
SWEEP: Final = "sweep.jsonl"
TARGET: Final = ASSETS / "adapters" / "target"
DEMO: Final = "demo"


@dataclass(frozen=True)
class Options:
    """What the page was started with. `model` None is the embedded one, `data` None the demo rows.

    `columns` says how `data` is read, as the command line's --columns does.
    """

    model: str | None = None
    adapter: str | None = None
    precision: str = "auto"
    data: str | None = None
    runs: Path = Path("runs")
    recorded: Path | None = None
    skip_bad_rows: bool = False
    columns: str = ""

    @property
    def example(self) -> Path | None:
        """The recorded example that fits: the one named, else the shipped one for the embedded demo."""
        if self.recorded is None and (self.model is not None or self.data is not None):
            return None
        return self.recorded or RECORDED

    @property
    def sweep(self) -> Path | None:
        """The recorded sweep beside the recorded example; there need not be one."""
        return self.example.with_name(SWEEP) if self.example else None


@dataclass(eq=False)
class Session:
    """Rows under a model; those to forget are shown as tokens.

    `model` is None before it is loaded, and again when another session is open. `data_name` is what a person
    knows the rows by: a file's name, or the demo. `left_out` gives the reason of each row, by its id, that
    this model cannot read: it takes no part.
    """

    rows: Splits
    model_name: str | None = None
    adapter: str | None = None
    precision: str = "auto"
    data_name: str = DEMO
    model: Any = None
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def fitting(self) -> Splits:
        """All rows that take part, by split."""
        return self.rows.without(self.left_out)

    @property
    def forget(self) -> tuple[Row, ...]:
        """The forget rows that take part."""
        return self.fitting.forget

    @property
    def retain(self) -> tuple[Row, ...]:
        """The retain rows that take part."""
        return self.fitting.retain

    def of_set(self, name: str) -> tuple[Row, ...]:
        """Return the forget rows of one set that take part."""
        return tuple(row for row in self.forget if row.set == name)

    @property
    def model_key(self) -> tuple[str | None, str | None, str]:
        """What has to be equal for two sessions to use one loaded model."""
        return self.model_name, self.adapter, self.precision

    def with_rows(self, rows: Splits, name: str) -> "Session":
        """Return a new session: the same model on other rows."""
        return replace(self, rows=rows, data_name=name, model=None, left_out={})

    def with_model(self, name: str | None, adapter: str | None, precision: str) -> "Session":
        """Return a new session: the same rows under another model."""
        named = replace(self, model_name=name, adapter=adapter, precision=precision)
        return named.with_rows(self.rows, self.data_name)


def first_session(options: Options) -> Session:
    """Return the session that the page starts with.

    Raises InputError, SettingError as `session_rows` does.
    """
    rows = session_rows(options.data, options.skip_bad_rows, options.columns)
    model, given = _whole(options.model), _whole(options.adapter)
    adapter = given or demo_adapter(options.model)
    name = Path(options.data).name if options.data else DEMO
    return Session(rows, model, adapter, options.precision, name)


def _whole(name: str | None) -> str | None:
    """Return the name of a folder as its whole path: runs are read from other folders than this one."""
    return os.path.abspath(name) if name and Path(name).is_dir() else name


def demo_adapter(model: str | None) -> str | None:
    """Return the embedded model's adapter when none is named: the one that knows the demo rows."""
    return str(TARGET) if model is None and TARGET.is_dir() else None


def session_rows(data: str | None, skip_bad_rows: bool = False, columns: str = "") -> Splits:
    """Return the rows of a file or of a set by its name (`open_rows`); None is the demo.

    Raises InputError for a refused line, unless bad rows are skipped, and when there is no row to forget;
    SettingError for columns that the file does not have.
    """
    name = DEMO if data is None else data
    return rows_to_open(open_rows(name, LOG.warning, skip_bad_rows, columns), name)


def rows_to_open(given: Splits, where: str) -> Splits:
    """Return the rows of a session. Raises InputError when there is no row to forget."""
    return given.need_forget(where).keeping(demo_rows("world"))
