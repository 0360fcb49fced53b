/** The curves of the ticked runs over their steps, each in its own colour. */

import { node, setText } from "../dom/dom.js";
import { chartTheme, drawFigure, onThemeOrSize } from "../dom/plotly.js";
import { plotSaver } from "../dom/save_picture.js";
import { curvesFigure, pointsNote } from "../runs/curves.js";
import { lookedAs } from "../runs/looks.js";
import { benches, drawnGroup, leftOutWords } from "./lines.js";

/**
 * Returns `{element, update}`.
 * @param {(name: string, data: object) => Promise<any>} ask
 */
export function curvesPanel(ask) {
  const chart = node("div", {
    class: "tx-chart",
    attributes: { role: "img", "aria-label": "Curves of the ticked runs" },
  });
  const note = node("p", { class: "tx-note" });
  const left = node("p", { class: "tx-note" });
  const measured = () => series.filter((each) => each.steps.length || each.eval_steps.length);
  const save = plotSaver(() => ({
    title: `Unlearning step by step: ${runs.map(({ id }) => id).join(", ")}`,
    figure: (place) => curvesFigure(dressed(measured(), runs, place), chartTheme(place), false),
  }));
  const element = node(
    "section",
    { attributes: { "aria-label": "Curves over steps" } },
    node("h2", { class: "tx-heading", text: "Curves of the ticked runs" }),
    chart,
    note,
    left,
    save,
  );
  let asked = "";
  let runs = [];
  let series = [];
  let drawn = "";

  const draw = () => {
    const shown = measured();
    save.hidden = shown.length === 0;
    setText(note, shown.length ? pointsNote(shown) : "None of the ticked runs has trained a step yet.");
    chart.hidden = shown.length === 0;
    if (element.hidden || chart.hidden || chart.clientWidth === 0) return;
    const narrow = chart.clientWidth < 640;
    const wanted = JSON.stringify([
      shown,
      chart.clientWidth,
      document.body.className,
      runs.map(({ title }) => title),
    ]);
    if (wanted === drawn) return;
    drawn = wanted;
    drawFigure(chart, curvesFigure(dressed(shown, runs, chart), chartTheme(chart), narrow)).then((stands) => {
      if (!stands) drawn = "";
    });
  };
  onThemeOrSize(chart, draw);

  const update = ({ ticked, view }) => {
    const trained = ticked.filter((line) => line.kind === "run" && line.run.trained);
    const group = drawnGroup(benches(trained), view.bench, ticked);
    runs = group?.lines ?? [];
    setText(
      left,
      leftOutWords(
        trained.filter((line) => !runs.includes(line)),
        group,
      ),
    );
    element.hidden = runs.length === 0;
    // A run under way has another curve at each step.
    const now = JSON.stringify(
      runs.map((line) => [line.id, line.state, line.about.step, Boolean(line.run.after)]),
    );
    if (now === asked) return draw();
    asked = now;
    if (element.hidden) return undefined;
    return ask("run_curves", { runs: runs.map(({ id }) => id) })
      .then((answer) => {
        if (now !== asked) return;
        series = answer.series;
        draw();
      })
      .catch((error) => {
        asked = "";
        setText(note, `Not shown: ${error.message}`);
      });
  };
  return { element, update };
}

/** Each run's series with its title on this tab, and its look. */
function dressed(series, runs, place) {
  const named = series.map((each) => {
    const line = runs.find(({ id }) => id === each.run_id);
    return line ? { ...each, label: `${line.title} (${line.id})` } : each;
  });
  return lookedAs(named, place);
}
