"""`python -m ninefold` is `ninefold`."""

from ninefold.cli import main

if __name__ == "__main__":  # the processes of `run --dask local` import this
    main()
