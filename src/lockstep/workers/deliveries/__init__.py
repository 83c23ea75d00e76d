"""Sends webhooks and messages."""
