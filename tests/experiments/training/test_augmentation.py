import keras
import numpy as np
import pytest

from keras_selfmodel.experiments.training.augmentation import Augmentation
from keras_selfmodel.experiments.training.augmented_batches import AugmentedBatches


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(1, 256, (6, 8, 8, 3), dtype=np.uint8)


def apply(images, degrees=0.0, shift=(0, 0), flip=False):
    count = len(images)
    return Augmentation.apply(
        images, degrees=np.full(count, degrees), shifts=np.tile(shift, (count, 1)), flips=np.full(count, flip)
    )


def test_without_change_images_stay_as_they_are(images):
    np.testing.assert_array_equal(apply(images), images)
    np.testing.assert_array_equal(Augmentation(0.0, 0.0, False)(images, np.random.default_rng(0)), images)


def test_quarter_turns_mirrors_and_shifts_are_those_of_numpy(images):
    np.testing.assert_array_equal(apply(images, degrees=90.0), np.rot90(images, axes=(1, 2)))
    np.testing.assert_array_equal(apply(images, degrees=-90.0), np.rot90(images, -1, axes=(1, 2)))
    np.testing.assert_array_equal(apply(images, degrees=180.0), images[:, ::-1, ::-1])
    np.testing.assert_array_equal(apply(images, flip=True), images[:, :, ::-1])
    moved = apply(images, shift=(2, -3))
    np.testing.assert_array_equal(moved[:, 2:, :-3], images[:, :-2, 3:])
    assert not moved[:, :2].any() and not moved[:, :, -3:].any()  # black comes in from outside
    turned_then_moved = apply(images, degrees=90.0, shift=(1, 0), flip=True)
    np.testing.assert_array_equal(turned_then_moved[:, 1:], np.rot90(images[:, :, ::-1], axes=(1, 2))[:, :-1])


@pytest.mark.parametrize("degrees", [-15.0, -4.0, 7.5, 15.0])
def test_small_turns_are_those_of_pillow(degrees):
    image = pytest.importorskip("PIL.Image")
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    turned = np.asarray(image.fromarray(pixels).rotate(degrees, resample=image.Resampling.NEAREST))
    ours = apply(pixels[None], degrees=degrees)[0]
    # Pixels that come from the border between two may be rounded either way.
    assert np.mean(ours == turned) > 0.99


def test_angles_shifts_and_mirrors_cover_their_ranges():
    # One bright pixel far from the center tells how its image was changed.
    images = np.zeros((4000, 21, 21, 1), np.uint8)
    images[:, 10, 18] = 255
    changed = Augmentation(0.0, 0.1, True)(images, np.random.default_rng(0))[..., 0]
    _, rows, columns = np.nonzero(changed)
    assert set(rows) == {8, 9, 10, 11, 12}  # a tenth of 21 is 2.1
    mirrored = columns < 10
    assert abs(mirrored.mean() - 0.5) < 0.03
    assert set(columns[~mirrored]) == {16, 17, 18, 19, 20} and set(columns[mirrored]) == {0, 1, 2, 3, 4}
    changed = Augmentation(15.0, 0.0, False)(images, np.random.default_rng(0))[..., 0]
    number, rows, columns = np.nonzero(changed)
    angles = np.degrees(np.arctan2(10 - rows, columns - 10))
    assert -19 < angles.min() < -12 and 12 < angles.max() < 19 and abs(angles.mean()) < 1


def test_batches_depend_on_seed_epoch_and_number_alone(images):
    def batches(seed=1, epoch=0):
        made = AugmentedBatches(images, np.arange(6), 4, seed, Augmentation(15.0, 0.2, True), np.float32)
        made.epoch = epoch
        return made

    assert len(batches()) == 2
    (x, y), (rest, _) = batches()[0], batches()[1]
    assert (x.shape, x.dtype, rest.shape[0], y.tolist()) == ((4, 8, 8, 3), np.float32, 2, [0, 1, 2, 3])
    np.testing.assert_array_equal(batches()[0][0], x)
    for other in (batches(seed=2), batches(epoch=1)):
        assert not np.array_equal(other[0][0], x)


def test_fit_sees_the_images_of_each_epoch_in_turn(images):
    """Against steps by hand, on the images that each epoch should have; as if resumed after one epoch."""
    labels = np.arange(6) % 2
    augmentation = Augmentation(15.0, 0.2, True)

    def scaled(raw):
        return raw.astype("float32") / 255

    def model():
        made = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(2, name="dense")])
        made.set_weights([np.linspace(-1, 1, 384).reshape(192, 2), np.zeros(2)])
        made.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        return made

    ours, by_hand = model(), model()
    batches = AugmentedBatches(images, labels, 4, 1, augmentation, scaled)
    callbacks = [batches.follow_epochs()]
    ours.fit(batches, epochs=4, initial_epoch=1, shuffle=False, verbose=0, callbacks=callbacks)
    for epoch in (1, 2, 3):
        for number, rows in enumerate((slice(0, 4), slice(4, 6))):
            changed = augmentation(images[rows], np.random.default_rng([1, epoch, number]))
            by_hand.train_on_batch(scaled(changed), labels[rows])
    for trained, wanted in zip(ours.get_weights(), by_hand.get_weights(), strict=True):
        np.testing.assert_allclose(trained, wanted, atol=1e-6)
