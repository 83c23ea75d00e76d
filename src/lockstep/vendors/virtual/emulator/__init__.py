"""The virtual vendor's cloud and locks. Written from README.md beside it, never from our driver."""
