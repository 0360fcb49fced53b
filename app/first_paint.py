"""The first picture: one recorded row with its scores, drawn before Gradio has started."""

from typing import Any

import numpy as np

from app.service import Service
from app.words import TITLE
from tokenunlearn.selection import Rule

MOST_TOKENS = 200


def first_picture(service: Service) -> dict[str, Any]:
    """Title, question, subject and the first row's tokens with fused score and choice; empty without scores."""
    shown = service.scores()
    if shown is None or not shown.payload["rows"]:
        return {"title": TITLE, "tokens": []}
    row = shown.payload["rows"][0]
    places = range(row["first"], row["first"] + min(row["count"], MOST_TOKENS))
    from tokenunlearn.fusion import fuse

    rule = Rule()
    mask = shown.mask(row["set"], rule, {})
    inside = [at for each in shown.rows_of(row["set"]) for at in range(each["first"], each["first"] + each["count"])]
    fused = np.full(len(mask.weights), np.nan)
    fused[inside] = fuse(
        shown.columns[rule.knowledge][inside], shown.columns[rule.entropy][inside], rule.alpha, rule.normaliser
    )
    columns = shown.payload["columns"]
    return {
        "title": TITLE,
        "state": shown.payload["state"],
        "question": row["question"],
        "answer": row["answer"],
        "tokens": [
            [columns["start"][at], columns["end"][at], _share(fused[at]), bool(mask.selected[at])] for at in places
        ],
    }


def _share(value: float) -> float:
    return 0.0 if np.isnan(value) else round(float(min(1.0, max(0.0, value))), 3)
