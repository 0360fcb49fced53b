/** What a unit is, in plain words, where it first stands on a tab. Pure. */

/** Beside a number in nats. */
export const NAT_SHORT = "1 nat: a factor of 2.7 in probability";

/** In a list of terms. */
export const NAT = [
  "Nat",
  "A step of a factor of 2.7 in probability. A token at −1 nat is said about every third time, at −3 every twentieth, at 0 always.",
];

/** Returns whether a unit is one in nats. */
export const isInNats = (unit) => (unit ?? "").startsWith("nats");
