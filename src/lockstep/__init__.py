"""Lockstep keeps what is on every lock equal to what was declared, and can prove it."""
