/**
 * Pointer acts on a strip: hover previews, click locks, glyph click overrides, drag and Shift-click make
 * ranges; while facts are marked, click and range mark.
 */

/** @param {import("./token_strip.js").TokenStrip} strip */
export function listenToPointer(strip) {
  const { element, model } = strip;
  let pressed = null;

  // Moves alone: when another row comes under a resting mouse, the browser says "over" and nobody has pointed
  // at it.
  element.addEventListener("pointermove", (event) => {
    const index = tokenAt(event);
    if (index === null) return;
    if (pressed !== null && index !== pressed.index) drag(index);
    else if (pressed === null) model.setView({ hovered: index });
  });
  element.addEventListener("pointerleave", () => model.setView({ hovered: null }));
  element.addEventListener("pointerdown", (event) => {
    const index = tokenAt(event);
    if (index === null || event.button !== 0) return;
    // Fingers scroll; only a mouse or a pen draws a range.
    if (event.pointerType !== "touch")
      pressed = { index, moved: false, glyph: onGlyph(event), shift: event.shiftKey };
    if (event.shiftKey) event.preventDefault();
  });
  element.ownerDocument.addEventListener("pointerup", () => {
    // Wherever the drag ends: the last of it that was passed counts.
    if (pressed?.moved && model.view.marking) strip.mark(strip.targets());
    setTimeout(() => {
      pressed = null;
    }, 0);
  });
  element.addEventListener("dragstart", (event) => event.preventDefault());
  element.addEventListener("click", (event) => {
    const index = tokenAt(event);
    if (index === null || pressed?.moved) return;
    if (model.view.marking) return mark(event, index);
    if (onGlyph(event)) override(index, event.shiftKey ? -1 : 1);
    else if (event.shiftKey) extendTo(index);
    else lock(index);
  });

  function mark(event, index) {
    if (event.shiftKey) extendTo(index);
    else model.setView({ focus: index, anchor: null });
    strip.mark(strip.targets());
    strip.focusToken(index);
  }

  function drag(index) {
    pressed.moved = true;
    model.setView({ anchor: pressed.index, focus: index, hovered: null });
  }

  function extendTo(index) {
    const { anchor, focus, locked } = model.view;
    model.setView({ anchor: anchor ?? focus ?? locked ?? index, focus: index });
    strip.focusToken(index);
  }

  function lock(index) {
    const same = strip.unitAt(model.view.locked) === strip.unitAt(index) && model.view.locked !== null;
    model.setView({ locked: same ? null : index, focus: index, anchor: null });
    strip.focusToken(index);
  }

  function override(index, step) {
    model.setView({ focus: index, anchor: null });
    model.cycle(strip.units[strip.unitAt(index)].tokens, step);
  }
}

function tokenAt(event) {
  const token = event.target.closest?.(".tu-token");
  return token ? Number(token.dataset.index) : null;
}

function onGlyph(event) {
  return event.target.closest?.("[data-glyph]") !== null;
}
