"""The Tokens tab: one component that does everything in the browser, and the functions it may ask."""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from app.actions import (
    exports,
    failed_rows,
    learn,
    lesson,
    mark_sets,
    marks,
    masks,
    opening,
    run_tokens,
    subjects,
    tokens,
)
from app.components import tokens_view
from app.parts import Part
from app.service import Service

# The names that the page calls them by. Each takes the service, and a request of the kind that it names.
ASKED: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType(
    {
        "confirm_mask": tokens.confirm_mask,
        "alternatives": tokens.alternatives,
        "compute_signal": tokens.compute_signal,
        "subject_choices": subjects.subject_choices,
        "rescore": subjects.rescore,
        "score_again": failed_rows.score_again,
        "runs_of_rows": run_tokens.runs_of_rows,
        "run_tokens": run_tokens.run_tokens,
        "export_mask": tokens.export_mask,
        "export_heatmap": exports.export_heatmap,
        "kept_masks": masks.kept,
        "save_draft": masks.save_draft,
        "save_mask": masks.save_mask,
        "load_mask": masks.load_mask,
        "saved_mask_file": masks.saved_file,
        "import_mask": masks.import_mask,
        "remove_mask": masks.remove_mask,
        "restore_mask": masks.restore_mask,
        "compare_masks": masks.compare_masks,
        "kept_marks": marks.kept,
        "save_marks": marks.save,
        "learn_marks": learn.learn,
        "trust_marks": learn.trusted,
        "fit_weights": learn.fitted_rule,
        "save_mark_set": mark_sets.save_set,
        "load_mark_set": mark_sets.load_set,
        "remove_mark_set": mark_sets.remove_set,
        "import_marked_rows": mark_sets.import_rows,
        "export_marked_rows": mark_sets.export_rows,
        "compare_marks": mark_sets.compare,
        **opening.ASKED,
        **lesson.ASKED,
    }
)


def build(service: Service) -> Part:
    """Return the Tokens view, filled with what can be shown at once."""
    asked = {name: partial(action, service) for name, action in ASKED.items()}
    view = tokens_view(tokens.shown_payload(service), asked)
    return Part(view, lambda now: now.scores, lambda _: tokens.shown_payload(service))
