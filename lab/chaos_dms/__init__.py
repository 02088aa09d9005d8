"""Faults of a DMS task: real servers, a real task under writes, something breaks, and the rows are compared
afterwards."""
