"""Stands in for Python where xdist starts its processes: `-u -c CODE` runs in one split off tests/loaded.py.

It loads nothing, so that it is there at once, and waits for the other: xdist looks at this one.
"""

import json
import os
import socket
import sys

asked = {"program": "-c", "arguments": [sys.argv[-1]], "environment": dict(os.environ), "log": None}
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect(os.environ["TOKENUNLEARN_TESTS_LIBRARIES"])
    socket.send_fds(connection, [(json.dumps(asked) + "\n").encode()], [0, 1, 2])
    with connection.makefile("r") as stream:
        stream.read()  # The other holds the connection until it ends.
