"""The Compare tab: the runs table and the difference of two."""

import gradio as gr

from app.actions import compare as actions
from app.components import runs_view
from app.service import Service


def build(service: Service) -> gr.HTML:
    """Return the runs view."""
    with gr.Column(elem_classes=["tx-page"]):
        return runs_view(actions.runs(service))
