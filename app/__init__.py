"""The page: Gradio around `tokenunlearn`. Importing the package itself loads nothing."""

from app.quick_gradio import leave_stubs_alone

leave_stubs_alone()
