// RenClient: typed calls to a running engine, over its Unix socket or TCP, for the command line and tests.
//
// Knows: addresses, the token, the key of each request, repeating one once. Must not know: the journal, the engine.
// Start at `Client`; what it can ask for by name is in `Client+calls.swift`.
