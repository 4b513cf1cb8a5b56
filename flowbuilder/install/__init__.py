"""The guided install of a template flow."""
