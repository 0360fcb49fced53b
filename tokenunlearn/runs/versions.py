"""Which software a run was made with, read from package metadata so that nothing heavy is imported."""

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Final

PACKAGES: Final = ("torch", "transformers", "peft", "accelerate", "numpy", "pandas")


def versions() -> dict[str, str]:
    """Return name → version of Python, the platform and the packages that decide a result."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
