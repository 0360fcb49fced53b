"""The Compare tab: what sweeps show, the table of all runs, and what was ticked side by side."""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Final

import gradio as gr

from app.actions import compare as actions
from app.actions import report, run_folder, run_tokens
from app.components import compare_view
from app.parts import Part
from app.service import Service

# The names that the page calls them by. Each takes the service, and a request of the kind that it names.
ASKED: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType(
    {
        "run_curves": actions.curves,
        "token_difference": run_tokens.token_difference,
        "report_file": report.report_file,
        **run_folder.ASKED,
    }
)


def build(service: Service) -> Part:
    """Return the compare view."""
    asked = {name: partial(action, service) for name, action in ASKED.items()}
    with gr.Column(elem_classes=["tx-page"]):
        view = compare_view(actions.runs(service), asked)
    # How far the run under way has come, at each step, the view hears from the chips (`liveLine`).
    return Part(view, lambda now: [now.runs, now.arms], lambda _: actions.runs(service))
