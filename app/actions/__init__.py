"""Actions: what a tab can do, as plain functions of the service. No Gradio.

Every input is checked as if it came from anyone.
"""
