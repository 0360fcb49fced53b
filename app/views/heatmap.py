"""The heatmap of what the Tokens tab shows, for its exports (`tokenunlearn/documents/` writes it down)."""

from app.shown import ShownScores
from app.views.tokens import signal_info
from tokenunlearn import __version__
from tokenunlearn.documents.heatmap import Answer, Heatmap, Scored
from tokenunlearn.documents.heatmap import heatmap as of_scored
from tokenunlearn.documents.words import whole_rule_words
from tokenunlearn.masks import Mask
from tokenunlearn.signals import SIGNALS
from tokenunlearn.table import provenance
from tokenunlearn.text.numbers import now_words


def heatmap(shown: ShownScores, set_name: str, mask: Mask, signal: str, row: int | None = None) -> Heatmap:
    """Return the heatmap of one row, or of all rows of the set. Raises SettingError for an unknown signal."""
    drawn = [each for each in shown.rows_of(set_name) if row is None or each is shown.payload["rows"][row]]
    answers = [
        Answer(str(each["id"]), str(each["question"]), str(each["answer"]), each["first"], each["count"])
        for each in drawn
    ]
    told = shown.payload["signals"]
    signals = {name: told.get(name) or signal_info(name) for name in shown.columns if name in SIGNALS}
    columns = {**shown.columns, **shown.offsets}
    facts = _facts(shown, set_name, mask)
    return of_scored(Scored(columns, shown.places(set_name), mask, signals, facts), answers, signal)


def _facts(shown: ShownScores, set_name: str, mask: Mask) -> dict[str, str]:
    """Return what a reader must know to make the picture again, in order of reading."""
    made = provenance(shown.table) if shown.table is not None else {}
    model = shown.payload.get("model") or {}
    known = {name: str(made.get(name) or model.get(name) or "") for name in ("model", "adapter", "precision")}
    facts = {
        **known,
        "data": str(made.get("data") or ""),
        "set": set_name,
        "scores": f"{shown.scores_id} ({shown.payload['state']})",
        "rule": whole_rule_words(mask.rule, shown.payload["signals"]),
        "tokens chosen": str(int(mask.selected.sum())),
        "mask": mask.hash,
        "made": now_words(),
        "by": f"TokenUnlearn Explorer {__version__}",
    }
    return {name: value for name, value in facts.items() if value}
