import pytest

from keras_selfmodel.compression import CompressionCurve, CurvePoint, LossAndAccuracy


def curve(*points, name="made up") -> CompressionCurve:
    return CompressionCurve(name, "size", tuple(CurvePoint(*point) for point in points))


FALLING = curve((1.0, 0.20, 0.95), (0.5, 0.15, 0.96), (0.25, 0.22, 0.945), (0.1, 0.52, 0.80))


@pytest.mark.parametrize(
    ("rise", "amount"),
    # Straight lines: from a rise of −0.05 at 0.5 to one of 0.02 at 0.25, and from there to one of 0.32 at 0.1.
    [(0.01, 0.5 - 0.25 * 6 / 7), (0.1, 0.25 - 0.15 * 0.08 / 0.30), (0.32, 0.1), (0.33, None)],
)
def test_the_amount_at_a_rise_lies_on_the_line_between_points_and_never_beyond_the_last(rise, amount):
    assert FALLING.at_rise(rise) == (None if amount is None else pytest.approx(amount))


def test_the_amount_at_a_fall_of_the_accuracy_is_the_same_of_accuracies():
    # From 0.5 points below at 0.25 to 15 points below at 0.1.
    assert FALLING.at_fall(0.01) == pytest.approx(0.25 - 0.15 * 0.5 / 14.5)
    assert FALLING.at_fall(0.2) is None
    assert curve((1.0, 0.2, None), (0.5, 1.0, None)).at_fall(0.01) is None


def test_the_first_of_several_crossings_counts():
    there_and_back = curve((1.0, 0.0, None), (0.5, 1.0, None), (0.4, 0.0, None), (0.2, 1.0, None))
    assert there_and_back.at_rise(0.5) == pytest.approx(0.75)


def test_a_loss_that_is_no_number_lies_beyond_any_rise_and_nothing_is_interpolated_towards_it():
    assert curve((0.0, 0.2, 0.9), (1.0, 0.21, 0.9), (2.0, None, 0.1)).at_rise(0.1) == 1.0
    with pytest.raises(ValueError, match="its training diverged"):
        curve((0.0, None, 0.1))


@pytest.mark.parametrize("amounts", [(1.0, 0.5, 0.7), (0.0, 1.0, 0.5), ()])
def test_amounts_must_rise_or_fall_throughout(amounts):
    with pytest.raises(ValueError, match="rise or fall throughout"):
        curve(*((amount, 0.1, None) for amount in amounts))


def test_refining_finds_the_rise_of_a_parabola():
    def score(amount):
        return LossAndAccuracy(amount**2, None)

    refined = curve((0.0, 0.0, None), (1.0, 1.0, None)).refined(score, (0.1,), steps=12)
    assert refined.at_rise(0.1) == pytest.approx(0.1**0.5, abs=1e-4)  # 12 halvings: 2⁻¹²
