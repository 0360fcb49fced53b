"""What was measured of a model that no run changes, kept on disk: the target is probed once, not per run.

A file's name is the hash of all that decides its content: model, adapter, precision, rows, settings and this
library's own source. A lock lets one process measure while others that want the same wait for it.
"""

import hashlib
import json
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, Final

from tokenunlearn.data.splits import Splits
from tokenunlearn.models.loading import LoadedModel, text_hash
from tokenunlearn.probes.evidence import ProbeSettings, Told, silent
from tokenunlearn.probes.report import Report, probe_report
from tokenunlearn.runs.damage import read_cached
from tokenunlearn.runs.disk import LOCK_SECONDS, LockHeld, locked, write_json_atomically
from tokenunlearn.runs.store import MEASURED

KEPT_FILES: Final = 20  # of a kind; older ones are of other rows, models or versions of this library


def before_report(
    runs: Path, model: LoadedModel, rows: Splits, settings: ProbeSettings, told: Told = silent
) -> Report:
    """Return the Report of the untrained `model`, from the folder of runs, else measured and kept there."""
    of = text_hash(source_hash(), model_identity(model), json.dumps(asdict(rows)), repr(settings))
    return kept(
        runs / MEASURED / f"report-{of}.json", lambda: probe_report(model, rows, settings, told), told
    )


def kept(path: Path, measure: Callable[[], Any], told: Told = silent) -> Any:
    """Return the JSON in `path`; where there is none that can be read, what `measure` returns, written there.

    On a disk that takes nothing it is measured and not kept. Who measures the same is waited for as long as
    it works, which `told` hears twice a second and may end by raising; where it was frozen, `told` hears so,
    and it is measured here as well.
    """

    def working(pid: int | None) -> None:
        told(f"waiting for {f'process {pid}' if pid else 'another process'}, which measures the same")

    with ExitStack() as held:
        with suppress(OSError):  # else two may measure at once
            path.parent.mkdir(exist_ok=True)
            try:
                held.enter_context(locked(path.with_suffix(".lock"), LOCK_SECONDS, working=working))
            except LockHeld as error:
                told(f"process {error.pid} has begun this and is stopped, so it is measured here as well")
        record = read_cached(path)
        if record is None:
            record = measure()
            with suppress(OSError):
                write_json_atomically(path, record)
                forget_old(path)
    return record


def forget_old(path: Path) -> None:
    """Keep only the newest files of the kind of `path` (its name up to the hyphen)."""
    kind = path.name.split("-")[0]
    files = sorted(path.parent.glob(f"{kind}-*.json"), key=lambda file: file.stat().st_mtime_ns)
    for file in files[:-KEPT_FILES]:
        with suppress(OSError):
            file.unlink(missing_ok=True)


def model_identity(model: LoadedModel) -> str:
    """Return a hash of what the model is: names, precision, adapter, weight files' size and time."""
    files = sorted(Path(model.source).glob("*.safetensors"))
    stamps = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    commit = getattr(model.model.config, "_commit_hash", None)
    return text_hash(json.dumps([model.provenance(), model.source, stamps, commit]))


@cache
def source_hash() -> str:
    """Return a hash of this library's source: other code may measure something else."""
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).resolve().parents[1].rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()
