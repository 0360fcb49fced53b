/** The run on the Unlearn tab: its card, one answer rewriting itself, its curves, and the other runs. */

import { node, refill, setText } from "../dom/dom.js";
import { glossary } from "../dom/glossary.js";
import { chartTheme, drawFigure, onThemeOrSize } from "../dom/plotly.js";
import { plotSaver } from "../dom/save_picture.js";
import { newest } from "../server/pulse.js";
import { liveLine } from "../server/shared_value.js";
import { curvesFigure, pointsNote } from "./curves.js";
import { hueDot, lookedAs } from "./looks.js";
import {
  answerBlock,
  isLive,
  moveHead,
  numbersRow,
  runHead,
  runLog,
  TERMS,
  withSeconds,
} from "./run_card.js";

/**
 * Mounts the view. Events: `act` {run_id, action}, `show` {run_id}.
 * @param {MountHost} host
 */
export function mount({ element, props, trigger, watch }) {
  const places = {
    gone: node("p", { class: "tx-gone", attributes: { role: "status" } }),
    empty: node("p", { class: "tx-empty" }),
    head: node("div"),
    log: runLog(),
    answer: node("div"),
    numbers: node("div"),
    terms: glossary("What these figures mean"),
    chart: node("div", { class: "tx-chart", attributes: { role: "img", "aria-label": "Curves of the run" } }),
    points: node("p", { class: "tx-note tx-points" }),
    save: plotSaver(() => {
      const series = measured(keep(props.value));
      return {
        title: `Unlearning step by step: ${series.map(({ run_id: id, label }) => `${label} (${id})`).join(", ")}`,
        figure: (place) => curvesFigure(lookedAs(series, place), chartTheme(place), false),
      };
    }),
    runs: node("div", { class: "tx-run-list" }),
    spoken: node("p", { class: "tu-unseen", attributes: { "aria-live": "polite" } }),
  };
  const keep = newest();
  const root = element.querySelector(".tx-view") ?? element;
  root.replaceChildren(
    places.gone,
    places.empty,
    places.head,
    places.log.element,
    places.answer,
    places.numbers,
    places.terms.element,
    places.chart,
    places.points,
    places.save,
    places.runs,
    places.spoken,
  );
  const draw = () => paint(places, keep(props.value), trigger);
  watch("value", draw);
  liveLine.subscribe(() => paintLines(places, keep(props.value), trigger));
  onThemeOrSize(root, draw);
  draw();
}

function paint(places, value, trigger) {
  const run = paintLines(places, value, trigger);
  setText(places.gone, value.gone ?? "");
  places.empty.hidden = Boolean(run);
  setText(places.empty, run ? "" : (value.empty ?? ""));
  places.log.show(value.log ?? "");
  places.answer.replaceChildren(...(value.answer ? [answerBlock(value.answer)] : []));
  const series = value.series ?? [];
  const own = series.find((each) => each.run_id === value.shown);
  places.terms.update(own ? TERMS : []);
  places.numbers.replaceChildren(...(own ? [numbersRow(own, Boolean(run && isLive(run.state)))] : []));
  setText(places.points, pointsNote(series));
  drawChart(places.chart, measured(value));
  places.save.hidden = places.chart.hidden;
  setText(places.spoken, run ? `${run.name}: ${run.state}` : "");
}

/** Returns the series of a value that have anything to draw. */
function measured({ series = [] }) {
  return series.filter((each) => each.steps.length > 0 || each.eval_steps.length > 0);
}

/** Draws what has the words of runs, and returns the shown one; the seconds of a wait come with the chips alone. */
function paintLines(places, value, trigger) {
  const runs = (value.runs ?? []).map((run) => withSeconds(run, liveLine.value));
  const shown = runs.find((each) => each.run_id === value.shown);
  const { run_id: id, name, state, steps, message, buttons } = shown ?? {};
  steady(places.head, [id, name, state, steps, message, buttons], {
    build: () => (shown ? [runHead(shown, trigger)] : []),
    update: () => shown && moveHead(places.head, shown),
  });
  steady(places.runs, [value.shown, runs.map((run) => [run.run_id, run.name, run.state, run.apart])], {
    build: () => runList({ ...value, runs }, trigger),
    update: () =>
      places.runs.querySelectorAll(".tx-run-line .tx-note").forEach((note, at) => {
        setText(note, lineText(runs[at]));
      }),
  });
  return shown;
}

/**
 * Rebuilds a place where what `shape` says has changed, else updates it: a button that is replaced between the
 * press and its release does nothing. Keeps the focus, and leaves a pending question alone.
 */
function steady(place, shape, { build, update }) {
  const key = JSON.stringify(shape);
  if (shapes.get(place) === key) {
    update();
    return;
  }
  if (place.querySelector("[data-asking]")) return;
  shapes.set(place, key);
  refill(place, build());
}

const shapes = new WeakMap();

// Drawing takes a tenth of a second, and while a run goes on the page hears of it each second.
const drawn = new WeakMap();

function drawChart(place, series) {
  place.hidden = series.length === 0;
  if (place.hidden || place.clientWidth === 0) return;
  const narrow = place.clientWidth < 640;
  const wanted = JSON.stringify([series, place.clientWidth, document.body.className]);
  if (drawn.get(place) === wanted) return;
  drawn.set(place, wanted);
  drawFigure(place, curvesFigure(lookedAs(series, place), chartTheme(place), narrow)).then((stands) => {
    if (!stands) drawn.delete(place);
  });
}

const lineText = (run) => [run.run_id, run.apart, run.text].filter(Boolean).join(" · ");

function runList(value, trigger) {
  const others = value.runs ?? [];
  if (others.length < 2) return [];
  const line = (run) =>
    node(
      "div",
      { attributes: { role: "listitem" } },
      node(
        "button",
        {
          class: `tx-run-line${run.run_id === value.shown ? " tx-on" : ""}`,
          attributes: { type: "button", "data-key": run.run_id, "aria-current": run.run_id === value.shown },
          on: { click: () => trigger("show", { run_id: run.run_id }) },
        },
        hueDot(run.hue),
        node("span", { class: `tx-dot tx-state-${run.state}` }),
        node("span", { class: "tx-run-name", text: run.name }),
        node("span", { class: "tx-note", text: lineText(run) }),
      ),
    );
  return [
    node("h2", { class: "tx-heading", text: "Runs, newest first" }),
    node("div", { attributes: { role: "list", "aria-label": "Runs" } }, ...others.map(line)),
  ];
}
