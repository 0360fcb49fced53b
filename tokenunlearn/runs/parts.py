"""What a worker asks of the library, as functions: so that its life can be tested without a model."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tokenunlearn.training.events import Event

if TYPE_CHECKING:
    from tokenunlearn.probes.evidence import Told

CHECKPOINT: Final = "checkpoint"  # the folder of a run that may go on


@dataclass(frozen=True)
class Parts:
    """What a run needs from the rest of the library; `job` is whatever `load` returned.

    `load(config, directory)`; `before(job, told)` and `probe(job, told)` return a Report, of the untrained
    model and of the model as it is (the first may come from an earlier measurement), and tell what they do;
    `compare(before, after)` returns `after` with its badges and the list of changes; where `before` or
    `probe` returns None, nothing is probed; `train(job, resume)` yields events and keeps its own checkpoint;
    `save(job, step)` leaves a loadable adapter in the run directory, replacing the older one.
    """

    load: Callable[[Mapping[str, Any], Path], Any]
    before: "Callable[[Any, Told], dict[str, Any] | None]"
    probe: "Callable[[Any, Told], dict[str, Any] | None]"
    compare: Callable[[dict[str, Any], dict[str, Any]], tuple[dict[str, Any], list[Any]]]
    train: Callable[[Any, bool], Iterator[Event]]
    save: Callable[[Any, int], None]
