"""Layers that draw random numbers, saved with where these stand."""

import keras


class SavesItsSeed:
    """Mixed into a layer with a `seed_generator`: saves where its random numbers stand, which Keras does not."""

    seed_generator: keras.random.SeedGenerator

    def save_own_variables(self, store: dict) -> None:
        store["seed_state"] = keras.ops.convert_to_numpy(self.seed_generator.state)

    def load_own_variables(self, store: dict) -> None:
        self.seed_generator.state.assign(store["seed_state"])
