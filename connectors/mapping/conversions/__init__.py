"""From Python values to the types of Tablestore columns."""
