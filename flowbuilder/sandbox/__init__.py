"""A pretend Klaviyo: OAuth and API in one standalone program.

It shares no code with the product, so that a mistake in the publisher cannot hide in its own test double.
Only the `sandbox` management command and tests may import it; `python -m flowbuilder.sandbox` runs it alone.
"""
