"""How fluent an answer is: its mean log-probability per token under a model that nothing was done to.

The untouched base neither knows what was taught nor has lost anything, so that it finds one well-formed
answer about as likely as another, whichever name stands in it, and broken language far less likely. Ours;
measured in docs/LOG.md. OpenUnlearning asks a classifier trained on English instead. Not covered: sense,
truth, and answers of a few tokens, whose mean is that of a name.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

# Good answers lie about a normal distribution; one in 700 of those is three deviations below the mean.
DEVIATIONS = 3.0
# Few good answers can lie close together by chance. Those of the demo deviate by .52 nats.
LEAST_DEVIATION = 0.5


def fluency(log_probs: ArrayLike) -> float:
    """Return the mean of the log-probs of an answer's tokens, in nats; NaN without tokens.

    >>> fluency([-1.0, -2.0])
    -1.5
    """
    values = np.asarray(log_probs, dtype=np.float64)
    return float(values.mean()) if values.size else float("nan")


def garbled_below(good: Sequence[float]) -> float | None:
    """Return the fluency below which an answer is garbled, from that of good answers; None without any.

    Their mean less `DEVIATIONS` standard deviations (of a sample), each at least `LEAST_DEVIATION`.

    >>> garbled_below([-2.0, -3.0, -4.0])
    -6.0
    """
    values = np.asarray(good, dtype=np.float64)
    if not values.size:
        return None
    deviation = float(values.std(ddof=1)) if values.size > 1 else 0.0
    return float(values.mean()) - DEVIATIONS * max(deviation, LEAST_DEVIATION)
