"""Measurements: what a promise costs, on this machine. Never run by `make test`; `make bench` writes
bench/results/."""
