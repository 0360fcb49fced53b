"""Tabs: layout and wiring, no arithmetic."""
