"""The emails of a workspace: a list, an editor with a live preview, a test email."""
