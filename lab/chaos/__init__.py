"""The kill matrix: every fault of lab/faults, at every step, under everything that may be done about it
afterwards."""
