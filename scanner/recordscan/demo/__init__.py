"""A made-up company on an embedded AWS and a Twilio stand-in, for the demo and the tests."""
