"""Dead letters: the error policy, their headers, and where they go."""
