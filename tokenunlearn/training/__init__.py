"""Training: one loop as a generator of events, its checkpoints, its guard and its reference."""
