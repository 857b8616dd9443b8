"""The RLCT at checkpoints along training."""

from typing import Any, Unpack

import keras

from keras_selfmodel._numbers import whole_number
from keras_selfmodel.rlct import RLCTEstimate, SamplingSettings, estimate_rlct
from keras_selfmodel.rlct.data import Samples, TrainingData, samples_of
from keras_selfmodel.rlct.sampling_changes import EstimateArguments, check_keywords


class RLCT(keras.callbacks.Callback):
    """Estimates the RLCT of the pruned classifier every few epochs.

    All epochs are measured at the same nβ and γ, so that the points can be compared: unless these are given, those of
    the first estimate.

    The logs, the history and the progress bar get `rlct` and `rlct_std_error`; between estimates they are NaN, because
    Keras's history has an entry for every epoch, and so are those of an estimate that is not to be used.

    Args:
        data: The training samples, as passed to `fit`; see `estimate_rlct`. They are read once, when training begins.
        every: Number of epochs between estimates, ≥ 1. The last epoch is always measured.
        settings: As for `estimate_rlct`.
        **arguments: Its fields, and further arguments of `estimate_rlct`, such as `weights="logits"`.
            `anchor="descend"` measures at a minimum near the current weights, which are themselves no minimum.

    Attributes:
        inverse_temperature: nβ of all estimates; `None` before the first.
        localization: γ of all estimates; `None` before the first.
        estimates: The estimate of each epoch measured, by its number, counted from 0.

    Raises:
        TypeError: If a keyword is unknown.
        ValueError: If `every` is not a whole number above 0; from `estimate_rlct`, if the data do not fit.

    Reference:
        Lau et al., arXiv 2308.12108, and Hoogland et al., arXiv 2402.02364, on the RLCT along training.

    Example:

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(512, 3))
    >>> y = x @ [1.0, -1.0, 2.0] + rng.normal(size=512)
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    >>> model.compile("adam", "mse")
    >>> rlct = RLCT((x, y), every=2, anchor="descend", burn_in=200, num_draws=1000)
    >>> history = model.fit(x, y, epochs=3, verbose=0, callbacks=[rlct])
    >>> sorted(rlct.estimates)
    [1, 2]
    """

    def __init__(
        self,
        data: TrainingData,
        *,
        every: int = 1,
        settings: SamplingSettings | None = None,
        **arguments: Unpack[EstimateArguments],
    ) -> None:
        super().__init__()
        check_keywords(estimate_rlct, arguments, "callbacks.RLCT")
        if data is None:
            raise ValueError(
                "callbacks.RLCT needs data as fit takes them: (x, y), a data set or a loader. Received: None"
            )
        self.data = data
        self.every = whole_number("every", every, 1)
        self.settings = settings
        names = ("class_weight", "num_samples", "memory_limit")
        self._reading: dict[str, Any] = {name: value for name, value in arguments.items() if name in names}
        self.arguments: dict[str, Any] = {name: value for name, value in arguments.items() if name not in names}
        self._samples: Samples | None = None
        self._forget()

    def _forget(self) -> None:
        self.estimates: dict[int, RLCTEstimate] = {}
        self.inverse_temperature: float | None = None
        self.localization: float | None = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._forget()
        self._samples = samples_of(self.data, **self._reading)

    def on_train_end(self, logs: dict | None = None) -> None:
        self._samples = None

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        value = std_error = float("nan")
        if (epoch + 1) % self.every == 0 or epoch + 1 == self.params.get("epochs"):
            fixed = {}
            if self.estimates:
                fixed = {"inverse_temperature": self.inverse_temperature, "localization": self.localization}
            estimate = estimate_rlct(
                self.model, self._samples, settings=self.settings, **{"verbose": 0, **self.arguments, **fixed}
            )
            self.estimates[epoch] = estimate
            self.inverse_temperature, self.localization = estimate.inverse_temperature, estimate.localization
            if estimate.is_usable:
                value, std_error = estimate.value, estimate.std_error
        if logs is not None:
            logs["rlct"], logs["rlct_std_error"] = value, std_error
