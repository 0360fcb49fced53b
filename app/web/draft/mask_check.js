/** Asks the server, 300 ms after the last change, whether it computes the same mask. */

export const CONFIRM_AFTER_MS = 300;
export const AGAIN_AFTER_MS = 5000;

/**
 * @typedef {object} CheckState
 * @property {"pending"|"same"|"differs"|"unreachable"} kind
 * @property {string} hash  of this page's mask
 * @property {number} [count]
 * @property {string} [serverHash]
 * @property {number|null} [serverCount]
 * @property {number[]|null} [serverChosen]
 * @property {number[]|null} [serverWeights]
 * @property {string} [reason]
 */

/**
 * Compares the browser's mask with the server's. States: "pending", "same", "differs", "unreachable".
 * Late answers to an older question are dropped.
 */
export class MaskCheck {
  /**
   * @param {{ask: (draft: object) => Promise<{hash: string, weights_count: number}>,
   *          hash: (weights: Float64Array) => string|Promise<string>,
   *          onState: (state: CheckState) => void, wait?: Wait, cancel?: Cancel}} parts
   */
  constructor({
    ask,
    hash,
    onState,
    wait = (act, ms) => setTimeout(act, ms),
    cancel = (timer) => clearTimeout(timer),
  }) {
    this.ask = ask;
    this.hash = hash;
    this.onState = onState;
    this.wait = wait;
    this.cancel = cancel;
    this.question = 0;
    /** @type {(() => void)|null} */
    this.act = null;
    /** @type {CheckState} */
    this.state = { kind: "pending", hash: "" };
  }

  /** Starts over with a changed draft: `{draft, weights}`; one that is confirmed is only said again. */
  changed(current) {
    if (this.state.kind === "same" && isSame(current, this.current)) {
      this.set(this.state);
      return;
    }
    if (this.act && !isSame(current, this.current)) this.act = null;
    this.question += 1;
    this.current = current;
    // Said once: while a slider moves, each move asks anew.
    if (this.state.kind !== "pending") this.set({ kind: "pending", hash: this.state.hash });
    this.cancel(this.timer);
    this.timer = this.wait(() => this.check(), CONFIRM_AFTER_MS);
  }

  /** Acts once there is an answer, at once where there is one; a change of what is asked forgets it. */
  whenAnswered(act) {
    if (this.state.kind === "pending") this.act = act;
    else act();
  }

  /** Asks no more, and hears no answer. */
  leave() {
    this.question += 1;
    this.act = null;
    this.cancel(this.timer);
  }

  /** Asks now; where there is no answer, again after a while. */
  async check() {
    this.cancel(this.timer);
    const question = this.question;
    const { draft, weights } = this.current;
    const own = await this.hash(weights);
    const count = weights.reduce((sum, weight) => sum + (weight > 0), 0);
    if (question !== this.question) return;
    this.set({ kind: "pending", hash: own });
    try {
      const answer = await this.ask({ ...draft, hash: own });
      if (question === this.question) this.set(compare(own, count, answer));
    } catch (error) {
      if (question !== this.question) return;
      this.set({ kind: "unreachable", hash: own, reason: String(error?.message ?? error) });
      this.timer = this.wait(() => this.check(), AGAIN_AFTER_MS);
    }
  }

  set(state) {
    this.state = state;
    this.onState(state);
    if (state.kind === "pending") return;
    const { act } = this;
    this.act = null;
    act?.();
  }
}

function isSame(current, earlier) {
  return (
    JSON.stringify(current.draft) === JSON.stringify(earlier.draft) &&
    current.weights.length === earlier.weights.length &&
    current.weights.every((weight, at) => weight === earlier.weights[at])
  );
}

/**
 * Returns the state after an answer of the server; `chosen` (token indices) and `weights` go on where they
 * came.
 */
export function compare(own, count, answer) {
  if (answer?.hash === own) return { kind: "same", hash: own };
  return {
    kind: "differs",
    hash: own,
    count,
    serverHash: answer?.hash ?? "",
    serverCount: answer?.weights_count ?? null,
    serverChosen: answer?.chosen ?? null,
    serverWeights: answer?.weights ?? null,
  };
}
