"""Replay: dead letters become records again."""
