"""What is wrong with a user's recipe file, or with a file that it names."""


class RecipeFileError(ValueError):
    """A recipe file cannot be used: the message says where and why, and what is possible."""
