"""What all pages share, whoever they are for: the frame, headers, words, and how a fault is told. Knows no page."""
