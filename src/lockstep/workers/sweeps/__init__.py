"""Retention and late alarms."""
