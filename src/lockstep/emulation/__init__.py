"""What emulators share: virtual clock, door, faults, journal, control surface."""
