"""What the tests share: processes, brokers, the local Tablestore, and the ledger that judges."""
