"""What benchmarks/rlct_speed.py compares: networks, devinterp, and when chains are known to have settled."""
