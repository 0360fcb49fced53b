"""A scorer that learns from annotated answers which words state the fact: a linear probe on hidden states.

`words` (tokens to words), `marks` (what a person says is true), `fit` and `scorer` are pure functions of
arrays; `fitted` runs a model over the annotated rows. How far to trust a fit: `tokenunlearn.audit`.
"""
