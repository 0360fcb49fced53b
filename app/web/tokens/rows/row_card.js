/** One card of the rows list: subject, question, chosen of total, marks, a sparkline of φ. */

import { drawing, node, setAttributes, setText } from "../../dom/dom.js";
import { isLeftOut } from "../../model/untrained_rows.js";
import { plural } from "../../text/numbers.js";
import { shortened } from "../../text/strip_marks.js";
import { factsOf, searchText } from "./rows_order.js";

const SPARK_HEIGHT = 12;
const MOST_BARS = 240;
const MOST_LETTERS = 160;

// A card is named by what it holds; until it is filled, by its label. Marks as "≠2" are written out for those
// who hear them.
/**
 * Returns an empty card, which its first `update` fills: `{at, element, text, stale, update, mark, show}`.
 */
export function rowCard(model, at) {
  const row = model.payload.rows[at];
  const name = `${shortened(row.subject) || "No subject"}: ${shortened(row.question || row.answer, MOST_LETTERS)}`;
  const element = node("div", {
    class: "tu-row",
    attributes: { role: "option", tabindex: -1, "aria-selected": false, "aria-label": name },
    on: { click: () => model.goTo(at) },
  });
  const card = { at, element, stale: true, text: searchText(row) };
  card.update = () => {
    card.stale = false;
    card.parts ??= fill(element, row);
    drawCard(card.parts, row, model);
  };
  card.mark = (on) => setAttributes(element, { "aria-selected": on, tabindex: on ? 0 : -1 });
  card.show = (list) => scrollWithin(list, element);
  return card;
}

function fill(element, row) {
  const parts = {
    share: node("span", { class: "tu-row-share" }),
    marks: node("span", { class: "tu-row-marks", attributes: { "aria-hidden": true } }),
    spoken: node("span", { class: "tu-unseen" }),
    pale: drawing("path", { class: "tu-spark-all" }),
    solid: drawing("path", { class: "tu-spark-chosen" }),
  };
  const bars = Math.max(1, Math.min(MOST_BARS, row.count));
  const spark = drawing(
    "svg",
    {
      class: "tu-spark",
      attributes: {
        viewBox: `0 0 ${bars * 4} ${SPARK_HEIGHT}`,
        preserveAspectRatio: "none",
        "aria-hidden": true,
      },
    },
    parts.pale,
    parts.solid,
  );
  element.append(
    node("span", { class: "tu-row-subject", text: shortened(row.subject) || "No subject" }),
    " ",
    parts.share,
    " ",
    node("span", { class: "tu-row-question", text: shortened(row.question || row.answer, MOST_LETTERS) }),
    " ",
    parts.marks,
    parts.spoken,
    spark,
  );
  element.removeAttribute("aria-label");
  return parts;
}

function drawCard(parts, row, model) {
  const { mask } = model;
  const facts = factsOf(model, row);
  const without = row.scored === false;
  setText(parts.share, without ? withoutScores(model, row) : `${facts.chosen} of ${facts.total}`);
  setText(
    parts.marks,
    without ? (row.failure ? "!" : "") : signWords(facts, row.known, model.marks.of(row.id)),
  );
  parts.marks.classList.toggle("tu-row-failed", Boolean(row.failure));
  parts.share.classList.toggle("is-none", !without && facts.chosen === 0);
  setText(
    parts.spoken,
    without
      ? row.failure
        ? "Could not be scored."
        : ""
      : `${facts.chosen} of ${plural(facts.total, "token")} chosen. ${model.marks.of(row.id).seen ? "Reviewed. " : ""}${spokenSigns(facts)}${row.known?.word === "no" ? " The model does not know it." : ""}`,
  );
  setAttributes(parts.pale, { d: sparkPath(row, mask.fused, () => true) });
  setAttributes(parts.solid, { d: sparkPath(row, mask.fused, (index) => mask.selected[index] === 1) });
}

/** Returns what is heard when a row is come to: "Row 3 of 20, Ada Moss: 2 of 18 tokens chosen". */
export function rowWords(model) {
  const { row, rowsOfSet, view } = model;
  if (!row) return "";
  const place = `Row ${rowsOfSet.indexOf(view.row) + 1} of ${rowsOfSet.length}${row.subject ? `, ${shortened(row.subject)}` : ""}`;
  if (row.scored === false) return `${place}: ${row.failure ? "could not be scored" : "no scores yet"}`;
  const { chosen, total } = factsOf(model, row);
  return `${place}: ${chosen || "none"} of ${plural(total, "token")} chosen`;
}

function withoutScores(model, row) {
  if (!row.failure) return "no scores yet";
  return isLeftOut(model, row) ? "left out" : "failed";
}

/** Scrolls only the list, never the page. */
function scrollWithin(list, element) {
  const [frame, box] = [list.getBoundingClientRect(), element.getBoundingClientRect()];
  if (box.top < frame.top) list.scrollTop += box.top - frame.top - 8;
  else if (box.bottom > frame.bottom) list.scrollTop += box.bottom - frame.bottom + 8;
}

/** Returns the signs of a card: "✓ fact 3/4  ≠2  •1"; ✓ for a row that was reviewed. */
export function signWords({ gold, goldChosen, differs, forced }, known = null, marks = {}) {
  const parts = marks.seen ? ["✓"] : [];
  if (gold) parts.push(`fact ${goldChosen}/${gold}`);
  if (differs) parts.push(`≠${differs}`);
  if (forced) parts.push(`•${forced}`);
  // Written out it would take the subject's place; the row itself says it
  if (known?.word === "no") parts.push("?");
  return parts.join("  ");
}

function spokenSigns({ gold, goldChosen, differs, forced }) {
  const parts = [];
  if (gold) parts.push(`${goldChosen} of ${gold} fact tokens.`);
  if (differs) parts.push(`Rule and fact differ on ${differs}.`);
  if (forced) parts.push(`${forced} ${forced === 1 ? "override" : "overrides"}.`);
  return parts.join(" ");
}

/**
 * Returns the SVG path of the bars for which `wanted` holds; unscored tokens are a hairline. A row of more
 * than 240 tokens has 240 bars: each is the highest of its tokens, wanted if one of them is.
 */
export function sparkPath(row, fused, wanted) {
  const bars = Math.min(MOST_BARS, row.count);
  let path = "";
  for (let bar = 0; bar < bars; bar += 1) {
    const from = row.first + Math.floor((bar * row.count) / bars);
    const to = row.first + Math.floor(((bar + 1) * row.count) / bars);
    let highest = -1;
    for (let index = from; index < to; index += 1) {
      if (wanted(index))
        highest = Math.max(
          highest,
          Number.isFinite(fused[index]) ? Math.min(1, Math.max(0, fused[index])) : 0,
        );
    }
    if (highest < 0) continue;
    const height = Math.max(1, highest * SPARK_HEIGHT);
    path += `M${bar * 4} ${SPARK_HEIGHT}v${-height.toFixed(1)}h3v${height.toFixed(1)}z`;
  }
  return path;
}
