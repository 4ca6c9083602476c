"""Fuzz runs that hold the reader of files, the client and the emulator to what they promise."""
