"""For whoever runs the machine: health, metrics, and the count of what is answered. Knows no workspace."""
