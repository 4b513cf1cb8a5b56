"""Rollouts: one version to many accounts."""
