"""The Tokens tab: one component that does everything in the browser, and the functions it may ask."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import gradio as gr

from app.actions import exports as export_actions
from app.actions import masks as mask_actions
from app.actions import tokens as actions
from app.components import tokens_view
from app.service import Service
from tokenunlearn.errors import TokenUnlearnError


def build(service: Service) -> gr.HTML:
    """The Tokens view, filled with what can be shown at once."""
    return tokens_view(actions.shown_payload(service), list(map(in_words, server_functions(service))))


def in_words(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The function with expected errors as `{error: sentence}`: Gradio's client drops a refusal's text."""

    @wraps(function)
    def call(data: Any = None) -> Any:
        try:
            return function(data)
        except TokenUnlearnError as error:
            return {"error": str(error)}

    return call


def server_functions(service: Service) -> list[Callable[[Any], Any]]:
    """The functions that the view may call, bound to this service."""

    def confirm_mask(data: Any) -> Any:
        return actions.confirm_mask(service, data)

    def alternatives(data: Any) -> Any:
        return actions.alternatives(service, data)

    def compute_signal(data: Any) -> Any:
        return actions.compute_signal(service, data)

    def export_mask(data: Any) -> Any:
        return actions.export_mask(service, data)

    def export_heatmap(data: Any) -> Any:
        return export_actions.export_heatmap(service, data)

    asked = [confirm_mask, alternatives, compute_signal, export_mask, export_heatmap]
    return [*asked, *mask_functions(service)]


def mask_functions(service: Service) -> list[Callable[[Any], Any]]:
    """The functions about drafts and named masks, bound to this service."""

    def kept_masks(data: Any) -> Any:
        return mask_actions.kept(service, data)

    def save_draft(data: Any) -> Any:
        return mask_actions.save_draft(service, data)

    def save_mask(data: Any) -> Any:
        return mask_actions.save_mask(service, data)

    def load_mask(data: Any) -> Any:
        return mask_actions.load_mask(service, data)

    def saved_mask_file(data: Any) -> Any:
        return mask_actions.saved_file(service, data)

    def import_mask(data: Any) -> Any:
        return mask_actions.import_mask(service, data)

    def compare_masks(data: Any) -> Any:
        return mask_actions.compare_masks(service, data)

    return [kept_masks, save_draft, save_mask, load_mask, saved_mask_file, import_mask, compare_masks]
