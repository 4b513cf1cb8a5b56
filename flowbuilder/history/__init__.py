"""Publish history, for admins and everybody's own."""
