"""Tests of the Nuki driver and of its emulator."""
