"""What the commands print: tables for people that fit 80 columns, and JSON for programs."""
