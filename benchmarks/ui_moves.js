// Run inside the page by ui.py: acts `count` times and times each act until its frame is painted.
//
// `script` is our code: the event's listeners and the drawing in the next frame. `frame` adds style, layout
// and paint of that frame. `painted` is what a person waits: from the event to the painted frame, with the
// wait for the next frame. Milliseconds.
async ({ act, count, label }) => {
  const named = [...document.querySelectorAll('.tu-slider label')].find((each) => each.textContent === label);
  const input = named && document.getElementById(named.htmlFor);
  const strip = document.querySelector('.tu-strip');
  const ACTS = {
    // To and fro over the slider's range, one step of a hand at a time.
    slider: (move) => {
      const span = input.max - input.min;
      input.value = Number(input.min) + span * (0.05 + 0.9 * Math.abs(((move * 0.017) % 2) - 1));
      input.dispatchEvent(new Event('input', { bubbles: true }));
    },
    // The token that has the focus: rule, in, out and back.
    override: () => strip.dispatchEvent(new KeyboardEvent('keydown', { key: ' ', bubbles: true })),
    row: (move) => strip.dispatchEvent(new KeyboardEvent('keydown', { key: move % 2 ? '[' : ']', bubbles: true })),
  };
  const frame = () => new Promise(requestAnimationFrame);
  const painted = () => new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = resolve;
    requestAnimationFrame(() => port2.postMessage(null));
  });
  const times = [];
  for (let move = 0; move < count; move++) {
    await frame();
    let drawFrom = 0;
    let drawTo = 0;
    requestAnimationFrame(() => { drawFrom = performance.now(); });
    const start = performance.now();
    ACTS[act](move);
    const listened = performance.now() - start;
    requestAnimationFrame(() => { drawTo = performance.now(); });
    await painted();
    const end = performance.now();
    times.push({ script: listened + drawTo - drawFrom, frame: listened + end - drawFrom, painted: end - start });
  }
  return times;
}
