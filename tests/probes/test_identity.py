import numpy as np
import pytest

from keras_selfmodel._typed_files import DamagedFileError
from keras_selfmodel.probes import (
    IDENTITY,
    IdentityAlongTraining,
    identity_json,
    identity_of,
    identity_reading,
    identity_row,
)
from keras_selfmodel.probes.identity import epoch_identity

# Independent axes with variances 9, 4 and 1: the covariance is diag(9, 4, 1) exactly.
AXES = np.concatenate([np.diag(np.sqrt([27.0, 12.0, 3.0])), -np.diag(np.sqrt([27.0, 12.0, 3.0]))])
VARIANCES = np.array([9.0, 4.0, 1.0])


def test_the_identity_is_found_to_be_the_identity():
    found = identity_of(np.eye(3), np.zeros(3), AXES + 7.0)
    assert found.distance == found.distance_of_live == found.weighted_distance == 0.0
    assert found.alignment is None
    assert found.r2 == 1.0 and found.r2_of_units == (1.0, 1.0, 1.0)
    assert found.eigenvalues == ((1.0, 0.0),) * 3 and found.singular_values == (1.0, 1.0, 1.0)


def test_distances_are_those_of_the_closed_form():
    error = np.array([[0.1, 0.2, 0.0], [0.0, -0.3, 0.5], [0.4, 0.0, 0.0]])
    found = identity_of(np.eye(3) + error, np.zeros(3), AXES)
    columns = (error**2).sum(axis=0)
    assert found.distance == pytest.approx(np.sqrt((error**2).sum() / 3))
    assert found.weighted_distance == pytest.approx(columns @ VARIANCES / 14)
    np.testing.assert_allclose(found.direction_errors, columns)
    assert found.alignment == pytest.approx((columns @ VARIANCES / 14) / columns.mean())
    np.testing.assert_allclose(found.r2_of_units, 1 - (error**2 @ VARIANCES) / VARIANCES)
    np.testing.assert_allclose(found.error_singular_values, np.linalg.svd(error)[1])


def test_a_projection_onto_where_the_activations_vary_has_no_error_that_the_loss_sees():
    """Rank 1 of 3 units: W can be anything off that line."""
    direction = np.array([2.0, 1.0, 2.0]) / 3
    activations = np.outer([1.0, -1.0, 2.0, -2.0], direction)
    found = identity_of(np.outer(direction, direction), np.zeros(3), activations)
    assert found.distance == pytest.approx(np.sqrt(2 / 3))  # the two directions that are lost
    assert found.weighted_distance == pytest.approx(0.0, abs=1e-15)
    assert found.r2 == pytest.approx(1.0)
    assert len(found.direction_errors) == 1
    np.testing.assert_allclose(found.singular_values, [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(sorted(value for value, _ in found.eigenvalues), [0, 0, 1], atol=1e-12)


def test_an_error_that_is_blind_to_directions_has_alignment_one():
    assert identity_of(np.zeros((3, 3)), np.zeros(3), AXES).alignment == pytest.approx(1.0)


def test_a_rotation_has_complex_eigenvalues():
    found = identity_of([[0.0, -1.0], [1.0, 0.0]], np.zeros(2), AXES[:, :2])
    assert {imaginary for _, imaginary in found.eigenvalues} == {1.0, -1.0}
    assert found.distance == pytest.approx(np.sqrt(2.0))


def test_the_bias_costs_r2_and_no_distance():
    found = identity_of(np.eye(3), [3.0, 0.0, 0.0], AXES)
    assert found.weighted_distance == 0.0
    np.testing.assert_allclose(found.r2_of_units, [0.0, 1.0, 1.0], atol=1e-12)  # 1 − 3²/9
    assert found.r2 == pytest.approx(1 - 9 / 14) and found.median_r2 == pytest.approx(1.0)


def test_dead_units_are_left_out_where_the_loss_does_not_see_them():
    activations = np.concatenate([AXES, np.full((6, 1), 2.0)], axis=1)
    weights = np.eye(4)
    weights[:, 3] = 10.0  # as it was drawn: no gradient ever reached it
    found = identity_of(weights, np.zeros(4), activations)
    assert found.distance == pytest.approx(np.sqrt((3 * 100 + 81) / 4))
    assert found.distance_of_live == found.weighted_distance == 0.0
    assert found.r2_of_units[3] is None and len(found.singular_values) == 3


def test_constant_activations_have_nothing_to_predict():
    found = epoch_identity(3, np.ones((4, 2)), np.eye(2), np.zeros(2))
    assert found.identity.weighted_distance is found.identity.r2 is found.identity.median_r2 is None
    assert found.identity.eigenvalues == () and found.activations.dead_units == 2
    assert "do not vary" in identity_reading([found])


@pytest.mark.parametrize(
    ("weights", "bias", "activations", "words"),
    [
        (np.eye(2), np.zeros(2), np.ones((3, 3)), r"\(2, 2\), \(2,\) and \(3, 3\)"),
        (np.ones((2, 3)), np.zeros(2), np.ones((3, 2)), r"\(2, 3\)"),
        (np.eye(2), np.zeros(3), np.ones((3, 2)), r"\(3,\)"),
        (np.eye(2) * np.nan, np.zeros(2), np.ones((3, 2)), "finite"),
    ],
)
def test_what_does_not_fit_is_refused(weights, bias, activations, words):
    with pytest.raises(ValueError, match=words):
        identity_of(weights, bias, activations)


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (np.diag([1.0, 1.0, 0.95]), "is the identity map"),
        (np.diag([1.0, 1.0, 0.2]), "acts like it where activations vary: it gets 4.6 % of their variance wrong"),
        (np.diag([0.0, 1.0, 1.0]), "not even where activations vary: it gets 64 %"),
    ],
)
def test_the_reading_tells_the_identity_from_what_acts_like_it(weights, words):
    assert words in identity_reading([epoch_identity(1, AXES, weights, np.zeros(3))])


def test_the_file_of_a_run_is_read_as_it_was_written_and_names_what_is_wrong(tmp_path):
    with_a_self_model, without = epoch_identity(1, AXES, np.eye(3), np.zeros(3)), epoch_identity(2, AXES, None, None)
    found = IdentityAlongTraining.of([with_a_self_model, without])
    file = tmp_path / "identity.json"
    IDENTITY.write(file, found)
    assert IDENTITY.read(file) == found
    file.write_text(file.read_text().replace('"dead_units": 0', '"dead_units": "none"'))
    with pytest.raises(DamagedFileError, match=r"epochs\[0\].activations.dead_units must be a whole number"):
        IDENTITY.read(file)


def test_the_reading_tells_the_way():
    way = [epoch_identity(0, AXES, np.zeros((3, 3)), np.zeros(3)), epoch_identity(8, AXES, np.eye(3), np.zeros(3))]
    assert "From epoch 0 to 8 the distance of W from I went from 1.00 to 0.00" in identity_reading(way)
    assert [one["epoch"] for one in identity_json(way)["epochs"]] == [0, 8]


def test_a_network_without_self_model_has_activations_alone():
    found = epoch_identity(5, AXES, None, None)
    assert "no self-model" in identity_reading([found])
    row = identity_row(found)
    assert row["distance"] is None and row["participation_ratio"] == pytest.approx(14**2 / (81 + 16 + 1))
