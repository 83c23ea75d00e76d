"""Describes connected accounts again and again, and sees a disconnection through."""
