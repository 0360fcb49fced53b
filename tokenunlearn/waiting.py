"""How a thread without work waits: set for each process of ours before it loads torch, which reads it then.

Threads that wait awake take the processor from the process beside them (docs/LOG.md, "Waiting threads").
What a person has set stays.
"""

import os
from collections.abc import Mapping
from typing import Final

ASLEEP: Final[Mapping[str, str]] = {"OMP_WAIT_POLICY": "PASSIVE"}
# A worker is alone most of its time. Asleep at once costs it a quarter of its speed, awake for long takes as
# much from the page.
WORKER: Final[Mapping[str, str]] = {**ASLEEP, "GOMP_SPINCOUNT": "10000"}


def wait_asleep() -> None:
    """Let the threads of this process sleep as soon as they wait, and those of what it starts."""
    for name, value in ASLEEP.items():
        os.environ.setdefault(name, value)
