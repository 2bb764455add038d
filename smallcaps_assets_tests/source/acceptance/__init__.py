"""Acceptance of a service: the same cases asked of the emulator and of the vendor, by plain HTTP."""
