"""Custom tasks: recipe files, their data and their networks."""
