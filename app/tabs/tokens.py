"""The Tokens tab: one component that does everything in the browser, and the functions it may ask."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import gradio as gr

from app.actions import (
    exports,
    failed_rows,
    learn,
    mark_sets,
    marks,
    masks,
    opening,
    run_tokens,
    subjects,
    tokens,
)
from app.components import tokens_view
from app.service import Service

# The names that the page calls them by; each takes the service and what the page sends.
ASKED: Final[Mapping[str, Callable[[Service, Any], Any]]] = MappingProxyType(
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
    }
)


def build(service: Service) -> gr.HTML:
    """Return the Tokens view, filled with what can be shown at once."""
    return tokens_view(tokens.shown_payload(service), [_bound(service, *each) for each in ASKED.items()])


def _bound(service: Service, name: str, action: Callable[[Service, Any], Any]) -> Callable[[Any], Any]:
    """Return the action on this service under the page's name for it, by which Gradio offers it."""

    def call(data: Any) -> Any:
        return action(service, data)

    call.__name__ = name
    return call
