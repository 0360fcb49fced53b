"""Files in, rows out: `rows` says what a row is, `files` reads them, `demo` has our own."""
