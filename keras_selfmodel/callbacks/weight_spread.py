"""The weight spread after every epoch."""

import keras

from keras_selfmodel.metrics import weight_spread


class WeightSpread(keras.callbacks.Callback):
    """Adds the spread of the pruned classifier's final kernel to the logs of every epoch.

    The logs, the history and the progress bar get `weight_spread` (the paper's standard deviation),
    `weight_interquartile_range` and `weight_excess_kurtosis`.

    Args:
        output_layer: As for `weight_spread`.

    Reference:
        arXiv 2407.10188, which records the standard deviation after every epoch.

    Example:

    >>> import numpy as np
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    >>> model.compile("sgd", "mse")
    >>> history = model.fit(np.ones((4, 2)), np.ones((4, 3)), verbose=0, callbacks=[WeightSpread()])
    >>> len(history.history["weight_spread"])
    1
    """

    def __init__(self, output_layer: str | None = None) -> None:
        super().__init__()
        self.output_layer = output_layer

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if logs is not None:
            spread = weight_spread(self.model, self.output_layer)
            logs["weight_spread"] = spread.standard_deviation
            logs["weight_interquartile_range"] = spread.interquartile_range
            logs["weight_excess_kurtosis"] = spread.excess_kurtosis
