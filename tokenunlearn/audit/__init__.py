"""What a person's marks say of the signals: how far to trust each, which rule fits.

Pure functions of arrays and tables. No figure here is of words that the scorer was fitted on.
"""
