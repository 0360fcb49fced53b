"""Public sets by name, and our own: SETS maps a name to an entry that reads a folder into rows by split.

Nothing is fetched unless a person names a place at the hub. `open_rows` is the one way from what a person
writes, the name of a set or of a file, to rows.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from types import MappingProxyType
from typing import Final

from tokenunlearn.data.columns import columns_from_text
from tokenunlearn.data.demo import ASSETS, HELD_OUT, demo_rows
from tokenunlearn.data.files import good_rows, kept_rows, need_rows, read_records, rows_of
from tokenunlearn.data.rows import CHOICE, FORGET, HOLDOUT, RETAIN, WORLD, Row
from tokenunlearn.data.splits import Splits, split_rows
from tokenunlearn.errors import InputError, did_you_mean

SUFFIXES: Final = (".jsonl", ".json", ".parquet", ".csv")
# What hears of each refused line that is left out; None: the first one is raised.
Tell = Callable[[str], None] | None
Read = Callable[[Path, Tell], Splits]


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """A set of rows. `read` takes its folder, and what hears of refused lines, and gives its rows by split.

    label: its name in a menu. forgets: whether some of its rows are to forget; else they are only asked.
    folder: where it lies when it is shipped; None: a person names a folder or a data set of the hub.
    adapter: the shipped one with which the embedded model knows these rows, if there is one.
    hub: its usual id there, which is told and never asked by itself. files: what is fetched of it, as globs.
    stems: what is read of a folder, as globs of names without their suffix.
    """

    read: Read
    label: str
    licence: str
    source: str
    help: str
    forgets: bool = True
    folder: Path | None = None
    adapter: Path | None = None
    hub: str = ""
    files: tuple[str, ...] = ()
    stems: tuple[str, ...]

    def holds(self, way: PurePath) -> bool:
        """Return whether a file is read, by its way below the folder of the set."""
        stems = (PurePath(each) for each in self.stems)
        return way.suffix in SUFFIXES and any(
            len(each.parts) == len(way.parts) and way.with_suffix("").match(str(each)) for each in stems
        )


def open_rows(
    text: str, tell: Callable[[str], None], skip_bad: bool = False, columns: str = "", split: str = FORGET
) -> Splits:
    """Return the rows by split of a file or a set: `NAME` if shipped, else `NAME=FOLDER` or `NAME=HUB/ID`.

    `columns` and `split`, that of a row which names none, are for a file; `tell` hears what is left out of
    file or set. Raises InputError as the file or the set does, SettingError for columns that it lacks.
    """
    name, equals, place = text.partition("=")
    if name not in SETS:
        if equals and not Path(text).exists():
            fix = did_you_mean(name, list(SETS))
            raise InputError(f"There is no set {name[:60]!r} and no such file", fix=fix, where=text[:200])
        return split_rows(good_rows(text, columns_from_text(columns), skip_bad, split, tell))
    entry = SETS[name]
    if entry.folder is not None and equals:
        raise InputError(f"The set {name} is shipped", "It takes no place", f"Write {name}", text[:200])
    if entry.folder is None and not place:
        fix = f"Write {name}=FOLDER, or {name}={entry.hub} to fetch it from the hub"
        raise InputError(f"The set {name} is not shipped", entry.licence, fix, name)
    return read_set(name, place, not _is_folder(place), tell if skip_bad else None)


def read_set(name: str, place: str, hub: bool, tell: Tell) -> Splits:
    """Return the rows by split of a set: a shipped one needs no place, any other its folder.

    With `hub`, the place is the id of a data set there, which is fetched. Raises InputError for a name that
    is no set, for a place without the set's files, and for a refused line where nobody is to be told.
    """
    if name not in SETS:
        raise InputError(f"There is no set {name[:60]!r}", fix=did_you_mean(name, list(SETS)))
    entry = SETS[name]
    if entry.folder is not None:
        return entry.read(entry.folder, None)
    if not place:
        raise InputError(f"The set {name} is not shipped", entry.licence, "Name its folder", name)
    return entry.read(_fetched(place, entry.files) if hub else _folder(place), tell)


def shipped_adapter(names: Iterable[str]) -> Path | None:
    """Return the shipped adapter with which the embedded model knows one of these sets, if there is one."""
    return next((SETS[name].adapter for name in names if name in SETS and SETS[name].adapter), None)


def _folder(place: str) -> Path:
    """Return the folder of this name. Raises InputError where there is none."""
    if not _is_folder(place):
        raise InputError("There is no such folder", fix="Check the path", where=place[:200])
    return Path(place)


def _is_folder(place: str) -> bool:
    """Return whether there is such a folder; False for what cannot be a path (too long, NUL, unreadable)."""
    try:
        return Path(place).is_dir()
    except (OSError, ValueError):
        return False


def _fetched(place: str, files: Sequence[str]) -> Path:
    """Return the folder of a data set of the hub, fetched. Raises InputError."""
    if place.count("/") != 1 or place.startswith((".", "/", "~")):
        raise InputError(
            "There is no such folder", "It is not an id of the hub either (OWNER/NAME)", where=place[:200]
        )
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HTTPError

    try:
        return Path(snapshot_download(place, repo_type="dataset", allow_patterns=list(files)))
    except (HTTPError, OSError, ValueError) as error:  # OSError: no network, offline, or a full disk
        why = f"The hub gave no such data set, or cannot be reached ({type(error).__name__})"
        raise InputError("The set cannot be fetched", why, "Name a folder of this machine", place) from error


def _file(folder: Path, stem: str) -> Path | None:
    """Return the file of this name in the folder, whatever format it has; None where there is none."""
    return next((path for path in (folder / f"{stem}{each}" for each in SUFFIXES) if path.is_file()), None)


def _rows(
    path: Path, prefix: str, split: str, name: str, columns: Mapping[str, str], tell: Tell
) -> tuple[Row, ...]:
    """Return the rows of one file of a set, all of one split.

    Raises InputError for the first refused line; where there is somebody to tell, it is left out.
    """

    def told(words: str) -> None:
        if tell is not None:
            tell(f"{path.name}: {words}")

    records = read_records(path)
    missing = [each for each in columns.values() if each and each not in records.columns]
    if missing:
        why = f"Its columns are {', '.join(records.columns[:20]) or 'none'}"
        fix = "Use the files as published, with their column names"
        raise InputError(f"There is no column {missing[0]!r}", why, fix, str(path))
    content = rows_of(records, columns, split)
    rows = kept_rows(need_rows(content) if content.refused else content, tell is not None, told)
    named = (replace(row, split=split, set=row.set or name) for row in rows)
    return tuple(replace(row, id=f"{prefix}-{at}") for at, row in enumerate(named))


_TOFU: Final = MappingProxyType({"question": "question", "answer": "answer"})
# Their `answer` is the number of the true choice, also where a table makes text of it.
_CHOICES: Final = MappingProxyType(
    {"question": "question", "choices": "choices", "answer": "", "correct": "answer", "subject": ""}
)


def _tofu(share: str) -> Read:
    """Return what reads TOFU with the authors of this share to forget."""

    def read(folder: Path, tell: Tell) -> Splits:
        kept = f"retain{100 - int(share)}"
        forget = _with_words(folder, f"forget{share}", f"forget{share}_perturbed", FORGET, "tofu", tell)
        retain = _with_words(folder, kept, "retain_perturbed", RETAIN, "tofu", tell)
        if not forget:
            why = f"It holds no forget{share}.json and no forget{share}_perturbed.json"
            fix = "Name the folder of locuslab/TOFU as it is at the hub"
            raise InputError("This is not a folder of TOFU", why, fix, str(folder))
        holdout = _with_words(folder, f"holdout{share}", "", HOLDOUT, "tofu", tell)
        world = [
            row
            for name in _KEPT_TRUE
            for row in _with_words(folder, name, f"{name}_perturbed", WORLD, name, tell)
        ]
        return Splits(forget, retain, tuple(world), holdout)

    return read


def _with_words(
    folder: Path, plain: str, perturbed: str, split: str, name: str, tell: Tell
) -> tuple[Row, ...]:
    """Return the rows of a file, with the paraphrases and false answers that the other file has of them.

    Where one of the files is not there, those of the other; none where neither is.
    """
    first, second = _file(folder, plain), _file(folder, perturbed) if perturbed else None
    rows = _rows(first, plain, split, name, _TOFU, tell) if first else ()
    words = _rows(second, plain, split, name, _TOFU, tell) if second else ()
    if not rows:
        return words
    known = {(row.question, row.answer): row for row in words}
    found = []
    for row in rows:
        more = known.get((row.question, row.answer))
        found.append(replace(more, id=row.id) if more else row)
    return tuple(found)


def _choice(stems: Sequence[str], name: str, subject: str = "") -> Read:
    """Return what reads questions with choices from the first of these places.

    `subject` is the column of `set`.
    """

    def read(folder: Path, tell: Tell) -> Splits:
        paths = next((found for stem in stems if (found := _all(folder, stem))), [])
        if not paths:
            raise InputError(
                f"This is not a folder of {name}",
                f"It holds no {stems[0]}.*",
                "Name another one",
                str(folder),
            )
        columns = {**_CHOICES, "set": subject}
        many = len(paths) > 1
        parts = (
            _rows(each, f"{name}-{each.stem}" if many else name, CHOICE, name, columns, tell)
            for each in paths
        )
        return Splits((), (), (), choice=tuple(row for part in parts for row in part))

    return read


def _all(folder: Path, stem: str) -> list[Path]:
    """Return the files of this glob, whatever format they have, in order."""
    return sorted(path for each in SUFFIXES for path in folder.glob(f"{stem}{each}"))


_OURS: Final = ("shared_forget", "one_off", "shared_retain", "world", HELD_OUT)
_MMLU: Final = ("mmlu*", "all/test*", "test*", "*/test*")
_KEPT_TRUE: Final = ("real_authors", "world_facts")


def _demo(_folder: Path, _tell: Tell) -> Splits:
    return split_rows([row for name in _OURS for row in demo_rows(name)])


def _tofu_entry(share: str) -> DataSet:
    return DataSet(
        read=_tofu(share),
        label=f"TOFU, {int(share)} % to forget",
        licence="MIT (so the card at the hub says; another copy of it says Apache-2.0)",
        source="TOFU 2401.06121",
        help=f"Invented authors, {int(share)} % of them to forget; real authors and world facts to keep",
        hub="locuslab/TOFU",
        files=("*.json", "*.jsonl"),
        stems=(
            *(
                f"{name}{perturbed}"
                for name in (f"forget{share}", *_KEPT_TRUE)
                for perturbed in ("", "_perturbed")
            ),
            *(f"retain{100 - int(share)}", "retain_perturbed", f"holdout{share}"),
        ),
    )


def _wmdp_entry(field: str) -> DataSet:
    stems = (f"wmdp-{field}", f"wmdp_{field}*", f"wmdp-{field}/test*")
    return DataSet(
        read=_choice(stems, f"wmdp_{field}"),
        label=f"WMDP, {field}",
        forgets=False,
        licence="MIT",
        source="WMDP 2403.03218",
        help=f"Questions with four choices about hazardous knowledge ({field}); only asked, never shipped",
        hub="cais/wmdp",
        files=(f"wmdp-{field}/*.parquet",),
        stems=stems,
    )


SETS: Final[Mapping[str, DataSet]] = MappingProxyType(
    {
        "demo": DataSet(
            read=_demo,
            label="Our demo",
            licence="MIT, ours",
            source="ours, in TOFU form",
            help="Invented authors and one-off facts to forget, others and facts of the world to keep",
            folder=ASSETS / "demo",
            stems=_OURS,
            adapter=ASSETS / "adapters" / "target",
        ),
        "common": DataSet(
            read=_choice(("common",), "common", "set"),
            label="Common knowledge",
            forgets=False,
            licence="MIT, ours",
            source="ours, in the form of MMLU",
            help="60 questions of common knowledge with four choices each",
            folder=ASSETS / "choice",
            stems=("common",),
        ),
        **{f"tofu_forget{share}": _tofu_entry(share) for share in ("01", "05", "10")},
        **{f"wmdp_{field}": _wmdp_entry(field) for field in ("bio", "chem", "cyber")},
        "mmlu": DataSet(
            read=_choice(_MMLU, "mmlu", "subject"),
            label="MMLU",
            forgets=False,
            licence="MIT",
            source="MMLU 2009.03300",
            help="Questions with four choices from 57 subjects",
            hub="cais/mmlu",
            files=("all/test*.parquet",),
            stems=_MMLU,
        ),
    }
)
