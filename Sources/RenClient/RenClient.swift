// RenClient: typed calls to a running service, over its Unix socket or TCP, for the command line and tests.
//
// Knows: addresses, the token, repeating a request once under the same key. Must not know: the journal, the engine.
// Start at `Client`.
