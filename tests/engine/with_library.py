"""Runs pytest with another build of the native library: ``python with_library.py LIBRARY TEST...``."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pellucid.engine import native

if __name__ == "__main__":
    native._LIBRARY = Path(sys.argv[1]).resolve()
    loaded = native.library()
    if isinstance(loaded, str):  # without the library its tests would all be skipped, and so pass
        sys.exit(f"{native._LIBRARY}: {loaded}")
    sys.exit(pytest.main(sys.argv[2:]))
