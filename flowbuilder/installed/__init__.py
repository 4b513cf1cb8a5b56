"""What became of a flow in its account: how it differs, what a version would change, all copies at once."""
