"""What a run shares with its sister processes under `accelerate launch`; a single process is its own sum."""

from collections.abc import Iterable, Sequence

import torch


class Processes:
    """Sums over the processes of an `accelerate launch`, or of one."""

    def __init__(self) -> None:
        from accelerate import PartialState

        self._state = PartialState()
        self.count = self._state.num_processes
        self.index = self._state.process_index

    @property
    def is_main(self) -> bool:
        """Whether this process writes files."""
        return self.index == 0

    def share(self, rows: Sequence[int]) -> list[int]:
        """This process's rows of a global batch; the first row again where there are too few for all.

        A repeated row would count twice, so batches should have at least as many rows as processes.
        """
        mine = list(rows[self.index :: self.count])
        return mine or [rows[0]]

    def sum(self, value: float) -> float:
        """The sum of `value` over all processes."""
        if self.count == 1:
            return value
        total = torch.tensor(value, dtype=torch.float64, device=self._state.device)
        torch.distributed.all_reduce(total)
        return float(total)

    def mean(self, total: float, count: float) -> float:
        """Σ total / Σ count over all processes; 0 when nothing was counted."""
        counted = self.sum(count)
        return self.sum(total) / counted if counted else 0.0

    def sum_gradients(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Replace each gradient by its sum over the processes."""
        if self.count == 1:
            return
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            torch.distributed.all_reduce(parameter.grad)
