"""Figures, tables and the report of many runs."""

from typing import TYPE_CHECKING

from keras_selfmodel._lazy_room import lazily

if TYPE_CHECKING:
    from keras_selfmodel.reporting.figure_files import FORMATS, figure_bytes, write_figure
    from keras_selfmodel.reporting.figure_of_compression import compression_figure
    from keras_selfmodel.reporting.figure_of_identity import identity_figure
    from keras_selfmodel.reporting.figure_of_learning import learning_figure
    from keras_selfmodel.reporting.figure_of_observers import observer_figure
    from keras_selfmodel.reporting.figures_of_controls import control_figures, frontier_figure
    from keras_selfmodel.reporting.figures_of_sweeps import Panel, panels, sweep_figures
    from keras_selfmodel.reporting.report import report_html, write_runs

__all__ = [
    "FORMATS",
    "Panel",
    "compression_figure",
    "control_figures",
    "figure_bytes",
    "frontier_figure",
    "identity_figure",
    "learning_figure",
    "observer_figure",
    "panels",
    "report_html",
    "sweep_figures",
    "write_figure",
    "write_runs",
]

__getattr__, __dir__ = lazily(__name__)
