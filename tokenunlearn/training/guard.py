"""When a run must stop: a loss that is no number, or a retain loss beyond its bound.

Not covered: slow loss of fluency, which only probes show.
"""

import math


def divergence(loss: float, retain_loss: float, retain_bound: float) -> str | None:
    """The reason to stop in words, or None. Losses in nats per token; a NaN retain loss is not measured."""
    if not math.isfinite(loss):
        return f"the loss became {loss}"
    if math.isfinite(retain_loss) and retain_loss > retain_bound:
        return f"retain loss {retain_loss:.2f} > {retain_bound:.2f} nats"
    return None
