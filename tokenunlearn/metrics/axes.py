"""OpenUnlearning's three axes and their single number: harmonic means of parts of which higher is better.

Memorization is what no longer can be drawn out of the model, Privacy how near its membership figures are to
those of a model that never saw the rows, Utility what is left of the rest. A harmonic mean is ruled by its
worst part. Source: OpenUnlearning 2506.12618; checked against the table of gnueaj/unlearning-depth-score,
which averages Privacy once more with UDS before the single number; here it stands alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

Parts = Mapping[str, float]  # name → figure from 0 to 1, NaN where it was not measured


def harmonic_mean(parts: Parts) -> float:
    """Return the harmonic mean of the named parts; any zero gives 0, any NaN gives NaN.

    Raises ValueError for a negative part or for no part.
    """
    values = np.array(list(parts.values()), dtype=np.float64)
    if not values.size:
        raise ValueError("A harmonic mean needs at least one part, got none.")
    if (values < 0).any():
        names = [name for name, value in parts.items() if value < 0]
        raise ValueError(f"Parts of a harmonic mean must not be negative; {', '.join(names)} is.")
    if np.isnan(values).any():
        return float("nan")
    return float(values.size / (1.0 / values).sum()) if values.all() else 0.0


@dataclass(frozen=True)
class Axes:
    """The parts of each axis. `whole` are those of Utility for the model before unlearning."""

    memorization: Parts
    privacy: Parts
    utility: Parts
    whole: Parts

    def figures(self) -> dict[str, float]:
        """Return the three axes and `overall`, their harmonic mean, each NaN where a part of it lacks.

        Utility is relative to that of the model before, at most 1.
        """
        before = harmonic_mean(self.whole)
        after = harmonic_mean(self.utility)
        axes = {
            "memorization": harmonic_mean(self.memorization),
            "privacy": harmonic_mean(self.privacy),
            # np.minimum and not min, which would lose a NaN
            "utility": float(np.minimum(after / before, 1.0)) if before else float("nan"),
        }
        return axes | {"overall": harmonic_mean(axes)}

    def lacks(self) -> list[str]:
        """Return the names of the parts that were not measured, axis by axis, each once."""
        parts = [*self.memorization.items(), *self.privacy.items(), *self.utility.items()]
        parts += [(f"{name}, before", value) for name, value in self.whole.items()]
        return list(dict.fromkeys(name for name, value in parts if np.isnan(value)))
