"""What one part of the page does to another: the pulse, the way from tokens to a run, a run's buttons."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Final

import gradio as gr

from app.actions import again as again_actions
from app.actions import compare as compare_actions
from app.actions import depth as depth_actions
from app.actions import measure as measure_actions
from app.actions import probe as probe_actions
from app.actions import status as status_actions
from app.actions import taught_models
from app.actions import unlearn as unlearn_actions
from app.actions.done_to import run_of
from app.actions.run_tokens import RunOf
from app.doors import answering, hearing, refusing
from app.parts import Part, anew, look, stamps
from app.requests import text
from app.service import Service
from app.tabs import probe as probe_tab
from app.tabs.probe import ProbeTab
from app.tabs.unlearn import UnlearnTab

# What is on the Tokens tab at this very moment, not what the summary was last told of (mask_summary.js).
CURRENT_PLAN: Final = (
    "async (sure, label, shown, ...rest) => [sure, label, await globalThis.currentPlan(shown), ...rest]"
)
PLAN_ALONE: Final = "async (shown, ...rest) => [await globalThis.currentPlan(shown), ...rest]"
HIDDEN: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


@dataclass(frozen=True, kw_only=True)
class RunShown:
    """The run to turn to; None for the one of now."""

    run_id: Annotated[str | None, text(40, empty=True)] = None


@dataclass(frozen=True, kw_only=True)
class Page:
    """Every component that the wiring touches. `seen` holds, per open page, the stamps of what it shows."""

    tabs: gr.Tabs
    chips: gr.HTML
    tokens: gr.HTML
    unlearn: UnlearnTab
    probe: ProbeTab
    compare: gr.HTML
    parts: tuple[Part, ...]
    seen: gr.State
    shown_run: gr.State


def wire(demo: gr.Blocks, service: Service, page: Page) -> None:
    """Connect every event of the page."""
    inputs = [page.seen, page.shown_run, page.probe.picked]
    outputs = [*(part.component for part in page.parts), page.seen]

    def pulse(seen: Any, shown: Any, picked: Any) -> dict[Any, Any]:
        now = look(service, shown, picked)
        return {**anew(page.parts, now, seen), page.seen: stamps(page.parts, now)}

    page.chips.pulse(pulse, inputs, outputs, queue=False, trigger_mode="once", **HIDDEN)
    demo.load(pulse, inputs, outputs, queue=False, **HIDDEN)
    # Not the chips alone: what was kept may be open again before they are drawn, and then no pulse follows.
    page.tokens.opened(pulse, inputs, outputs, queue=False, **HIDDEN)
    page.compare.changed(pulse, inputs, outputs, queue=False, **HIDDEN)
    _wire_unlearn(service, page)
    _wire_run_buttons(service, page)

    def to_run(run: RunShown) -> tuple[Any, ...]:
        return gr.Tabs(selected="unlearn"), run.run_id, unlearn_actions.follow(service, run.run_id)

    page.chips.show_run(
        hearing(to_run), None, [page.tabs, page.shown_run, page.unlearn.view], queue=False, **HIDDEN
    )


def _wire_unlearn(service: Service, page: Page) -> None:
    unlearn = page.unlearn

    sure = [unlearn.start, unlearn.sure]

    summary = answering(partial(unlearn_actions.summary, service), "summary")

    def follow_draft(event: gr.EventData, *given: Any) -> dict[Any, Any]:
        plan = summary(event._data)
        return {unlearn.plan: plan, **unlearn.suited(plan, given)}

    def take(event: gr.EventData, *given: Any) -> dict[Any, Any]:
        return {**follow_draft(event, *given), page.tabs: gr.Tabs(selected="unlearn")}

    def tell(*given: Any) -> dict[Any, Any]:
        return unlearn.told(service, given)

    def label(asked: Any, words: str, plan: Any) -> dict[Any, Any]:
        return unlearn.labelled(asked, words, plan)

    def start(asked: Any, label: str, *given: Any) -> dict[Any, Any]:
        wanted = unlearn.wanted(given)
        unknown = unlearn_actions.rows_asked_about(service, wanted.plan)
        # Asked of these very tokens, on this page; other tokens are asked of anew.
        name = [wanted.plan.scores_id, wanted.plan.hash, unknown] if unknown else None
        if name is not None and asked != name:
            return unlearn.asked(name, label)
        run_id = unlearn_actions.start(service, wanted)[0]
        return {
            page.shown_run: run_id,
            unlearn.view: unlearn_actions.follow(service, run_id),
            page.chips: status_actions.chips(service),
            **unlearn.asked(None, label),
        }

    def measure(kind: str, *given: Any) -> dict[Any, Any]:
        run_id = measure_actions.measure(kind, service, unlearn.wanted(given))
        return {
            page.shown_run: run_id,
            unlearn.view: unlearn_actions.follow(service, run_id),
            page.chips: status_actions.chips(service),
        }

    by_draft = [unlearn.plan, *unlearn.by_rows]
    said = [unlearn.label, *unlearn.lines.values()]
    page.tokens.draft(
        refusing(follow_draft),
        unlearn.by_rows,
        by_draft,
        queue=False,
        trigger_mode="always_last",
        **HIDDEN,
    )
    page.tokens.unlearn(refusing(take), unlearn.by_rows, [page.tabs, *by_draft], **HIDDEN)

    def put_label(told: Any) -> None:
        """Change the button by itself, and at once: what a press asks while a forecast is made stays."""
        told.then(refusing(label), [unlearn.sure, unlearn.label, unlearn.plan], sure, queue=False, **HIDDEN)

    # Not as the tab is opened: Gradio loads the page anew when such a call finds the server gone.
    put_label(
        gr.on(
            [each.change for each in unlearn.inputs],
            refusing(tell),
            unlearn.inputs,
            said,
            queue=False,
            trigger_mode="always_last",
            **HIDDEN,
        )
    )
    started = unlearn.start.click(
        refusing(start),
        [unlearn.sure, unlearn.label, *unlearn.inputs],
        [page.shown_run, unlearn.view, page.chips, *sure],
        concurrency_id="start",
        concurrency_limit=1,
        js=CURRENT_PLAN,
        **HIDDEN,
    )
    # What was started just now is not to be trained again.
    put_label(started.then(refusing(tell), unlearn.inputs, said, queue=False, **HIDDEN))
    for kind, button in unlearn.measures.items():
        button.click(
            refusing(partial(measure, kind)),
            unlearn.inputs,
            [page.shown_run, unlearn.view, page.chips],
            concurrency_id="start",
            concurrency_limit=1,
            js=PLAN_ALONE,
            **HIDDEN,
        )


def _again(service: Service, page: Page, run_id: str) -> dict[Any, Any]:
    """Return the form, and where they still mean the same the tokens, as they were in a run."""
    earlier = again_actions.again(service, run_id)
    gr.Info(earlier.words, duration=8)
    form = page.unlearn.filled(earlier)
    values = {page.tabs: gr.Tabs(selected="unlearn"), **form}
    if earlier.plan is not None:
        values |= {page.unlearn.plan: earlier.plan, page.tokens: earlier.tokens}
    return values


def _wire_run_buttons(service: Service, page: Page) -> None:
    view = page.unlearn.view

    def choose(run: RunOf) -> tuple[Any, Any]:
        return run.run_id, unlearn_actions.follow(service, run.run_id)

    def act(press: unlearn_actions.Press) -> dict[Any, Any]:
        run_id, action = press.run_id, press.action
        if action == "probe":
            run_id = run_of(service, run_id)
            return {
                page.tabs: gr.Tabs(selected="probe"),
                page.probe.run: probe_tab.menu(service, run_id),
                page.probe.picked: run_id,
                page.probe.view: probe_tab.shown(service, run_id),
            }
        if action == "compare":
            return {page.tabs: gr.Tabs(selected="compare")}
        if action == "again":
            return _again(service, page, run_id)
        if action == "open":
            taught_models.open_taught(service, taught_models.TaughtModel(run_id=run_id))
            return {page.tabs: gr.Tabs(selected="tokens"), page.chips: status_actions.chips(service)}
        unlearn_actions.act(service, press)
        return {view: unlearn_actions.follow(service, run_id), page.chips: status_actions.chips(service)}

    parts = (part.component for part in page.parts)
    outputs = [*parts, page.tabs, page.probe.picked, page.unlearn.few, *page.unlearn.inputs]
    view.show(hearing(choose), None, [page.shown_run, view], **HIDDEN)
    view.act(hearing(act), None, outputs, **HIDDEN)
    page.compare.act(hearing(act), None, outputs, **HIDDEN)
    page.probe.view.act(hearing(act), None, outputs, **HIDDEN)

    def attack(wanted: probe_actions.Beside) -> dict[Any, Any]:
        of = run_of(service, probe_actions.attack(service, wanted))
        return {page.probe.view: probe_tab.shown(service, of), page.chips: status_actions.chips(service)}

    def depth(wanted: RunOf) -> dict[Any, Any]:
        of = run_of(service, depth_actions.measure(service, wanted))
        return {page.probe.view: probe_tab.shown(service, of), page.chips: status_actions.chips(service)}

    def rival(wanted: probe_actions.Beside) -> dict[Any, Any]:
        compare_actions.start_rival(service, wanted)
        return {page.compare: compare_actions.runs(service), page.chips: status_actions.chips(service)}

    page.probe.view.attack(hearing(attack), None, [page.probe.view, page.chips], **HIDDEN)
    page.probe.view.depth(hearing(depth), None, [page.probe.view, page.chips], **HIDDEN)
    page.compare.rival(hearing(rival), None, [page.compare, page.chips], **HIDDEN)
