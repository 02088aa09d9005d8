"""Reads the ledger and the control rows, so that a history can be made of them."""
