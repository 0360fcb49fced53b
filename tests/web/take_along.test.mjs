/** What is taken along of plots and tables. */

import assert from "node:assert/strict";
import test from "node:test";
import { changeLines } from "../../app/web/dom/change_export.js";
import { fileName, fileOf, printed } from "../../app/web/dom/save_picture.js";
import { csvOf, tabbed } from "../../app/web/text/sheet.js";

test("a table is CSV for a file and has tabs for the clipboard, and no cell of it is a formula", () => {
  const lines = [
    ["token", "p"],
    [' "Oslo"', 0.25],
    ["=1+1", -1],
    ["\u200b＋1", null],
    ["a\r\n=1\tb", 0],
  ];
  assert.equal(
    csvOf(lines),
    '"token","p"\n" ""Oslo""",0.25\n"\'=1+1",-1\n"\'\u200b＋1",""\n"a\r\n=1\tb",0\n',
  );
  assert.equal(tabbed(lines), "token\tp\n \"Oslo\"\t0.25\n'=1+1\t-1\n'\u200b＋1\t\na =1 b\t0\n");
});

test("a difference has a line a token, with the fact, both sides and what is between them", () => {
  const row = {
    ...{ row_id: "a", kind: "retain", question: "Who?", answer: "😀 Di ran." },
    ...{ starts: [0, 1], ends: [1, 4], before: [0.5, 0.1], after: [0.25, 0.9], gold: [[2, 4]] },
  };
  const [heads, first, second] = changeLines([row], ["run-1", "run-2"]);
  assert.deepEqual(heads.slice(3), ["position", "token", "fact", "p run-1", "p run-2", "run-2 − run-1"]);
  assert.deepEqual(first, ["retain", "a", "Who?", 1, "😀", 0, 0.5, 0.25, -0.25]);
  assert.deepEqual(second, ["retain", "a", "Who?", 2, " Di", 1, 0.1, 0.9, 0.8]);
  const [more, ...lines] = changeLines([{ ...row, kind: undefined, trained: [1] }], ["before", "after"]);
  assert.equal(more.at(-1), "unlearned");
  assert.deepEqual(
    lines.map((line) => [line[0], line.at(-1)]),
    [
      ["forget", 0],
      ["forget", 1],
    ],
  );
});

test("a plot is printed on white, with title and legend, in letters of 30 pixels at 1920", () => {
  const figure = {
    data: [{ name: "run-1" }],
    layout: {
      paper_bgcolor: "rgba(0,0,0,0)",
      font: { size: 12, color: "#999" },
      showlegend: false,
      xaxis: { title: { text: "step", font: { size: 12 } } },
      yaxis2: {},
      annotations: [{ text: "Fact", font: { size: 12 } }],
    },
  };
  const long = `Unlearning step by step: ${"chosen tokens ".repeat(8)}`.trim();
  const { layout } = printed(figure, long);
  assert.deepEqual([layout.width, layout.height, layout.paper_bgcolor], [960, 540, "#ffffff"]);
  assert.equal(layout.showlegend, true);
  const sizes = [layout.font, layout.legend.font, layout.xaxis.title.font, layout.xaxis.tickfont];
  const all = [...sizes, layout.yaxis2.tickfont, layout.annotations[0].font, layout.title.font];
  assert.ok(all.every(({ size }) => 2 * size >= 30));
  assert.equal(layout.title.text.replaceAll("<br>", " "), long);
  assert.ok(layout.title.text.split("<br>").every((each) => each.length <= 84));
  const many = Array.from({ length: 13 }, (_, at) => ({ name: `run-${at}` }));
  assert.equal(printed({ ...figure, data: many }, "x").layout.showlegend, false);
});

test("a picture has a name of its own and the bytes of its address", () => {
  assert.equal(
    fileName("Forgetting against what was kept: demo · run-1"),
    "forgetting-against-what-was-kept-demo-run-1",
  );
  assert.equal(fileName("事実"), "plot");
  assert.deepEqual(fileOf("data:image/svg+xml,%3Csvg%2F%3E", "a.svg"), {
    filename: "a.svg",
    text: "<svg/>",
    mime: "image/svg+xml",
  });
  const { pieces, mime } = fileOf("data:image/png;base64,AQI=", "a.png");
  assert.deepEqual([[...pieces[0]], mime], [[1, 2], "image/png"]);
});
