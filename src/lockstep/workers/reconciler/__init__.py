"""One write domain, one pass: makes what is on the locks equal to what was declared."""
