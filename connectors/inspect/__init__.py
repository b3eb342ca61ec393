"""What is in the topics, and what would become of it: samples, previews, guesses."""
