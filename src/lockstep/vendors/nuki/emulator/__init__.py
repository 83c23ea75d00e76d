"""An emulator of the Nuki Web API, written from the vendor's manual: see README.md beside this file."""
