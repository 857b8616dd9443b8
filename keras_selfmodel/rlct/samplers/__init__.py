"""The samplers: each a class in a file of its own, with the interface of `Sampler`."""

from typing import Literal

from keras_selfmodel.rlct.samplers.mala import MALA
from keras_selfmodel.rlct.samplers.rmsprop_sgld import RMSpropSGLD
from keras_selfmodel.rlct.samplers.sampler import Position, Sampler, Step
from keras_selfmodel.rlct.samplers.sgld import SGLD
from keras_selfmodel.rlct.samplers.sgnht import SGNHT
from keras_selfmodel.rlct.samplers.underdamped import Underdamped

# A new sampler is one short file, and its name here and there.
SamplerName = Literal["underdamped", "sgld", "rmsprop", "sgnht", "mala"]
SAMPLERS: dict[str, type[Sampler]] = {
    "underdamped": Underdamped,
    "sgld": SGLD,
    "rmsprop": RMSpropSGLD,
    "sgnht": SGNHT,
    "mala": MALA,
}

__all__ = [
    "MALA",
    "SAMPLERS",
    "SGLD",
    "SGNHT",
    "Position",
    "RMSpropSGLD",
    "Sampler",
    "SamplerName",
    "Step",
    "Underdamped",
]
