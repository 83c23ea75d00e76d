"""One suite that every vendor's driver passes, gated by capability. Knows no vendor and no emulator by name."""
