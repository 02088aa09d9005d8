"""Names of the ledger's documents about comparisons."""

from __future__ import annotations


def compared(epoch: int, table: str) -> str:
    """The ledger's name for what a comparison of this table found in this epoch."""
    return f"comparison/{epoch}/{table}"
