"""Compressed networks of many runs: groups, comparisons, and whether the RLCT predicts their sizes."""

from typing import TYPE_CHECKING

from keras_selfmodel._lazy_room import lazily

if TYPE_CHECKING:
    from keras_selfmodel.studies.compression.comparisons import (
        CompressionComparison,
        EfficiencyVerdict,
        compression_comparisons,
        efficiency_verdicts,
    )
    from keras_selfmodel.studies.compression.compressed_run import COMPRESSION, CURVES, CompressedRun, Compression
    from keras_selfmodel.studies.compression.compressing_runs import compress_runs
    from keras_selfmodel.studies.compression.groups import CompressedGroup, compared_networks, compressed_groups
    from keras_selfmodel.studies.compression.measures import (
        COMPRESSION_MEASURES,
        NETWORK_SIZES,
        RETRAINED_PRUNING,
        CompressionMeasure,
        compressed_rows,
    )
    from keras_selfmodel.studies.compression.predicted_sizes import Association, associations
    from keras_selfmodel.studies.compression.protocol import CompressionProtocol
    from keras_selfmodel.studies.compression.store import stored_compressions

__all__ = [
    "Association",
    "COMPRESSION_MEASURES",
    "RETRAINED_PRUNING",
    "COMPRESSION",
    "CURVES",
    "CompressedGroup",
    "CompressedRun",
    "Compression",
    "CompressionComparison",
    "CompressionMeasure",
    "CompressionProtocol",
    "EfficiencyVerdict",
    "NETWORK_SIZES",
    "associations",
    "compared_networks",
    "compress_runs",
    "compressed_groups",
    "compressed_rows",
    "compression_comparisons",
    "efficiency_verdicts",
    "stored_compressions",
]

__getattr__, __dir__ = lazily(__name__)
