/**
 * Takes a plot along as it is to be read from the back of a room: light, on paper of its own, with title and
 * legend, 1920 pixels wide, as PNG or SVG.
 */

import { button, drawing, node, setText } from "./dom.js";
import { download } from "./download.js";
import { plotly } from "./plotly.js";

/** In CSS pixels; a PNG has twice as many, so that the smallest letters are 30 pixels high. */
export const PAGE = { width: 960, height: 540 };
const SCALE = 2;
const LETTERS = 15;
const PAPER = "#ffffff";
const INK = "#1a1d21";
const MOST_NAMED = 12; // lines of a legend, and no more
const TITLE_LINE = 84; // letters
const TITLE_HEIGHT = 26; // of each of its lines

/**
 * Returns the buttons that save a plot of Plotly's.
 * @param {() => {title: string, figure: (place: HTMLElement) => {data: any[], layout: any}}} what  `figure`
 *   draws it in the colours that are those of `place`
 */
export function plotSaver(what) {
  return saver(async (format, place) => {
    const { title, figure } = what();
    const light = place.appendChild(node("span", { style: { "color-scheme": "light" } }));
    const shown = printed(figure(light), title);
    light.remove();
    const Plotly = await plotly();
    const scale = format === "png" ? SCALE : 1;
    const address = await Plotly.toImage(shown, { format, ...PAGE, height: shown.layout.height, scale });
    return { title, address };
  });
}

/**
 * Returns the buttons that save a picture that stands in the page as SVG.
 * @param {string} title
 * @param {() => SVGSVGElement|null} find
 */
export function svgSaver(title, find) {
  return saver(async (format) => {
    const text = standalone(find(), title);
    const address = `data:image/svg+xml,${encodeURIComponent(text)}`;
    return { title, address: format === "png" ? await rasterised(address) : address };
  });
}

/** The two buttons; `make(format, place)` returns the title and the picture as a data address. */
function saver(make) {
  const said = node("span", { class: "tu-note", attributes: { role: "status" } });
  const save = async (format) => {
    setText(said, "…");
    try {
      const { title, address } = await make(format, element);
      download(fileOf(address, `${fileName(title)}.${format}`));
      setText(said, "Saved.");
    } catch (error) {
      setText(said, `Not saved: ${error?.message ?? error}`);
    }
  };
  const format = (name, label, help) =>
    button(label, () => save(name), { class: "tu-link", attributes: { title: help } });
  const element = node(
    "div",
    { class: "tu-save" },
    format("png", "Save as PNG", "1920 pixels wide, light, with title and legend: for slides"),
    format("svg", "Save as SVG", "The same to be scaled or edited: for papers"),
    said,
  );
  return element;
}

/** Returns a title as a name of a file: small letters, digits and hyphens. Pure. */
export function fileName(title) {
  const words = title.toLowerCase().match(/[a-z0-9]+/g) ?? ["plot"];
  return words.join("-").slice(0, 60).replace(/-$/, "");
}

/** Returns a data address as a file to save. Pure. */
export function fileOf(address, filename) {
  const [head, body] = [address.slice(0, address.indexOf(",")), address.slice(address.indexOf(",") + 1)];
  const mime = head.slice("data:".length).split(";")[0];
  if (!head.endsWith(";base64")) return { filename, text: decodeURIComponent(body), mime };
  return { filename, pieces: [Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0))], mime };
}

/**
 * Returns a figure of the page as it is printed: larger letters, paper, title, and a legend below. Pure.
 * @param {{data: any[], layout: any}} figure
 * @param {string} title
 */
export function printed({ data, layout }, title) {
  const letters = (font) => ({ ...font, color: INK, size: Math.max(LETTERS, font?.size ?? 0) });
  const named = data.filter(({ showlegend }) => showlegend !== false).length;
  const axis = (given) => ({
    ...given,
    automargin: true,
    tickfont: letters(given.tickfont),
    ...(given.title ? { title: { ...given.title, font: letters(given.title.font) } } : {}),
  });
  const axes = Object.entries(layout).filter(([name]) => /^[xy]axis\d*$/.test(name));
  const lines = linesOf(title);
  return {
    data,
    layout: {
      ...layout,
      ...Object.fromEntries(axes.map(([name, given]) => [name, axis(given)])),
      ...PAGE,
      title: {
        text: lines.join("<br>"),
        x: 0.02,
        xanchor: "left",
        y: 1 - (16 + TITLE_HEIGHT * (lines.length - 1)) / PAGE.height, // Plotly places the last line
        yanchor: "top",
        yref: "container",
        font: { size: 20, color: INK },
      },
      font: letters(layout.font),
      paper_bgcolor: PAPER,
      plot_bgcolor: PAPER,
      showlegend: named <= MOST_NAMED,
      legend: { orientation: "h", x: 0, y: -0.2, yanchor: "top", font: letters(layout.legend?.font) },
      margin: { l: 76, r: 28, t: 60 + TITLE_HEIGHT * lines.length, b: 72 },
      annotations: (layout.annotations ?? []).map((each) => ({ ...each, font: letters(each.font) })),
    },
  };
}

/** Returns a text in lines of a title. Pure. */
function linesOf(text) {
  const lines = [""];
  for (const word of text.split(" ")) {
    if (lines.at(-1) && lines.at(-1).length + word.length > TITLE_LINE) lines.push("");
    lines[lines.length - 1] = `${lines.at(-1)} ${word}`.trim();
  }
  return lines;
}

const SET = ["fill", "fill-opacity", "stroke", "stroke-width", "font-family", "font-weight", "font-size"];

/** Returns a picture of the page as a document of its own: its light colours written out, paper and title. */
function standalone(svg, title) {
  if (!svg) throw new Error("There is no picture.");
  const copy = /** @type {SVGSVGElement} */ (svg.cloneNode(true));
  copy.style.colorScheme = "light";
  svg.after(copy);
  const parts = [copy, .../** @type {NodeListOf<SVGElement>} */ (copy.querySelectorAll("*"))];
  for (const each of parts) {
    const style = getComputedStyle(each);
    for (const name of SET) each.style.setProperty(name, style.getPropertyValue(name));
  }
  copy.remove();
  const { width, height } = svg.viewBox.baseVal;
  const size = width / 40;
  const lines = linesOf(title);
  const top = size * (1.4 * lines.length + 0.8);
  const whole = drawing("svg", {
    attributes: {
      viewBox: `0 0 ${width} ${height + top}`,
      width: PAGE.width * SCALE,
      height: Math.round(((height + top) * PAGE.width * SCALE) / width),
    },
  });
  const paper = drawing("rect", { attributes: { width: "100%", height: "100%", fill: PAPER } });
  const heads = lines.map((text, at) =>
    drawing("text", {
      text,
      attributes: {
        x: size,
        y: size * 1.4 * (at + 1),
        "font-size": size,
        "font-weight": 600,
        "font-family": getComputedStyle(svg).fontFamily,
        fill: INK,
      },
    }),
  );
  for (const [name, value] of Object.entries({ x: 0, y: top, width, height }))
    copy.setAttribute(name, String(value));
  whole.append(paper, ...heads, copy);
  return new XMLSerializer().serializeToString(whole);
}

/** Returns a picture in SVG as one in PNG, PAGE wide at SCALE; both are data addresses. */
export async function rasterised(address) {
  const image = new Image();
  image.src = address;
  await image.decode();
  const wide = PAGE.width * SCALE;
  const canvas = node("canvas", {
    attributes: { width: wide, height: Math.round((wide * image.height) / image.width) },
  });
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/png");
}
