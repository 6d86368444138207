"""The estate: the typed view of a snapshot, and the joins between Twilio and AWS."""
