"""IAM policies: reading them, and proving what they deny and allow."""
