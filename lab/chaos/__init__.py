"""The kill matrix: every fault of lab/faults, at every step, with every recovery."""
