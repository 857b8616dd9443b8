"""Grids of runs: their plan, who computes them, and the table of their results."""
