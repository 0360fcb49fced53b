"""When a run must stop: a loss that is not a number, or a retain loss that has risen beyond its bound.

Not covered: slow loss of fluency, which only probes show.
"""

import math


def divergence(loss: float, retain_loss: float, retain_start: float, retain_bound: float) -> str | None:
    """Return the reason to stop in words, or None. All in nats per token; a NaN retain loss is not measured.

    `retain_start` is the retain loss at the start of the run: text that the model does not know has a high
    one from the first step, and only what training adds to it is a loss. NaN: nothing to compare with.
    """
    if not math.isfinite(loss):
        return f"the loss became {loss}"
    rise = retain_loss - retain_start
    if rise > retain_bound:  # never where one of them is NaN
        return (
            f"the retain loss rose from {retain_start:.2f} at the start to {retain_loss:.2f} nats, "
            f"by more than {retain_bound:.2f}"
        )
    return None
