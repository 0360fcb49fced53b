"""Which job a config describes, and the parts that drive each: all that a worker needs of the library."""

from collections.abc import Callable, Mapping
from operator import methodcaller
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from tokenunlearn.runs.attack_job import load_attack
from tokenunlearn.runs.job import compare, load_job
from tokenunlearn.runs.parts import Parts
from tokenunlearn.runs.rival_job import load_rival
from tokenunlearn.runs.states import kind_of

LOADS: Final[Mapping[str, Callable[[Mapping[str, Any], Path], Any]]] = MappingProxyType(
    {"training": load_job, "rival": load_rival, "attack": load_attack}
)


def library_parts() -> Parts:
    """Return the parts that load, probe, train and save on a real model."""
    return Parts(
        load=load,
        before=methodcaller("before"),
        probe=methodcaller("probe"),
        compare=compare,
        train=lambda job, resume: job.train(resume),
        save=lambda job, step: job.save(step),
    )


def load(config: Mapping[str, Any], directory: Path) -> Any:
    """Return the job of a run's folder. Raises what the loading of its kind does."""
    return LOADS[kind_of(config)](config, directory)
