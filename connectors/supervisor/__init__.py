"""`tablestore-sync run`: starts the processes of a run, watches them, and starts them again."""
