"""What is measured, each figure against its limit within one run; `python -m bench` prints them all."""
