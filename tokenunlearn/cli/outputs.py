"""What a verb writes: declared beside its flag, then checked, tried and held in one place before it runs.

No output is an input, nor a folder that an input lies in, nor a file that is read of a folder, nor what the
page keeps of its runs; each can be written, which is tried; and no other process writes it meanwhile. A link
is followed: what it points to is written. Every verb goes through `writing`: a new one needs `add_output` and
nothing else.

Not covered: files that an input names inside itself, and two machines that share a folder.
"""

import argparse
import glob
import io
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final

from tokenunlearn.errors import InputError, RunError, SettingError
from tokenunlearn.settings import MOST_SHOWN

# What no verb reads: written again wherever it lies.
PICTURES: Final = (".svg", ".png", ".html")
# What these flags take are words, numbers and columns, never files: what `add_settings` adds, and a few more.
_WORDS: Final = (
    "STR",
    "INT",
    "FLOAT",
    "NAME[,NAME]",
    "TEXT[,TEXT]",
    "WORD",
    "ATTACK",
    "RIVAL",
    "NAME=VALUE",
    "SIGNAL.NAME=VALUE",
    "FIELD=COLUMN,…",
    "TOKEN=in|out",
)
_ROWS: Final = "FILE"  # or the name of a set
_SET: Final = "NAME[=VALUE]"  # of a set, or of a setting
_NAMED: Final = "NAME=MODEL"
# What transformers and PEFT read of a folder, of the suffixes that verbs write.
_OF_MODEL: Final = (
    *("config.json", "generation_config.json", "adapter_config.json", "model.safetensors.index.json"),
    *(
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "added_tokens.json",
        "vocab.json",
    ),
    *("chat_template.json", "processor_config.json", "preprocessor_config.json"),
)
_RUN: Final = re.compile(r"run-\d+")
# The name of a file that is still being written: that of the file, and one of its own.
_DRAFT: Final = re.compile(r"\.(?P<of>.+)\.[^.]+\.part")
_TRIED_BYTES: Final = 4096  # a disk that is full still takes an empty file


@dataclass(frozen=True)
class Output:
    """A flag that names what is written; `name` is that in the namespace.

    `written` gives all that is written from the text that was typed, folders where `folder`. `holds` are the
    suffixes of what a folder gets; none: anything. `goes_on`: what is there is read first, and refused by the
    verb where it is something else. `of_run`: it belongs into the folder of a run.
    """

    name: str
    flag: str
    written: Callable[[str], Iterable[Path]]
    folder: bool = False
    holds: tuple[str, ...] = ()
    goes_on: bool = False
    of_run: bool = False


@dataclass(frozen=True)
class _Read:
    """What is read: a file or a folder. `holds`: whether a file is read of a folder, by its way below it."""

    path: Path
    holds: Callable[[PurePath], bool]


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
    """Note in the parser which arguments may name what is read, with their metavar: no output and no word."""
    outputs: tuple[Output, ...] = parser.get_default("outputs") or ()
    written = {each.name for each in outputs}
    read = {
        action.dest: action.metavar
        for action in parser._actions
        if action.nargs != 0 and action.dest not in written and action.metavar not in _WORDS
    }
    parser.set_defaults(outputs=outputs, inputs=read)


@contextmanager
def writing(arguments: argparse.Namespace, *read: Path) -> Iterator[None]:
    """Hold all that a verb writes, after it was found to be no input (`read` are more of these) and writable.

    Raises SettingError before anything slow runs, InputError for what is named to be read and is a pipe or a
    device, RunError where another process writes the same and where the disk fills up meanwhile.
    """
    from tokenunlearn.runs.disk import disk_fault, held_alone

    found: list[tuple[Output, Path]] = []
    for output in arguments.outputs:
        named = getattr(arguments, output.name)
        if named is None:
            continue
        paths = list(output.written(named))
        if Path(named).is_symlink():  # a file that is replaced would take the place of the link
            setattr(arguments, output.name, str(Path(named).resolve()))
            paths = list(output.written(getattr(arguments, output.name)))
        found += ((output, path) for path in paths)
    inputs = [*_given(arguments), *(_Read(path, _of_model(path)) for path in read)]
    for each in inputs:
        _refuse_endless(each.path)
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
            fault = disk_fault(error)
            if not fault or of_standard_output(error):
                raise
            place = error.filename or ", ".join(str(path) for _, path in found[:1])
            fix = "Then give the same command again"
            raise RunError(_cannot(place), fault, fix, str(place)) from error


def of_standard_output(error: OSError) -> bool:
    """Return whether standard output took nothing: an error names neither it nor a file that is written."""
    if error.filename is not None:
        return False
    try:
        os.write(sys.stdout.fileno(), b"\n")
    except io.UnsupportedOperation:  # it is kept in memory
        return False
    except OSError:
        return True
    return False


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
        # A pipe or a device would be replaced by a file.
        taken = place.exists() and not (place.is_file() if suffixes else place.is_dir())
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: links that lead in a circle
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


def _given(arguments: argparse.Namespace) -> list[_Read]:
    """Return what the arguments name and is there."""
    from tokenunlearn.data.sets import SETS

    found = [_of_set("demo", "")] if getattr(arguments, "demo", False) else []
    for argument, metavar in arguments.inputs.items():
        value = getattr(arguments, argument)
        for text in value if isinstance(value, list) else [value]:
            if not isinstance(text, str) or not text:
                continue
            name, _, place = text.partition("=")
            if metavar in (_ROWS, _SET) and name in SETS:
                found.append(_of_set(name, place))
            elif metavar != _SET:
                path = Path(place if metavar == _NAMED else text)
                found.append(_Read(path, _of_model(path)))
    return [each for each in found if _is_there(each.path)]


def _of_set(name: str, place: str) -> _Read:
    from tokenunlearn.data.sets import SETS

    entry = SETS[name]
    return _Read(entry.folder or Path(place), entry.holds)


def _of_model(folder: Path) -> Callable[[PurePath], bool]:
    """Return whether a file is read of a folder that is a model, an adapter or a run."""

    def holds(way: PurePath) -> bool:
        run = any((folder / name).exists() for name in ("state.json", "metrics.jsonl"))
        return way.name in _OF_MODEL or (run and _is_of_run(way))

    return holds


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a text that no file can be named
        return False


def _refuse_endless(path: Path) -> None:
    """Raise InputError for what is neither a file nor a folder: a pipe is waited for, a device has no end."""
    if not path.is_file() and not path.is_dir():
        raise InputError("This is not a regular file", "It may have no end", "Name a file", str(path)[:200])


def _refuse_input(output: Output, path: Path, inputs: Iterable[_Read]) -> None:
    """Raise SettingError where writing would replace what is read, or mix with it."""
    own = path.resolve()
    for read in inputs:
        each, other = read.path, read.path.resolve()
        same = own == other or (path.exists() and path.samefile(each))
        # A folder that is written to holds whatever the verb puts there.
        holds = output.folder and own in other.parents
        mixed = holds and (not output.holds or other.suffix in output.holds)
        kept = output.folder or output.goes_on or own.suffix in PICTURES
        inside = not kept and other.is_dir() and other in own.parents and read.holds(own.relative_to(other))
        if same or mixed or inside:
            why = (
                f"{each} is read, and what is written would replace it"
                if same
                else f"{each} is read, and lies in it"
                if mixed
                else f"It is one of the files of {each}, which is read"
            )
            raise SettingError(_cannot(path), why, "Name another", output.flag)


def _refuse_run_of_the_page(output: Output, path: Path) -> None:
    """Raise SettingError where files that the page keeps of its runs may be replaced.

    Those are the runs with all that lies in them, and what begins with a dot beside them: drafts, marks, what
    was measured, discarded runs. Pictures and reports may lie in a run.
    """
    if output.of_run:
        return
    own, anything = path.resolve(), output.folder and not output.holds
    for place in (own, *own.parents) if output.folder else own.parents:
        way = own.relative_to(place)
        if _is_run(place) and (anything or _is_of_run(way)):
            why = "It is a run of the page" if own == place else f"It is in {place.name}, a run of the page"
        elif _holds_runs(place) and (anything and own == place or str(way).startswith(".") and own != place):
            why = f"{'It' if own == place else place} holds runs of the page, and what belongs to them"
        else:
            continue
        raise SettingError(_cannot(path), why, "Name another place", output.flag)


def _is_run(folder: Path) -> bool:
    """Return whether a folder is a run of the page, a damaged one as well."""
    return (folder / "state.json").exists() or (
        _RUN.fullmatch(folder.name) is not None and _holds_runs(folder.parent)
    )


def _holds_runs(folder: Path) -> bool:
    return (folder / ".queue.lock").exists() or any(True for _ in folder.glob("run-*/state.json"))


def _is_of_run(way: PurePath) -> bool:
    """Return whether the page keeps such a file in a run's folder, by its way below it."""
    from tokenunlearn.runs.run_files import RUN_FILES

    folders = {PurePath(name).parts[0] for name in RUN_FILES if "/" in name}
    return way.as_posix() in RUN_FILES or way.parts[0] in folders or way.parts[0].startswith(".")


def _remove_left(output: Output, path: Path) -> None:
    """Remove what killed processes left half written of this, which is held: no living one writes it.

    In a folder other processes may write files of their own, and programs that are not ours keep theirs: what
    has the name of no draft of ours stays, and so does the draft of a file that somebody holds. No verb
    writes deeper than a folder in its own, and the runs of the page are the page's.
    """
    from tokenunlearn.runs.disk import held_alone

    if output.folder and output.holds:
        return  # a folder of other things as well
    drafts = (
        [*path.glob(".*"), *path.glob("*/.*")]
        if output.folder
        else path.parent.glob(f".{glob.escape(path.name)}.*")
    )
    for each in list(drafts):
        draft = _DRAFT.fullmatch(each.name)
        if draft is None or not each.is_file() or _is_run(each.parent) or _holds_runs(each.parent):
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
