"""What runs have left: their events, read on from where they were last read, and the model of one run."""

import threading
from typing import Any

from tokenunlearn.errors import RunError
from tokenunlearn.runs.run_files import run_faults
from tokenunlearn.runs.store import RunStore, curve
from tokenunlearn.training.events import Event


class RunResults:
    """Reads the folders of runs; safe to call from several threads. `model_lock` is held for model calls."""

    def __init__(self, store: RunStore, model_lock: Any) -> None:
        self._store = store
        self._model_lock = model_lock
        self._model: tuple[Any, Any] | None = None
        self._events: dict[str, tuple[list[Event], int]] = {}
        self._lock = threading.RLock()

    def model(self, run_id: str) -> Any:
        """Return the model that a run left; the last one is kept. Raises RunError, ModelError, InputError."""
        from tokenunlearn.runs.artifact import open_artifact

        folder = self._store.path(run_id)
        # A resumed run writes what it leaves anew, under the same names.
        files = (folder / "artifact.json", folder / "adapter" / "adapter_model.safetensors")
        key = (run_id, *(each.stat().st_mtime_ns for each in files if each.is_file()))
        with self._model_lock:
            if self._model is None or self._model[0] != key:
                self._model = None
                self._model = (key, open_artifact(folder, self._store.config(run_id)))
            return self._model[1]

    def faults(self, run_id: str) -> list[str]:
        """Return what is wrong with the files of a run, a sentence a file; a vanished one is among them."""
        try:
            return run_faults(self._store.path(run_id), self._store.state(run_id))
        except RunError as error:  # the run itself is gone
            return [error.said]

    def events(self, run_id: str) -> list[Event]:
        """Return all events of a run; only what was written since the last call is read from disk."""
        with self._lock:
            known, cursor = self._events.get(run_id, ([], 0))
            try:
                fresh, after = self._store.events(run_id, cursor)
            except RunError:  # its folder is gone: what was read of it stays
                return curve(known)
            # A cursor that went back means another file: start over.
            known = [*known, *fresh] if after >= cursor else self._store.events(run_id)[0]
            self._events[run_id] = (known, after)
        return curve(known)
