"""Runs: a directory per run, one worker process at a time, a visible queue. No torch outside `job.py`."""
