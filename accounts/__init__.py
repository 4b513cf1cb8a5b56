"""Who is using the site, which Klaviyo accounts they joined, and the only HTTP to Klaviyo."""
