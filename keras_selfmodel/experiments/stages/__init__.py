"""The stages of one run, in their order: claim the folder, build, train, measure, conclude."""
