"""What a run shares with its sister processes under `accelerate launch`; a single process is its own sum."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch


class Processes:
    """Sums over the processes of an `accelerate launch`, or of one."""

    def __init__(self) -> None:
        from accelerate import PartialState

        # without a GPU they meet over gloo, which Accelerate has to be told
        self._state = PartialState(cpu=not torch.cuda.is_available())
        self.count = self._state.num_processes
        self.index = self._state.process_index

    @property
    def is_main(self) -> bool:
        """Whether this process writes files."""
        return self.index == 0

    def share(self, rows: Sequence[Any]) -> list[Any]:
        """Return this process's rows of a global batch.

        Empty where there are too few rows for all processes.
        """
        return list(rows[self.index :: self.count])

    def merged(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return the entries of all processes in one dict, the same on each; every process must call it."""
        if self.count == 1:
            return values
        from accelerate.utils import gather_object

        return {name: value for part in gather_object([values]) for name, value in part.items()}

    def sum(self, value: float) -> float:
        """Return the sum of `value` over all processes."""
        if self.count == 1:
            return value
        total = torch.tensor(value, dtype=torch.float64, device=self._state.device)
        torch.distributed.all_reduce(total)
        return float(total)

    def sum_gradients(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Replace each gradient by its sum over the processes."""
        if self.count == 1:
            return
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            torch.distributed.all_reduce(parameter.grad)
