"""Views: tables and run folders become the JSON that a component shows. No Gradio, no model."""
