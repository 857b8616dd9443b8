"""How networks are fed and trained, one alone or many by one program."""
