"""The entry point of ``gcore-emulator`` and of ``python -m gcore_emulator``."""

from gcore_emulator.command import main

if __name__ == "__main__":
    main()
