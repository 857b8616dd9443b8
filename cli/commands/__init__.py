"""One module a command: it reads its options, calls the package and prints. Each is named like its command."""
