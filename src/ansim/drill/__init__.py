"""The drill: one exercise incident through the whole system, as the daily self-test."""
