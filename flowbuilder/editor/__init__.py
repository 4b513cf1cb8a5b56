"""The htmx interface of one flow: canvas, inspector, outline, acts."""
