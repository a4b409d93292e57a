"""Fake providers that speak each provider's real wire format, so that adapters run against them unchanged.

They play the other side of the network: they import no adapter, keep a ledger of everything they took and told, and
misbehave on demand. They are for demonstrations and tests on a loopback address, and guard nothing.
"""
