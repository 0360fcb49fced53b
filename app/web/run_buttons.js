/** What a run offers and says, as a function of its state.json alone (never of what was clicked here). Pure. */

const DISCARD = { action: "discard", label: "Discard…", sure: "Discard it for good?", kind: "quiet" };
const LOOK = [
  { action: "probe", label: "Probe", kind: "primary" },
  { action: "compare", label: "Compare", kind: "plain" },
  { action: "again", label: "Run again with changes", kind: "quiet" },
];
const FORCE_AFTER_SECONDS = 30;

const BUTTONS = {
  queued: [{ action: "cancel", label: "Cancel", kind: "plain" }],
  running: [
    { action: "pause", label: "Pause and save", kind: "plain" },
    { action: "stop", label: "Stop and keep", kind: "plain" },
    DISCARD,
  ],
  paused: [
    { action: "resume", label: "Resume", kind: "primary" },
    { action: "keep", label: "Keep as is", kind: "plain" },
    DISCARD,
  ],
  finished: LOOK,
  kept: LOOK,
};

/**
 * Returns the buttons of a run: `{action, label, kind, sure?}`; `sure` asks a second time before it acts.
 * @param {{state: string, step: number, waiting_seconds?: number}} run
 */
export function runButtons(run) {
  if (run.state === "interrupted") return BUTTONS.paused;
  if (run.state === "pausing" || run.state === "stopping") {
    const late = (run.waiting_seconds ?? 0) > FORCE_AFTER_SECONDS;
    return late ? [{ action: "force", label: "Force stop", sure: "Stop without saving?", kind: "plain" }] : [];
  }
  if (run.state === "failed" || run.state === "diverged") return afterTrouble(run);
  return BUTTONS[run.state] ?? [];
}

function afterTrouble(run) {
  const resume = { action: "resume", label: `Resume from step ${run.saved_step}`, kind: "plain" };
  return [
    ...(run.saved_step > 0 ? [resume] : []),
    { action: "again", label: "Edit settings", kind: "plain" },
    { action: "copy", label: "Copy error", kind: "quiet" },
    DISCARD,
  ];
}

/**
 * Returns one sentence on where the run stands.
 * @param {{state: string, step: number, steps: number, ahead?: number, eta?: number, message?: string}} run
 */
export function runText(run) {
  const place = `step ${run.step} of ${run.steps}`;
  const told = run.message ? `: ${run.message}` : "";
  switch (run.state) {
    case "queued": return run.ahead > 0 ? `waiting, ${run.ahead} ahead of it` : "starting";
    case "running": return run.step === 0 ? told.slice(2) || "getting ready" : place + eta(run.eta);
    case "pausing": return `pausing, saving at step ${run.step}`;
    case "stopping": return `stopping, saving at step ${run.step}`;
    case "paused": return `paused, usable, ${place}`;
    case "interrupted": return `the worker died at step ${run.step}; usable from its last checkpoint`;
    case "finished": return `finished, ${place}${told}`;
    case "kept": return `stopped and kept, usable, ${place}`;
    case "diverged": return `stopped by the guard at step ${run.step}${told}`;
    case "failed": return `failed at step ${run.step}${told}`;
    default: return run.state;
  }
}

/** Returns whether the run may still change by itself. */
export function isLive(state) {
  return ["queued", "running", "pausing", "stopping"].includes(state);
}

function eta(seconds) {
  if (!Number.isFinite(seconds)) return "";
  if (seconds < 90) return `, about ${Math.max(1, Math.round(seconds))} s left`;
  return `, about ${Math.round(seconds / 60)} min left`;
}
