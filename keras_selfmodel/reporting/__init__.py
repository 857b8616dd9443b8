"""Figures, tables and the report of many runs."""

from keras_selfmodel.reporting.control_figures import control_figures, frontier_figure
from keras_selfmodel.reporting.figure_files import FORMATS, figure_bytes, write_figure
from keras_selfmodel.reporting.identity_figure import identity_figure
from keras_selfmodel.reporting.observer_figure import observer_figure
from keras_selfmodel.reporting.report import report_html
from keras_selfmodel.reporting.sweep_figures import Panel, panels, sweep_figures

__all__ = [
    "FORMATS",
    "Panel",
    "control_figures",
    "figure_bytes",
    "frontier_figure",
    "identity_figure",
    "observer_figure",
    "panels",
    "report_html",
    "sweep_figures",
    "write_figure",
]
