"""Figures for people."""

from keras_selfmodel.reporting.run_figures import run_figures

__all__ = ["run_figures"]
