"""Who executes notebooks on this machine: processes, their kernels, their limits."""
