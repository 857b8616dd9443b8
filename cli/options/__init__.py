"""Options that several commands share, and what their values mean: one meaning for each name."""
