"""Faults of a DMS task: real servers, a real task under writes, then a comparison of the rows."""
