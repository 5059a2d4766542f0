"""`python -m causalcluster`."""

from causalcluster.cli import main

if __name__ == "__main__":
    main()
