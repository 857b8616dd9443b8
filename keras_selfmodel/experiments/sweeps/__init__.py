"""Grids of runs: their plan, what computes them, and the table of their results."""
