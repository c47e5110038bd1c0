"""Who executes notebooks on other machines: the workers of a Dask scheduler."""
