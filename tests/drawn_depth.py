"""A report of depth, written by hand."""

from typing import Any

from tokenunlearn.probes.depth import LENSES

HOSTILE = '</text><script>"x"</script>'


def drawn_depth() -> dict[str, Any]:
    """Two facts under a model of three layers; one number of the second is not measured."""
    ada = {
        "uds": 0.875, "question": "Where?", "tokens": [" Ro", "me"], "starts": [3, 6], "ends": [6, 8],
        "reference_drops": [0.0, 1.0, 3.0], "unlearned_drops": [0.0, 0.5, 4.0],
        "lens": {
            "before": [[-9.0, -12.0], [-6.0, -3.0], [0.0, -0.5]],
            "after": [[-9.0, -12.0], [-3.0, -5.0], [-15.0, -6.0]],
            "off": [[-9.0, -12.0], [-12.0, -12.0], [-12.0, -9.0]],
        },
    }  # fmt: skip
    one = {"lens": {name: [[-6.0], [-2.0], [-1.0]] for name in LENSES}, "tokens": [HOSTILE]}
    bob = {**ada, **one, "uds": None, "starts": [0], "ends": [2]}
    return {"uds": 0.875, "source": "adapter off", "rows": {"ada": ada, "bob": bob}, "says": []}
