/**
 * Whether the server is there: looked at when something was not answered, then every two seconds until it is
 * back.
 */

import { SharedValue } from "./shared_value.js";

export const AGAIN_MS = 2000;

/** Its value is true while the server is gone. */
export class ServerLink extends SharedValue {
  /** @param {{reach: () => Promise<boolean>, wait?: Wait, cancel?: Cancel}} parts */
  constructor({ reach, wait = (act, ms) => setTimeout(act, ms), cancel = (timer) => clearTimeout(timer) }) {
    super(false);
    this.reach = reach;
    this.wait = wait;
    this.cancel = cancel;
    this.looking = null;
    /** @type {(() => void)|null} what keeps a person's work while the server is gone */
    this.rescue = null;
  }

  /**
   * Returns whether the server is there now.
   * @returns {Promise<boolean>}
   */
  check() {
    this.looking ??= this.look().finally(() => {
      this.looking = null;
    });
    return this.looking;
  }

  async look() {
    this.cancel(this.timer);
    const there = await this.reach();
    if (!there) this.timer = this.wait(() => this.check(), AGAIN_MS);
    this.set(!there);
    return there;
  }
}

async function reached() {
  try {
    await fetch(import.meta.url, { method: "HEAD", cache: "no-store" });
    return true;
  } catch {
    return false;
  }
}

/** The one link of the page. */
export const serverLink = new ServerLink({ reach: reached });
