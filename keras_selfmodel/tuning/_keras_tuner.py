"""keras-tuner, or a word on how to get it."""

try:
    import keras_tuner
except ImportError as error:
    raise ImportError("Tuning needs keras-tuner: pip install 'keras-selfmodel[tune]'") from error

__all__ = ["keras_tuner"]
