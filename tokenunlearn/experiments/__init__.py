"""Arms beside their controls: the same objective, steps and rows, other tokens."""
