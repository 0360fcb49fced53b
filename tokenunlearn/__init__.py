"""TokenUnlearn Explorer, the library: see which tokens carry a fact, choose, unlearn, probe what is left.

Axis words in tensor shapes, five only: `batch tokens vocab layers hidden`.

    from tokenunlearn.data.demo import demo_rows
    from tokenunlearn.models.loading import load_model
    from tokenunlearn.scoring import ScoreConfig, score

    model = load_model(None)
    table = score(model, demo_rows("shared_forget"), ScoreConfig())
"""

__version__ = "0.1.0"
