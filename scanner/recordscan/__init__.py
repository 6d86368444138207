"""recordscan: a read-only compliance scanner for Twilio Video recordings kept in the customer's own S3 bucket."""

__version__ = "0.1.0"
