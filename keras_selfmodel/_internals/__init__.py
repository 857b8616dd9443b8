"""Parts of libraries that may change without notice, but that this package needs: one file for each library.

`wrappers.py` is about several: whichever made them, what is called in the end is found the same way.

Nothing else in the package reads an attribute of a library's object, or imports a module of it, that the library calls
private or experimental. `tests/internals/` has a test for each piece, which says in a sentence what the library
changed.
"""
