"""The page: Gradio around `tokenunlearn`. Importing the package loads no Gradio, and lets it load quickly."""

from app.quick_gradio import leave_stubs_alone

leave_stubs_alone()
