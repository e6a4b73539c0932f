"""What becomes of offers, followed beside the event loop."""
