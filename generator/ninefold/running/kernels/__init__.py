"""Kernels: the processes that notebooks' code runs in, forked from one that has imported a lot."""
