"""The Compare tab: what sweeps show, the table of all runs, and what was ticked side by side."""

import gradio as gr

from app.actions import compare as actions
from app.components import compare_view
from app.parts import Part
from app.service import Service


def build(service: Service) -> Part:
    """Return the compare view."""
    with gr.Column(elem_classes=["tx-page"]):
        view = compare_view(actions.runs(service))
    return Part(view, lambda now: [now.runs, now.steps], lambda _: actions.runs(service))
