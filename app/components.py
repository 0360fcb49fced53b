"""The page's own components: empty elements whose code is one ES module each of app/web.

Functions, not subclasses of gr.HTML: Gradio writes a stub file beside the source of every subclass, into
the repository, and type checkers then read that instead of the code.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any, Final

import gradio as gr

from app.bundle import BUNDLE
from app.doors import answering
from app.web_files import address

# Static: a template that changes wipes the nodes that the module has made.
TEMPLATE = '<div class="tx-view"></div>'
# Loaded together: a tab that is opened while the server is gone could not load its own.
VIEWS: Final = (
    "page/status_chips.js",
    "page/tokens_view.js",
    "runs/mask_summary.js",
    "runs/curves_view.js",
    "runs/probe_view.js",
    "runs/ask_view.js",
    "compare/compare_view.js",
)


def tokens_view(value: Any, server: Mapping[str, Callable[..., Any]]) -> gr.HTML:
    """Show rows, strip, details, rule and mask bar. Value: the payload of docs/ARCHITECTURE.md."""
    return _view("page/tokens_view.js", value, ("draft", "unlearn", "opened"), server)


def status_chips(value: Any, server: Mapping[str, Callable[..., Any]]) -> gr.HTML:
    """Show model, data and run above every tab; ask for news, and send `pulse`, while anything moves."""
    return _view("page/status_chips.js", value, ("show_run", "pulse"), server)


def mask_summary(value: Any) -> gr.HTML:
    """Show what a start trains: the draft of the Tokens tab, or the tokens of a run after *Run again*."""
    return _view("runs/mask_summary.js", value)


def curves_view(value: Any) -> gr.HTML:
    """Return the view of a run: card, live answer and curves."""
    return _view("runs/curves_view.js", value, ("act", "show"))


def probe_view(value: Any, server: Mapping[str, Callable[..., Any]]) -> gr.HTML:
    """Show answers and token probabilities before and after, and what else was measured of a run."""
    return _view("runs/probe_view.js", value, ("show", "attack", "depth", "act"), server)


def ask_view(value: Any) -> gr.HTML:
    """Return the view that puts one free question to the model before and after a run."""
    return _view("runs/ask_view.js", value)


def compare_view(value: Any, server: Mapping[str, Callable[..., Any]]) -> gr.HTML:
    """Return the view of all runs and sweeps: what is shown, their table, the difference of two."""
    return _view("compare/compare_view.js", value, ("act", "rival", "changed"), server)


def _view(
    module: str,
    value: Any,
    sends: Sequence[str] = (),
    server: Mapping[str, Callable[..., Any]] = MappingProxyType({}),
) -> gr.HTML:
    """Return an element that a module of `VIEWS` mounts into.

    Its value is JSON; the events it `sends` reach Python, and it asks the functions of `server` by name.
    """
    # Gradio finds custom events by their quoted names in this line, so they have to stand in it.
    names = ", ".join(f'"{name}"' for name in sends)
    calls = "server" if server else "undefined"
    return gr.HTML(
        value,
        html_template=TEMPLATE,
        js_on_load=f'import("{address(BUNDLE)}").then(({{ all }}) => '
        f'all["{module}"].mount({{ element, props, trigger, watch, '
        f"server: {calls}, events: [{names}] }}))",
        server_functions=[answering(function, name) for name, function in server.items()] or None,
        apply_default_css=False,
        elem_classes=["tx-part", PurePosixPath(module).stem.replace("_", "-")],
    )
