"""Figures of merit: arrays go in, numbers come out. No model, no file, no state.

A figure that cannot be formed (no row, one class only) is NaN, never a made-up number; whoever writes
JSON turns NaN into null, "not measured".

scipy.stats, and rouge_score which needs it, are imported by the functions that use them: that takes a
second or two, and the page and each worker would begin with it.
"""
