"""The native REST API, /v1: one file per noun."""
