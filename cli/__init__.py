"""The command line program `ksm`. Nothing here imports Keras before a command runs."""
