"""Template flows: what is offered, and their pages."""
