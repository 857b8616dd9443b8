"""What `_internals.tensorflow` relies on."""

import pytest

from tests.internals.contract import contract

pytest.importorskip("tensorflow")


def test_rounding_of_products_is_as_set():
    from keras_selfmodel._internals.tensorflow import rounds_products, set_rounding_of_products

    before = rounds_products()
    with contract("tensorflow", "tensorflow.py", "tf.config.experimental reads and sets TF32"):
        for allowed in (not before, before):
            set_rounding_of_products(allowed)
            assert rounds_products() == allowed
