"""Small data sets that come with the package, so that nothing is downloaded."""

from __future__ import annotations

from refkeras.datasets import iris

__all__ = ["iris"]
