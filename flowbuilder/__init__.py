"""The flow app; its root also holds the wiring of the project (settings, urls, celery, wsgi)."""
