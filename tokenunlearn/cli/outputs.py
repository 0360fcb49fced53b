"""What a verb writes: declared beside its flag, then checked, tried and held in one place before it runs.

No output is an input, nor a folder that an input lies in; each can be written, which is tried; and no other
process writes it meanwhile. Every verb goes through `writing`: a new one needs `add_output` and nothing else.

Not covered: files that an input names inside itself, and two machines that share a folder.
"""

import argparse
import errno
import glob
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tokenunlearn.errors import RunError, SettingError
from tokenunlearn.settings import MOST_SHOWN

# What no verb reads: written again wherever it lies.
PICTURES: Final = (".svg", ".png", ".html")
# What these flags take are words, numbers and columns, never files: what `add_settings` adds, and a few more.
_WORDS: Final = ("STR", "INT", "FLOAT", "NAME[,NAME]", "WORD", "FIELD=COLUMN,…", "TOKEN=in|out")
# The name of a file that is still being written: that of the file, and one of its own.
_DRAFT: Final = re.compile(r"\.(?P<of>.+)\.[^.]+\.part")
_TRIED_BYTES: Final = 4096  # a disk that is full still takes an empty file
# What the system says where there was room when the place was tried, and there is none now.
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


@dataclass(frozen=True)
class Output:
    """A flag that names what is written; `name` is that in the namespace.

    `written` gives all that is written from the text that was typed, folders where `folder`. `holds` are the
    suffixes of what a folder gets; none: anything. `goes_on`: what is there is read first, and refused by the
    verb where it is something else.
    """

    name: str
    flag: str
    written: Callable[[str], Iterable[Path]]
    folder: bool = False
    holds: tuple[str, ...] = ()
    goes_on: bool = False


def add_output(
    parser: argparse.ArgumentParser,
    flag: str,
    *suffixes: str,
    help: str,
    required: bool = False,
    holds: tuple[str, ...] = (),
    beside: Callable[[Path], Iterable[Path]] = lambda _: (),
    goes_on: bool = False,
) -> None:
    """Let the parser take the name of a file of these suffixes that the verb writes, without any of a folder.

    `beside` gives what is written along with it; `Output` says what the rest means.
    """
    metavar = "PATH" if suffixes else "FOLDER"
    action = parser.add_argument(flag, metavar=metavar, required=required, help=help)

    def written(typed: str) -> list[Path]:
        path = target(typed, *suffixes, flag=flag)
        return [path, *beside(path)]

    add_written(parser, Output(action.dest, flag, written, not suffixes, holds, goes_on))


def add_written(parser: argparse.ArgumentParser, output: Output) -> None:
    """Tell the parser of an argument that it has already, and that names what is written as well."""
    parser.set_defaults(outputs=(*(parser.get_default("outputs") or ()), output))


def settle(parser: argparse.ArgumentParser) -> None:
    """Note in the parser which arguments may name what is read: all that are no output and no word."""
    outputs: tuple[Output, ...] = parser.get_default("outputs") or ()
    written = {each.name for each in outputs}
    read = (
        action.dest
        for action in parser._actions
        if action.nargs != 0 and action.dest not in written and action.metavar not in _WORDS
    )
    parser.set_defaults(outputs=outputs, inputs=tuple(dict.fromkeys(read)))


@contextmanager
def writing(arguments: argparse.Namespace, *read: Path) -> Iterator[None]:
    """Hold all that a verb writes, after it was found to be no input (`read` are more of these) and writable.

    Raises SettingError before anything slow runs, RunError where another process writes the same and where
    the disk fills up meanwhile.
    """
    from tokenunlearn.runs.disk import held_alone

    found: list[tuple[Output, Path]] = []
    for output in arguments.outputs:
        named = getattr(arguments, output.name)
        if named is not None:
            found += ((output, path) for path in output.written(named))
    inputs = [*_given(arguments), *read]
    for output, path in found:
        _refuse_input(output, path, inputs)
        _refuse_run_of_the_page(output, path)
    _refuse_twice(found)
    with ExitStack() as held:
        # Of the processes of one `accelerate launch` the first alone writes.
        if os.environ.get("RANK", "0") == "0":
            for output, path in found:
                _try_out(output, path)
                held.enter_context(held_alone(path))
                _remove_left(output, path)
        try:
            yield
        except OSError as error:
            told = _no_room(error, [path for _, path in found])
            if told is None:
                raise
            raise told from error


def _no_room(error: OSError, written: Sequence[Path]) -> RunError | None:
    """Return what to say where the system had no room for what is written; None for any other error."""
    told = re.search(r"\[errno (\d+)\]", str(error))  # pyarrow says it in words alone
    number = error.errno or (int(told[1]) if told else 0)
    if number not in _NO_ROOM:
        return None
    place = error.filename or ", ".join(map(str, written[:1]))
    fix = "Make room on the disk, then give the same command again"
    return RunError(_cannot(place), os.strerror(number), fix, str(place))


def target(path: str, *suffixes: str, flag: str = "--out") -> Path:
    """Return the path to write to, checked before anything slow runs; no suffix given means a folder.

    `flag` named it. Raises SettingError for a suffix that cannot be written and a parent folder that does not
    exist.
    """
    place, what = Path(path), _cannot(path)
    if not path.strip():
        raise SettingError("Cannot write to nowhere", "No name is given", "Name a file or folder", flag)
    if suffixes and place.suffix not in suffixes:
        why = f"The suffix {place.suffix[:MOST_SHOWN]!r} says no known format"
        raise SettingError(what, why, f"End it in {' or '.join(suffixes)}", flag)
    try:
        there = place.resolve().parent.is_dir()
        taken = place.is_dir() if suffixes else place.exists() and not place.is_dir()
    except (OSError, ValueError) as error:
        # What Python says of a name that no file can have differs between its versions.
        why = getattr(error, "strerror", None) or "No file can have such a name"
        raise SettingError(what, why, "Pick another name", flag) from error
    if not there:
        raise SettingError(what, "Its folder does not exist", "Make the folder first", flag)
    if taken:
        raise SettingError(what, "Something else has that name", "Pick another", flag)
    return place


def _cannot(path: object) -> str:
    text = str(path)
    return f"Cannot write {text[:MOST_SHOWN]}{'…' * (len(text) > MOST_SHOWN)}"


def _given(arguments: argparse.Namespace) -> list[Path]:
    """Return what the arguments name and is there; of NAME=FOLDER the folder."""
    texts: list[str] = []
    for name in arguments.inputs:
        value = getattr(arguments, name)
        texts += (each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str))
    paths = [Path(part) for text in texts for part in (text, text.partition("=")[2]) if part]
    if getattr(arguments, "demo", False):
        from tokenunlearn.data.demo import ASSETS

        paths.append(ASSETS / "demo")
    return [path for path in paths if _is_there(path)]


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a text that no file can be named
        return False


def _refuse_input(output: Output, path: Path, inputs: Iterable[Path]) -> None:
    """Raise SettingError where writing would replace what is read, or mix with it."""
    own = path.resolve()
    for each in inputs:
        other = each.resolve()
        same = own == other or (path.exists() and path.samefile(each))
        # A folder that is written to holds whatever the verb puts there.
        holds = output.folder and own in other.parents
        mixed = holds and (not output.holds or other.suffix in output.holds)
        kept = output.goes_on or own.suffix in PICTURES
        # Which files of a folder are read only its reader knows.
        inside = other.is_dir() and other in own.parents and own.is_file() and not kept
        if same or mixed or inside:
            why = (
                f"{each} is read, and what is written would replace it"
                if same
                else f"{each} is read, and lies in it"
                if mixed
                else f"It is there already and lies in {each}, which is read"
            )
            raise SettingError(_cannot(path), why, "Name another", output.flag)


def _refuse_run_of_the_page(output: Output, path: Path) -> None:
    """Raise SettingError for the folder of a run of the page: its own files would be replaced."""
    if output.folder and not output.holds and (path / "state.json").is_file():
        raise SettingError(_cannot(path), "It is a run of the page", "Name another folder", output.flag)


def _remove_left(output: Output, path: Path) -> None:
    """Remove what killed processes left half written of this, which is held: no living one writes it.

    In a folder other processes may write files of their own, and programs that are not ours keep theirs: what
    has the name of no draft of ours stays, and so does the draft of a file that somebody holds.
    """
    from tokenunlearn.runs.disk import held_alone

    if output.folder and output.holds:
        return  # a folder of other things as well
    drafts = path.rglob(".*") if output.folder else path.parent.glob(f".{glob.escape(path.name)}.*")
    for each in list(drafts):
        draft = _DRAFT.fullmatch(each.name)
        if draft is None or not each.is_file():
            continue
        written = each.with_name(draft["of"])
        # Its own name is held here already.
        with suppress(RunError), nullcontext() if written == path else held_alone(written):
            each.unlink(missing_ok=True)


def _refuse_twice(found: Iterable[tuple[Output, Path]]) -> None:
    taken: dict[Path, Output] = {}
    for output, path in found:
        other = taken.setdefault(path.resolve(), output)
        if other is not output:
            raise SettingError(_cannot(path), f"{other.flag} names it as well", "Name another", output.flag)


def _try_out(output: Output, path: Path) -> None:
    """Write where the verb will write, and take it away again. Raises SettingError where that fails."""
    folder = path if path.is_dir() else path.parent
    try:
        if path.is_file():
            path.open("r+b").close()  # one that may only be read is to be kept
        with tempfile.NamedTemporaryFile(prefix=f".{path.name}.", suffix=".part", dir=folder) as file:
            file.write(bytes(_TRIED_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise SettingError(
            _cannot(path), error.strerror or str(error), "Make room, or pick another place", output.flag
        ) from error
