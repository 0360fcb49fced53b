"""The page: header, four tabs, chips; theme and styles. Everything that moves is in wiring.py."""

from functools import partial
from typing import Any, Final

import gradio as gr

from app import api
from app.actions import status as status_actions
from app.bundle import BUNDLE, bundle
from app.components import VIEWS, status_chips
from app.first_paint import FIRST
from app.parts import Part, look, stamps
from app.service import Service
from app.tabs import compare, probe, tokens, unlearn
from app.web_files import WEB
from app.wiring import Page, wire
from app.words import TAB_COMPARE, TAB_PROBE, TAB_TOKENS, TAB_UNLEARN, TITLE
from tokenunlearn.documents.drawing import page_style

STYLES: Final = ("page/tokens.css", "page/first_paint.css", "views.css", "page/gradio.css")
VIEW_STYLES: Final = (
    "tokens/strip/token_strip.css",
    "tokens/marks/marks.css",
    "dom/tables.css",
    "dom/combobox.css",
    "tokens/details/details.css",
    "tokens/choose/choose.css",
    "tokens/pictures/histogram.css",
    "tokens/strip/help_card.css",
    "tokens/masks/masks.css",
    "tokens/rows/token_rows.css",
    "tokens/pictures/token_pictures.css",
    "tokens/question/subject_editor.css",
    "open/open_panel.css",
    "page/tour.css",
    "page/tokens_view.css",
    "runs/runs.css",
    "compare/compare.css",
    "page/status_chips.css",
)


def build_page(service: Service) -> gr.Blocks:
    """Return the whole page on one service, not yet served."""
    # Before the views take their values: what changes later then counts as new.
    built = look(service)

    with gr.Blocks(title=TITLE, fill_width=True, analytics_enabled=False) as demo:
        # No component: a heading that no value ever changes.
        gr.HTML(f"<h1>{TITLE}</h1>", elem_classes=["tx-title"], js_on_load=None, apply_default_css=False)
        chips = status_chips(status_actions.chips(service), {"beat": partial(status_actions.beat, service)})
        with gr.Tabs(elem_classes=["tx-tabs"], selected="tokens") as tabs:
            with gr.Tab(TAB_TOKENS, id="tokens"):
                tokens_part = tokens.build(service)
            with gr.Tab(TAB_UNLEARN, id="unlearn"):
                unlearn_tab = unlearn.build(service)
            with gr.Tab(TAB_PROBE, id="probe"):
                probe_tab = probe.build(service)
            with gr.Tab(TAB_COMPARE, id="compare"):
                compare_part = compare.build(service)
        chips_part = Part(chips, lambda now: now.at, lambda now: now.chips)
        parts = (chips_part, tokens_part, unlearn_tab.part, *probe_tab.parts, compare_part)
        page = Page(
            tabs=tabs,
            chips=chips,
            tokens=tokens_part.component,
            unlearn=unlearn_tab,
            probe=probe_tab,
            compare=compare_part.component,
            parts=parts,
            seen=gr.State(stamps(parts, built)),
            shown_run=gr.State(None),
        )
        wire(demo, service, page)
        api.add(service)
    return demo


def theme() -> Any:
    """Return Gradio's plain theme with system fonts; colours and radii come from page/tokens.css."""
    sans = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif"]
    mono = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"]
    return gr.themes.Base(font=sans, font_mono=mono, spacing_size="md", radius_size="md")


def made_files() -> dict[str, bytes]:
    """Return the files that are made at start: all views as one module, all their styles as one sheet."""
    script, source_map = bundle(WEB, VIEWS, FIRST)
    return {"views.css": view_styles(), BUNDLE: script, f"{BUNDLE}.map": source_map}


def view_styles() -> bytes:
    """Return the styles of views and drawings inside Gradio's container: else its reset of inputs wins."""
    sheets = "\n".join((WEB / name).read_text(encoding="utf-8") for name in VIEW_STYLES)
    return f"body .gradio-container {{\n{sheets}\n{page_style()}\n}}\n".encode()
