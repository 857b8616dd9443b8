import numpy as np
import pytest

from keras_selfmodel.compression import CORRUPTIONS, corrupted, corruption_curve

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 12, 10, 2), dtype=np.uint8)
IMAGES[0, 0, 0] = 0, 255


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_a_corruption_is_drawn_by_its_seed_keeps_the_range_and_is_nothing_at_strength_0(kind):
    once, again, other = (corrupted(IMAGES, kind, 0.4, seed=seed) for seed in (1, 1, 2))
    strong = corrupted(IMAGES, kind, 3.0, seed=1)
    assert (once == again).all() and once.dtype == np.float32 and once.shape == IMAGES.shape
    assert 0 <= strong.min() and strong.max() <= 255 and (strong != IMAGES).any()
    assert (corrupted(IMAGES, kind, 0.0) == IMAGES).all()
    assert (once == other).all() == (kind in ("blur", "shift"))  # a shift by 0.4 pixels is none


def test_noise_has_its_strength_in_units_of_the_range():
    noisy = corrupted(np.concatenate([np.full((50_000, 1), 0.5), [[0.0], [1.0]]]), "noise", 0.1)
    assert noisy[:50_000].std() == pytest.approx(0.1, rel=0.02)  # 50,000 draws: 0.3 %


def test_a_blur_is_the_product_with_a_gaussian():
    image = np.zeros((1, 21, 21, 1), np.float32)
    image[0, 10, 10] = 1
    distances = np.arange(-10, 11)
    gaussian = np.exp(-(distances**2) / 2) / np.exp(-(distances**2) / 2).sum()
    np.testing.assert_allclose(corrupted(image, "blur", 1.0)[0, ..., 0], np.outer(gaussian, gaussian), atol=1e-4)


def test_a_shift_moves_every_image_by_so_many_pixels():
    image = np.zeros((30, 21, 21, 1), np.float32)
    image[:, 10, 10] = 1
    moved = np.argwhere(corrupted(image, "shift", 5.0)[..., 0])
    assert len(moved) == 30
    distances = np.hypot(*(moved[:, 1:] - 10).T)
    assert (abs(distances - 5) <= 0.71).all() and len(np.unique(moved[:, 1:], axis=0)) > 10  # rounding: √½


def test_a_shift_brings_in_the_smallest_value():
    image = np.ones((1, 4, 4, 1), np.float32)
    image[0, 0, 0] = -1
    assert (corrupted(image, "shift", 8.0) == -1).all()


def test_a_square_hides_its_part_of_every_image():
    hidden = corrupted(np.stack([np.zeros((20, 20, 1)), np.ones((20, 20, 1))]), "occlusion", 0.5)
    assert [(one == 0.5).sum() for one in hidden] == [100, 100]
    rows, columns = np.nonzero(hidden[0, ..., 0])
    assert np.ptp(rows) == np.ptp(columns) == 9


def test_what_are_no_images_is_refused():
    with pytest.raises(ValueError, match=r"kind='blur' needs images .* shape \(2, 3\)"):
        corrupted(np.ones((2, 3)), "blur", 1.0)
    with pytest.raises(ValueError, match="must not be negative"):
        corrupted(np.ones((2, 3)), "noise", -1.0)


def test_the_curve_is_that_of_the_network_on_corrupted_inputs(network, data, forward, model):
    curve = corruption_curve(network, 10 * data[0], "noise", amounts=(0.0, 0.2), seed=4, prepare=lambda x: x / 10)
    noisy = corrupted(10 * data[0], "noise", 0.2, seed=4) / 10
    assert curve.points[0].loss == pytest.approx(network.score().loss, rel=1e-6)
    assert curve.points[1].loss == pytest.approx(forward(model.get_weights(), noisy)[0], rel=1e-4)
