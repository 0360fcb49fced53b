/**
 * Tabs of the page without a browser, driven line by line: each has the real model, desk and keeper, a tab
 * storage and a clock that is wound by hand. A line in is a command `{tab, act, …}`, a line out is what the
 * tab then asks of the server and shows.
 */

import { createInterface } from "node:readline";
import { MaskDesk } from "../../app/web/draft/mask_desk.js";
import { readDraft } from "../../app/web/draft/tab_storage.js";
import { draftOf } from "../../app/web/model/mask_draft.js";
import { TokensModel } from "../../app/web/model/tokens_model.js";

const tabs = new Map();

/** The storage of one tab, which outlives its pages. */
class TabStorage extends Map {
  getItem(key) {
    return this.get(key) ?? null;
  }
  setItem(key, value) {
    this.set(key, value);
  }
}

/** A page in a tab; what it asks waits in `asked` until a command answers it. */
class Page {
  constructor({ name, storage, asked, fresh }, payload) {
    Object.assign(this, { storage, timer: null, wantsNewer: false, said: [] });
    let [saves, questions] = [0, 0];
    this.model = new TokensModel(payload, readDraft(payload, storage));
    const host = {
      ask: (action, data) =>
        new Promise((resolve, reject) => {
          questions += 1;
          const id = `${name}:${questions}`;
          asked.set(id, { resolve, reject });
          fresh.push({ id, name: action, data });
        }),
      compute: async () => {},
      say: (words) => this.said.push(words),
      linked: false,
      refresh: () => {
        this.wantsNewer = true;
      },
      onState: () => {},
    };
    this.desk = Object.assign(Object.create(MaskDesk.prototype), {
      model: this.model,
      host,
      masks: [],
      cameFrom: new Map(),
      filled: new Set(),
      listed() {},
      banner: {},
      told() {},
    });
    this.desk.keeper = this.desk.makeKeeper({
      wait: (act) => {
        this.timer = act;
        return act;
      },
      cancel: () => {
        this.timer = null;
      },
      name: () => {
        saves += 1;
        return `${name}-${saves}`;
      },
    });
    this.model.leaving = () => this.desk.leave();
    this.model.subscribe((kinds) => {
      if (kinds.includes("data")) this.desk.keeper.open();
    });
    this.drawn("data", "rule");
  }

  /** What the view calls after each frame. */
  drawn(...kinds) {
    this.desk.changed(new Set(kinds));
  }

  state() {
    const { keeper } = this.desk;
    return {
      text: this.model.payload.text_id,
      scores: this.model.payload.scores_id,
      draft: draftOf(this.model),
      kind: keeper.state.kind,
      theirs: keeper.state.theirs ?? null,
      waits: this.timer !== null,
      newer: this.wantsNewer,
      lost: this.model.lost,
      said: this.said.splice(0),
      stored: Object.fromEntries(
        [...this.storage]
          .filter(([key]) => key.startsWith("tokenunlearn.draft."))
          .map(([key, value]) => [key.slice(19), JSON.parse(value)]),
      ),
    };
  }
}

const ACTS = {
  /** A new page in the tab, as after a reload or when other rows are opened. */
  open(tab, { payload }) {
    Object.assign(tab, { asked: new Map(), fresh: [] });
    ACTS.build(tab, { payload });
  },
  build(tab, { payload }) {
    tab.pages += 1;
    tab.page = new Page({ ...tab, name: `${tab.name}.${tab.pages}` }, payload);
  },
  load({ page }, { payload }) {
    page.wantsNewer = false;
    page.model.load(payload);
    page.drawn("data", "rule", "view");
  },
  /** Other rows: this view is left, and a new one built. What the old one has asked is still answered. */
  replace(tab, { payload }) {
    tab.page.desk.leave();
    ACTS.build(tab, { payload });
  },
  override({ page }, { changes }) {
    page.model.override(changes);
    page.drawn("rule");
  },
  rule({ page }, { change }) {
    page.model.setRule(change);
    page.drawn("rule");
  },
  undo({ page }) {
    page.model.undo();
    page.drawn("rule");
  },
  redo({ page }) {
    page.model.redo();
    page.drawn("rule");
  },
  rest({ page }) {
    page.desk.keepWork();
  },
  tick({ page }) {
    const act = page.timer;
    page.timer = null;
    act?.();
  },
  again({ page }) {
    page.desk.keeper.again();
  },
  mine({ page }) {
    page.desk.keeper.takeOver();
  },
  other({ page }) {
    page.desk.keeper.reload();
  },
  both({ page }) {
    page.desk.keepBoth();
  },
  answer({ asked }, { id, value, error }) {
    if (error) asked.get(id)?.reject(new Error(error));
    else asked.get(id)?.resolve(value);
    asked.delete(id);
  },
  look() {},
};

for await (const line of createInterface({ input: process.stdin })) {
  const { tab: name, act, reset, ...given } = JSON.parse(line);
  if (reset) tabs.clear();
  if (!tabs.has(name))
    tabs.set(name, { name, pages: 0, storage: new TabStorage(), page: null, asked: new Map(), fresh: [] });
  const tab = tabs.get(name);
  globalThis.sessionStorage = tab.storage;
  let failure = null;
  try {
    ACTS[act](tab, given);
  } catch (error) {
    failure = error.stack;
  }
  await new Promise((done) => {
    setImmediate(done);
  }); // every promise that can go on has gone on
  tab.page?.drawn("rule");
  process.stdout.write(`${JSON.stringify({ failure, asked: tab.fresh.splice(0), ...tab.page?.state() })}\n`);
}
