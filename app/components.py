"""The page's own components: each an empty element whose code is one ES module under /web."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import gradio as gr
from starlette.exceptions import HTTPException

from tokenunlearn.errors import TokenUnlearnError

# Static: a template that changes wipes the nodes that the module has made.
TEMPLATE = '<div class="tx-view"></div>'


class View(gr.HTML):
    """An element that `/web/<MODULE>` mounts into; its value is JSON, its EVENTS reach Python by name."""

    MODULE = ""
    SENDS: tuple[str, ...] = ()

    def __init__(self, value: Any = None, *, server_functions: list[Callable[..., Any]] | None = None, **more: Any) -> None:
        # Gradio finds custom events by their quoted names in this line, so they have to stand in it.
        names = ", ".join(f'"{name}"' for name in self.SENDS)
        more.setdefault("html_template", TEMPLATE)
        more.setdefault(
            "js_on_load",
            f'import("/web/{self.MODULE}").then(m => m.mount({{ element, props, trigger, watch, '
            f'server: typeof server === "undefined" ? undefined : server, events: [{names}] }}))',
        )
        calls = [_plain_refusals(function) for function in server_functions or []]
        super().__init__(value, server_functions=calls or None, apply_default_css=False, **more)

    def api_info(self) -> dict[str, Any]:
        """The JSON type of the value, for clients of the API."""
        return {"type": ["object", "null"]}


class TokensView(View):
    """Rows, strip, details, rule and mask bar. Value: the payload of docs/ARCHITECTURE.md."""

    MODULE = "tokens_view.js"
    SENDS = ("unlearn", "load_demo")


class StatusChips(View):
    """Model, data and run at the top of every tab."""

    MODULE = "status_chips.js"
    SENDS = ("show_run",)


class MaskSummary(View):
    """What will be trained, and the plan that makes it again."""

    MODULE = "mask_summary.js"


class CurvesView(View):
    """A run's card, its live answer and its curves."""

    MODULE = "curves_view.js"
    SENDS = ("act", "show")


class ProbeView(View):
    """Answers and token probabilities before and after."""

    MODULE = "probe_view.js"


class AskView(View):
    """One free question, answered before and after."""

    MODULE = "ask_view.js"


class RunsView(View):
    """All runs, and the difference of two of them."""

    MODULE = "runs_view.js"
    SENDS = ("act",)


def _plain_refusals(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with every expected error as a 400 that carries its sentence, not a traceback."""

    @wraps(function)
    def call(data: Any = None) -> Any:
        try:
            return function(data)
        except TokenUnlearnError as error:
            raise HTTPException(400, str(error)) from error

    return call
