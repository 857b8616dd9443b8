"""What a Keras user does with the package, use by use, each with a number; `frame` says how to add one."""
