"""Sizes as people type them."""

import re

from ops.errors import UsageError

UNITS = {
    "": 1,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
}


def parse_bytes(size: str) -> int:
    """Bytes in a size such as `512MiB`, `1.5 GB` or `1000000`. Raises UsageError."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", size.lower())
    if found is None or found[2] not in UNITS or not float(found[1]):
        raise UsageError(f"'{size}' is no size: type one such as 512MiB or 2GiB")
    return round(float(found[1]) * UNITS[found[2]])
