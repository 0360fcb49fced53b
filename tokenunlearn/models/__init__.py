"""Models that can be asked: everything that turns a name or a folder into a `LanguageModel`.

The package itself imports nothing, so that `--help` and the first paint stay free of torch.
"""
