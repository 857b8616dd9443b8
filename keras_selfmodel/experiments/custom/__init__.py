"""Tasks of the user's own: recipe files, their data and their networks."""
