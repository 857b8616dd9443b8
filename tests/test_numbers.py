"""Numbers are taken whatever they are numbers of, and nothing else is."""

import math
from fractions import Fraction

import keras
import numpy as np
import pytest
from keras import ops

from keras_selfmodel._number_texts import number_text, short_number, short_with_error, with_error
from keras_selfmodel._numbers import number_in, real_number, whole_number
from keras_selfmodel._ranges import NumberRange


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32", "int32", "uint8"])
def test_tensors_of_one_number_are_numbers(dtype):
    found = number_in(ops.cast(3, dtype))
    assert found == 3 and type(found) is (int if "int" in dtype else float)
    assert number_in(keras.Variable(3, dtype=dtype, trainable=False)) == 3
    assert number_in(ops.cast([3], dtype)) is None


def test_a_tensor_that_requires_a_gradient_is_a_number():
    torch = pytest.importorskip("torch")
    for dtype in (torch.float32, torch.bfloat16):
        assert number_in(torch.tensor(0.5, dtype=dtype, requires_grad=True)) == 0.5
    assert number_in(torch.tensor(True)) is None


@pytest.mark.parametrize("value", [2, 2.0, np.int64(2), np.uint8(2), np.float16(2), np.array(2.0), Fraction(4, 2)])
def test_numbers_of_python_and_numpy_are_numbers(value):
    assert whole_number("n", value, 1, 3) == 2 and type(whole_number("n", value, 1)) is int
    assert real_number("n", value, "below 3", lambda n: n < 3) == 2.0
    assert type(real_number("n", value, "below 3", lambda n: n < 3)) is float


@pytest.mark.parametrize("value", [True, np.True_, np.array(True), "2", b"2", None, 1j, [2], (), {}, np.ones(1), int])
def test_what_is_no_number_is_refused(value):
    assert number_in(value) is None
    with pytest.raises(ValueError, match="n must be a whole number, at least 0. Received: n="):
        whole_number("n", value, 0)
    with pytest.raises(ValueError, match="n must be anything. Received: n="):
        real_number("n", value, "anything", lambda n: True)


def test_a_whole_number_that_is_larger_than_any_float_is_refused_as_one():
    with pytest.raises(ValueError, match="n must be anything. Received: n=1000"):
        real_number("n", 10**400, "anything", lambda n: True)


@pytest.mark.parametrize("value", [0, 4, 2.5, 10**400, float("nan"), float("inf"), Fraction(5, 2)])
def test_what_is_no_whole_number_of_a_range_is_refused(value):
    with pytest.raises(ValueError, match="n must be a whole number from 1 to 3. Received: n="):
        whole_number("n", value, 1, 3)


@pytest.mark.parametrize(
    ("numbers", "inside", "outside", "words"),
    [
        (NumberRange(), (0, 1e30), (-1, math.inf, math.nan, "1"), "finite and not negative"),
        (NumberRange(above=True), (1e-30,), (0, math.inf), "finite and positive"),
        (NumberRange(2), (2, 3), (1.9, math.inf), "finite and at least 2"),
        (NumberRange(2, above=True), (2.1,), (2,), "finite and above 2"),
        (NumberRange(0, 1), (0, 1), (-0.1, 1.1, True), "lie in 0 … 1"),
        (NumberRange(0, 1, above=True), (0.1, 1), (0,), "above 0 and at most 1"),
        (NumberRange(1, whole=True), (1, 10**30), (0, 1.5), "a whole number, at least 1"),
        (NumberRange(1, 3, whole=True), (1, 3), (4,), "a whole number from 1 to 3"),
    ],
)
def test_a_range_holds_what_its_schema_says(numbers, inside, outside, words):
    for value in inside:
        assert numbers.check("n", value) == value
    for value in outside:
        with pytest.raises(ValueError, match=words):
            numbers.check("n", value)
    # JSON schema's keywords, by hand.
    schema = numbers.schema
    assert all(schema.get("minimum", -math.inf) <= value <= schema.get("maximum", math.inf) for value in inside)
    assert all(value > schema.get("exclusiveMinimum", -math.inf) for value in inside)
    assert ("exclusiveMinimum" in schema) == numbers.above


def test_the_sign_of_a_number_is_a_minus_and_that_of_its_power_can_be_typed():
    texts = [short_number(-4.36e-5, 3), number_text(-2e5, 1), short_number(1e12, 2)]
    assert texts == ["−4.36e-05", "−2.0e+05", "1e+12"]


def test_what_rounds_to_zero_has_no_minus_and_what_is_no_number_has_no_error():
    assert number_text(-0.004, 2) == "0.00"
    assert with_error(math.nan, 0.5, 1, none="not a number") == "not a number"
    assert short_with_error(None, 0.5) == "–"
