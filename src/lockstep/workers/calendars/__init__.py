"""Pulls iCal feeds."""
