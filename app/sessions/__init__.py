"""What is open on the page: a session is a model with rows; its scores lie on a shelf.

From the ground up: `session` (what was asked for), `load` (how far its opening has come), `shelf` (scores as
shown), `opening` (the work that opens one), `sessions` (which is open, which is on its way).
"""
