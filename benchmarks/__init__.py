"""What is measured, and against what. Each module prints one JSON line a figure: `make bench` runs them all."""
