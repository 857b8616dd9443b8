"""Names of the number formats that networks compute in."""

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
"""Keras's dtype policies for networks whose weights are float32. The mixed ones compute in half precision; with
mixed_float16 `compile` scales the loss, so that small gradients do not vanish."""
