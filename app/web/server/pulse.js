/**
 * When the page asks the server what has changed: each second while something moves by itself, else never; of
 * answers that arrive in any order the newest is shown.
 */

export const BEAT_MS = 1000;
/** No answer is that late, in seconds: the server's clock was set back since the newest one. */
const SET_BACK = 60;

/** Returns whether an answer was made before another one; `at`: the server's time, in seconds, 0 for none. */
function isOlder(at, newest) {
  return at < newest && (at === 0 || newest - at < SET_BACK);
}

/**
 * Asks again and again while the newest answer says `busy`; an answer that is lost or late stops nothing.
 * Answers come in any order: one that was made before a run was started still says that nothing moves.
 */
export class Pulse {
  /** @param {{ask: () => void, visible?: () => boolean, wait?: Wait, cancel?: Cancel}} parts */
  constructor({
    ask,
    visible = () => true,
    wait = (act, ms) => setTimeout(act, ms),
    cancel = (timer) => clearTimeout(timer),
  }) {
    this.ask = ask;
    this.visible = visible;
    this.wait = wait;
    this.cancel = cancel;
    this.newest = { at: -Infinity, busy: false };
    this.timer = null;
  }

  /** Takes an answer: `at` is the server's time, in seconds, at which it was made. */
  heard({ at, busy }) {
    if (isOlder(at, this.newest.at)) return;
    this.newest = { at, busy };
    this.next();
  }

  /** Asks now, as when the page comes to the front: another page or a command may have started a run. */
  beat() {
    if (this.visible()) this.ask();
    this.next();
  }

  /** Plans the next question, or none. */
  next() {
    this.cancel(this.timer);
    this.timer = this.newest.busy ? this.wait(() => this.beat(), BEAT_MS) : null;
  }
}

/**
 * Returns a function that takes a value and returns it, or the one it has where that was made later.
 * @returns {(value: any) => any} `at`: the server's time, in seconds, of the
 *   value
 */
export function newest() {
  let kept = {};
  return (value) => {
    if (!isOlder(value?.at ?? 0, kept.at ?? 0)) kept = value ?? {};
    return kept;
  };
}
