"""TOFU with public annotations: text that none of us wrote, and what our signals make of it."""
