/** What a run's button does and looks like. Which buttons there are is decided by state.json alone, in Python. Pure. */

const ACTS = {
  "Cancel": { action: "discard", kind: "plain" },
  "Pause and save": { action: "pause", kind: "plain" },
  "Stop and keep": { action: "stop", kind: "plain" },
  "Force stop": { action: "force", kind: "plain", sure: "Stop without saving?" },
  "Discard…": { action: "discard", kind: "quiet", sure: "Discard it for good?" },
  "Resume": { action: "resume", kind: "leading" },
  "Keep as is": { action: "keep", kind: "plain" },
  "Probe": { action: "probe", kind: "leading" },
  "Compare": { action: "compare", kind: "plain" },
  "Run again with changes": { action: "again", kind: "quiet" },
  "Edit settings": { action: "again", kind: "plain" },
  "Copy error": { action: "copy", kind: "quiet" },
};

/**
 * Returns `{label, action, kind, sure?}` for each label that tokenunlearn/runs/states.py offers;
 * `sure` is the question of a button that asks before it acts. Unknown labels are left out.
 * @param {string[]} labels
 */
export function runButtons(labels) {
  return labels.flatMap((label) => {
    const act = label.startsWith("Resume from") ? ACTS.Resume : ACTS[label];
    return act ? [{ label, ...act }] : [];
  });
}

/** Returns whether the run may still change by itself. */
export function isLive(state) {
  return ["queued", "running", "pausing", "stopping"].includes(state);
}
