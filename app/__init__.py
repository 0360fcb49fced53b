"""The page: Gradio around `tokenunlearn`. Importing the package itself loads nothing."""
