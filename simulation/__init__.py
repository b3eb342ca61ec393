"""The connector in a simulated world: virtual time, one thread, one seed.

The source, decoding, mapping, batchers, sink and dead letters are the real ones. The engine, the
brokers and the service behind them are simulated, and so is everything that can go wrong.
"""
