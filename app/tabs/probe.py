"""The Probe tab: a run's answers before and after, and one question of the reader's own."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Final

import gradio as gr

from app.actions import depth
from app.actions import probe as actions
from app.actions.done_to import run_of
from app.actions.run_tokens import RunOf
from app.components import ask_view, probe_view
from app.doors import hearing
from app.parts import Now, Part
from app.requests import read
from app.service import Service
from app.words import ASK_BUTTON, ASK_LABEL, ASK_PLACEHOLDER, NO_RUN_TO_ASK, RUN_LABEL
from tokenunlearn.errors import TokenUnlearnError

LOG: Final = logging.getLogger(__name__)
# The names that the page calls them by. Each takes the service, and a request of the kind that it names.
ASKED: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType({"depth_picture": depth.depth_picture})


@dataclass
class ProbeTab:
    """The components that other parts of the page write to or listen to."""

    run: gr.Dropdown
    picked: gr.State  # the run that the person picked; None follows the newest result
    view: gr.HTML
    question: gr.Textbox
    ask: gr.Button
    answers: gr.HTML
    parts: tuple[Part, ...]


def build(service: Service) -> ProbeTab:
    """Return the tab's components, wired among themselves."""
    choices = actions.run_choices(service)
    first = actions.newest(service)
    with gr.Column(elem_classes=["tx-page"]):
        run = gr.Dropdown(
            choices, value=first or actions.NO_RUN_ID, label=RUN_LABEL, elem_classes=["tx-pick"]
        )
        with gr.Row(equal_height=True, elem_classes=["tx-ask"]):
            question = gr.Textbox(
                label=ASK_LABEL, placeholder=ASK_PLACEHOLDER, lines=1, max_length=2000, scale=5
            )
            ask = gr.Button(ASK_BUTTON, scale=0, min_width=96)
        answers = ask_view(None)
        asked = {name: partial(action, service) for name, action in ASKED.items()}
        view = probe_view(shown(service, first), asked)

    def found(now: Now) -> dict[str, Any]:
        return {**shown(service, now.probed), "discarded": now.gone}

    parts = (
        Part(run, lambda now: now.runs, lambda now: menu(service, now.probed)),
        Part(view, partial(_stamp, service), found),
    )
    tab = ProbeTab(run, gr.State(None), view, question, ask, answers, parts)
    _wire(service, tab)
    return tab


def _stamp(service: Service, now: Now) -> list[Any]:
    """Return what the answers depend on.

    A run without results says at which step it is; what is read is not drawn anew at each.
    """
    under_way = [run_of(service, run_id) for run_id, *_ in now.steps]
    return [now.runs, now.gone, now.steps if now.probed in under_way else []]


def shown(service: Service, run_id: str | None) -> dict[str, Any]:
    """Return the probe view's value; a sentence instead of an error, whatever a run's files hold.

    The page is built with it: what a damaged file raises must not keep the server from starting.
    """
    try:
        return actions.show(service, run_id)
    except TokenUnlearnError as error:
        why = str(error)
    except Exception as error:
        LOG.exception("The results of %s cannot be shown", run_id)
        why = f"The results of {run_id} cannot be shown: {type(error).__name__}. The server's log has more."
    return {"run": None, "answers": [], "empty": why}


def menu(service: Service, run_id: str | None) -> Any:
    """Return the run menu with the runs of now, turned to one of them."""
    return gr.Dropdown(choices=actions.run_choices(service), value=run_id or actions.NO_RUN_ID)


def _wire(service: Service, tab: ProbeTab) -> None:
    def answer(run_id: str | None, question: str) -> dict[str, Any]:
        if not run_id:
            return {"error": NO_RUN_TO_ASK}
        try:
            return actions.ask(service, read(actions.Question, {"run": run_id, "question": question}))
        except TokenUnlearnError as error:
            return {"error": str(error)}

    def pick(run_id: str | None) -> tuple[str | None, dict[str, Any]]:
        return run_id, shown(service, run_id)

    def turn(run: RunOf) -> tuple[Any, ...]:
        # Whoever turns to the newest result sees the next one as well.
        picked = None if run.run_id == actions.newest(service) else run.run_id
        return menu(service, run.run_id), picked, shown(service, run.run_id)

    hidden: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    # Not at each change: whoever else turns to a run sends its probes as well.
    tab.run.input(pick, tab.run, [tab.picked, tab.view], **hidden)
    tab.view.show(hearing(turn), None, [tab.run, tab.picked, tab.view], **hidden)
    # What was asked of one run says nothing of another.
    tab.run.change(None, None, tab.answers, js="() => null", **hidden)
    asked = [tab.ask.click, tab.question.submit]
    # Said by the page itself: it takes seconds, and what was answered before is of another question.
    gr.on(asked, None, tab.question, tab.answers, js="(question) => ({ asking: question })", **hidden)
    gr.on(
        asked,
        answer,
        [tab.run, tab.question],
        tab.answers,
        concurrency_id="model",
        concurrency_limit=1,
        **hidden,
    )
