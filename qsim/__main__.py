"""``python -m qsim``: the command ``qsim``, where its folder is not on the path."""

from qsim.cli import main

if __name__ == "__main__":
    main()
