"""The Compare tab: the runs table and the difference of two."""

import gradio as gr

from app.actions import compare as actions
from app.components import runs_view
from app.parts import Part
from app.service import Service


def build(service: Service) -> Part:
    """Return the runs view."""
    with gr.Column(elem_classes=["tx-page"]):
        view = runs_view(actions.runs(service))
    return Part(view, lambda now: [now.runs, now.steps], lambda _: actions.runs(service))
