"""Looks over an installation: each finding says what is there, whether it is right, and how to mend it.

`examined` looks at everything; `ailments` at what can go wrong while the page runs, in well under a second
and without loading anything heavy. Nothing is changed but by `sweep`.
"""

import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final

from tokenunlearn import __version__
from tokenunlearn.data.demo import ASSETS
from tokenunlearn.data.json_text import from_json
from tokenunlearn.errors import TokenUnlearnError
from tokenunlearn.file_locks import lock_fault
from tokenunlearn.models.embedded import cache_root, file_hash, is_whole, packaged_gguf
from tokenunlearn.runs.disk import disk_fault
from tokenunlearn.runs.states import DAMAGED
from tokenunlearn.runs.store import ASIDE, MEASURED, RUN_ID, TEXTS, RunStore
from tokenunlearn.waiting import ASLEEP

FINE: Final = "fine"
NOTE: Final = "note"  # nothing is wrong, but somebody may want to know
WRONG: Final = "wrong"

ROOT: Final = Path(__file__).resolve().parents[1]
PYTHON: Final = (3, 11)
DISTRIBUTION: Final = "tokenunlearn-explorer"
# A worker on the embedded model held 1.4 GB and the page 1.2 (30 November, `ps`).
LEAST_MEMORY: Final = 2_000_000_000
LEAST_DISK: Final = 1_000_000_000
# Nobody takes so long to write one file.
STALE_SECONDS: Final = 600.0
# What is written as a whole folder, or taken away as one, has such a name meanwhile.
_DRAFT_FOLDERS: Final = (".new-", ".merged-", ".adapter-", ".deleted-", ".converting-")
# Beside the runs themselves anything may lie: a person may keep them in a folder of other work.
_BESIDE_RUNS: Final = re.compile(r"\.(new|deleted)-[a-z0-9_]{8}|\.last_number\.[a-z0-9_]{8}\.part")
_FOLDERS_OF_RUNS: Final = (ASIDE, TEXTS, MEASURED)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: its name, FINE, NOTE or WRONG, what was found, and how to mend it."""

    name: str
    state: str
    found: str
    fix: str = ""


def examined(runs: Path) -> list[Finding]:
    """Return all findings; `runs` is the folder of runs, which need not be there."""
    return _found(
        {
            "installation": _installation,
            "packages": _packages,
            "processor": _processor,
            "memory": _memory,
            "disk": lambda: _disk(runs),
            "embedded model": _embedded,
            "assets": _assets,
            "runs": lambda: _runs(runs, None),
            "Chromium for tests": _chromium,
        }
    )


def ailments(store: RunStore) -> list[Finding]:
    """Return what is wrong of all that may change while the page runs."""
    checks = {"disk": lambda: _disk(store.root), "assets": _assets, "runs": lambda: _runs(store.root, store)}
    return [each for each in _found(checks) if each.state == WRONG]


def _found(checks: Mapping[str, Callable[[], Iterable[Finding]]]) -> list[Finding]:
    """Return the findings of these checks; one that fails is a finding, and no other is lost."""
    found: list[Finding] = []
    for name, check in checks.items():
        try:
            found += check()
        except Exception as error:
            words = f"It cannot be looked at: {type(error).__name__}: {error}"
            found.append(Finding(name, WRONG, words, "Install again: `make install`"))
    return found


def leftovers(runs: Path) -> list[Path]:
    """Return what killed writers left half written in a folder of runs, and no living one is at work on.

    Looks at what is ours alone: the runs, what is kept of texts, and drafts of runs by their whole name.
    """
    found: list[Path] = []
    with suppress(FileNotFoundError, NotADirectoryError):
        for each in sorted(runs.iterdir()):
            if _BESIDE_RUNS.fullmatch(each.name):
                found += _stale([each])
            elif (RUN_ID.fullmatch(each.name) or each.name in _FOLDERS_OF_RUNS) and not each.is_symlink():
                found += left_below(each)
    return found


def left_below(root: Path) -> list[Path]:
    """Return what killed writers left anywhere below a folder that is ours as a whole."""
    found: list[Path] = []
    for place, folders, files in os.walk(root):
        drafts = [each for each in folders if each.startswith(_DRAFT_FOLDERS)]
        parts = [each for each in files if each.startswith(".") and each.endswith((".part", ".draft"))]
        found += _stale(Path(place, each) for each in (*drafts, *parts))
        folders[:] = [each for each in folders if each not in drafts]
    return sorted(found)


def _stale(paths: Iterable[Path]) -> Iterator[Path]:
    now = time.time()
    for path in paths:
        with suppress(OSError):  # somebody has just finished it
            if now - max(map(_touched, (path, *path.rglob("*")))) > STALE_SECONDS:
                yield path


def _touched(path: Path) -> float:
    return path.stat().st_mtime


def sweep(left: Iterable[Path]) -> list[tuple[Path, str]]:
    """Remove leftovers; return each with why it is still there, "" where it is gone."""
    found = []
    for path in left:
        why = ""
        try:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        except FileNotFoundError:
            pass  # another process has swept as well
        except OSError as error:
            why = error.strerror or str(error)
        found.append((path, why))
    return found


def _to_sweep(*words: str) -> str:
    """Return the command that removes leftovers, as it is typed."""
    return shlex.join(["python", "-m", "tokenunlearn", "doctor", "--sweep", *words])


def _installation() -> Iterator[Finding]:
    place = "a checkout" if (ROOT / "pyproject.toml").is_file() else "an installed package"
    version = platform.python_version()
    right = sys.version_info >= PYTHON
    yield Finding(
        "installation",
        FINE if right else WRONG,
        f"tokenunlearn {__version__}, {place} in {ROOT}; Python {version} on {platform.platform()}",
        "" if right else f"Install Python {'.'.join(map(str, PYTHON))} or newer, and then again",
    )


def _packages() -> Iterator[Finding]:
    from packaging.requirements import Requirement

    wanted = [Requirement(each) for each in _required()]
    wrong, right = list[str](), list[str]()
    for each in wanted:
        try:
            version = metadata.version(each.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{each.name} is not installed")
            continue
        fits = each.specifier.contains(version, prereleases=True)
        words = f"{each.name} {version}"
        (right if fits else wrong).append(words if fits else f"{words}, not {each.specifier}")
    if wrong:
        fix = "Run `make install`, or `pip install .` in the repository"
        yield Finding("packages", WRONG, "; ".join(wrong), fix)
    else:
        named = [each for each in right if each.split()[0] in ("torch", "transformers", "peft", "gradio")]
        yield Finding("packages", FINE, f"{len(right)} as they should be, of them {', '.join(named)}")


def _required() -> Sequence[str]:
    """Return what the package needs, as the checkout says, or the installed package."""
    project = ROOT / "pyproject.toml"
    if project.is_file():
        return list(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["dependencies"])
    return [each for each in metadata.requires(DISTRIBUTION) or () if "extra ==" not in each]


def _processor() -> Iterator[Finding]:
    try:
        import torch

        from tokenunlearn.models.loading import resolve_precision
    except (ImportError, OSError) as error:
        yield Finding(
            "processor", WRONG, f"torch cannot be loaded: {error}", "Install it again: `make install`"
        )
        return
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    precision, _ = resolve_precision("auto")
    card = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "no GPU"
    words = f"{cores} cores ({torch.backends.cpu.get_cpu_capability()}), {torch.get_num_threads()} threads"
    waiting = "asleep" if all(os.environ.get(name) == value for name, value in ASLEEP.items()) else "awake"
    yield Finding("processor", FINE, f"{words} that wait {waiting}; {card}; precision auto is {precision}")


def _memory() -> Iterator[Finding]:
    import psutil

    memory = psutil.virtual_memory()
    words = f"{memory.available / 1e9:.1f} of {memory.total / 1e9:.1f} GB are free"
    enough = memory.available >= LEAST_MEMORY
    fix = (
        ""
        if enough
        else "Close other programs: a run of the embedded model takes about 1.5 GB beside the page"
    )
    yield Finding("memory", FINE if enough else WRONG, words, fix)


def _disk(runs: Path) -> Iterator[Finding]:
    places = {"runs": runs, "cache": cache_root(), "temporary files": Path(tempfile.gettempdir())}
    for name, place in places.items():
        there = next(each for each in (place.absolute(), *place.absolute().parents) if each.exists())
        try:
            free = shutil.disk_usage(there).free
            with tempfile.NamedTemporaryFile(prefix=".doctor.", suffix=".part", dir=there) as file:
                file.write(bytes(4096))
                file.flush()
        except OSError as error:
            said = disk_fault(error) or f"{error.strerror or error}"
            fix = "Make room, or let this user write there"
            yield Finding(f"disk, {name}", WRONG, f"{place} cannot be written: {said}", fix)
            continue
        few = free < LEAST_DISK
        fix = "Make room: a run with its checkpoint takes tens of megabytes, a merged model the model's size"
        words = f"{free / 1e9:.1f} GB are free in {place}"
        yield Finding(f"disk, {name}", WRONG if few else FINE, words, fix if few else "")
        without = lock_fault(there)
        if without:
            fix = "Use one page and one command at a time there, or another disk"
            yield Finding(f"locks, {name}", NOTE, without, fix)


def _embedded() -> Iterator[Finding]:
    try:
        source = packaged_gguf()
    except TokenUnlearnError as error:
        yield Finding("embedded model", WRONG, error.said, error.fix)
        return
    folder = cache_root() / f"smollm2-135m-instruct-{file_hash(source)[:16]}"
    if not folder.is_dir():
        yield Finding("embedded model", NOTE, f"It is not converted yet: its first use makes {folder} (15 s)")
    elif not is_whole(folder):
        words = f"{folder} is not as it was converted"
        yield Finding("embedded model", WRONG, words, "Remove that folder: it is made again (15 s)")
    else:
        yield Finding("embedded model", FINE, f"It is converted, in {folder}")
    left = [each.name for each in left_below(cache_root())]
    if left:
        fix = _to_sweep()
        yield Finding("cache", WRONG, f"{_counted(left)} left by a kill in {cache_root()}", fix)


def _assets() -> Iterator[Finding]:
    try:
        listed = from_json((ASSETS / "manifest.json").read_text(encoding="utf-8"))["files"]
        wrong = [
            name
            for name, digest in listed.items()
            if not (ASSETS / name).is_file() or file_hash(ASSETS / name) != digest
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        yield Finding("assets", WRONG, f"Their list in {ASSETS} cannot be read: {why}", _AGAIN)
        return
    if wrong:
        yield Finding("assets", WRONG, f"Not as they were shipped in {ASSETS}: {', '.join(wrong)}", _AGAIN)
    else:
        yield Finding("assets", FINE, f"{len(listed)} files with the hashes that they were shipped with")


_AGAIN: Final = "Get them again: `git checkout assets`, or install the package again"


def _runs(root: Path, store: RunStore | None) -> Iterator[Finding]:
    if not root.exists():
        yield Finding("runs", FINE, f"None yet in {root}")
        return
    if not root.is_dir():
        yield Finding("runs", WRONG, f"{root} is no folder", "Name a folder: --runs FOLDER")
        return
    try:
        states = (store or RunStore(root)).list_runs()
    except OSError as error:
        words = disk_fault(error) or str(error)
        yield Finding("runs", WRONG, f"{root} cannot be read: {words}", "Let this user read it")
        return
    damaged = [each for each in states if each["state"] == DAMAGED or each.get("fault")]
    for each in damaged:
        fix = "Discard it on the Compare tab, or put the file back from a copy"
        yield Finding(each["run_id"], WRONG, str(each.get("fault") or each.get("message")), fix)
    stopped = [each["run_id"] for each in states if each["state"] == "interrupted"]
    if stopped:
        fix = "Resume or keep them on the Unlearn tab"
        yield Finding("interrupted", NOTE, f"{_counted(stopped)} interrupted: {', '.join(stopped[:5])}", fix)
    left = [str(each.relative_to(root)) for each in leftovers(root)]
    if left:
        fix = f"{_to_sweep('--runs', str(root))}; the page does so when it starts"
        yield Finding("leftovers", NOTE, f"{_counted(left)} left by a kill: {', '.join(left[:3])}", fix)
    if not damaged:
        yield Finding("runs", FINE, f"{len(states)} in {root}, none damaged")


def _chromium() -> Iterator[Finding]:
    script = ROOT / ".ci" / "chromium"
    if not script.is_file():
        return
    asked = subprocess.run([str(script)], capture_output=True, text=True)
    if asked.returncode == 0:
        yield Finding("Chromium for tests", FINE, asked.stdout.strip())
    else:
        fix = "Run `.ci/chromium --install`; only the tests need it"
        yield Finding("Chromium for tests", NOTE, "There is none", fix)


def _counted(names: Sequence[str]) -> str:
    return "1 is" if len(names) == 1 else f"{len(names)} are"
