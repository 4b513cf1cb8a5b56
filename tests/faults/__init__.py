"""The real stack, broken on purpose: `make faults`. The short form is test_short.py."""
