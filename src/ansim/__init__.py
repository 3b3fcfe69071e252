"""Ansim: the open smart-city safety net."""
