/**
 * What the server's registry says of a signal, and the menus that follow from it; no signal is named here.
 * Pure.
 */

/**
 * Returns what is said of a signal, whether it has a column or is only offered; {} of one that nobody
 * declares.
 */
export function entryOf(payload, name) {
  return payload.signals[name] ?? payload.offered?.[name] ?? {};
}

/** Returns the name of a signal in a menu of its family. */
export function sourceLabel({ payload }, name) {
  const { short, label } = entryOf(payload, name);
  return short ?? label ?? name;
}

/**
 * Returns the signal whose numbers a signal has in a row: without a name, a mask of the name is another mask.
 */
export function sourceIn({ payload }, row, name) {
  return (row?.masking === "prompt" && entryOf(payload, name).nameless) || name;
}

/**
 * Returns the menu of what may stand for "knowledge" or "entropy": families with their signals, in the order
 * of the registry; `missing` are those that would be computed, `lacks` says what one needs that is not there.
 * What the rule has is always there.
 * @returns {{label: string, sources: {name: string, label: string, help: string, missing: boolean,
 *   lacks: string}[]}[]}
 */
export function menuOf(model, role) {
  const { payload, signals, rule } = model;
  const families = Object.entries(payload.families ?? {}).filter(([, { roles }]) => roles.includes(role));
  // What the part is called after comes first.
  families.sort(([one], [other]) => Number(other === role) - Number(one === role));
  const lacks = (name) => payload.lacking?.[name] ?? "";
  const source = (name, missing) => ({
    name,
    label: sourceLabel(model, name),
    help: entryOf(payload, name).help ?? "",
    missing,
    lacks: lacks(name),
  });
  const groups = families
    .map(([, { label, signals: members }]) => ({
      label,
      sources: members
        .filter((name) => signals.includes(name) || name in (payload.offered ?? {}))
        .map((name) => source(name, !signals.includes(name))),
    }))
    .filter(({ sources }) => sources.length > 0);
  const there = groups.some(({ sources }) => sources.some(({ name }) => name === rule[role]));
  return there || !signals.includes(rule[role])
    ? groups
    : [...groups, { label: "Of this rule", sources: [source(rule[role], false)] }];
}
