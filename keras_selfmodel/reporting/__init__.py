"""Figures, statistics' tables and pages about many runs."""
