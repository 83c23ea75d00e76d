"""`lockstep demo`: a story at three emulated doors, told by what opened. Everything in one process."""
