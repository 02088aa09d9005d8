"""What a gate can be answered with, and the checksum by which an acting task knows what was approved."""

from __future__ import annotations

import hashlib
import json

PROCEED, ROLL_BACK, PROMOTE = "Proceed", "Roll back", "Promote"
ACCEPT_WARNINGS = "accept_warnings"


def checksum(shown: object) -> str:
    """SHA-256 of what a person approves; the acting task computes it again over what is there then."""
    return hashlib.sha256(json.dumps(shown, sort_keys=True, default=str).encode()).hexdigest()
