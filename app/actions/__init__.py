"""Actions: what a tab can do, as plain functions of the service. No Gradio; every input is checked as if public."""
