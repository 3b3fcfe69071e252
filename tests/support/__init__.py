"""What several tests need: made-up events, nodes without a network, private servers."""
