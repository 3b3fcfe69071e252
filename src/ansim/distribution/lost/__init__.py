"""The LoST server (RFC 5222): who answers for this place, in the standard's own protocol."""
