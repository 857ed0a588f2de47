// RenAPI: what the service and its clients say to each other, as values: problems, requests, messages of a stream.
//
// Knows: names of members, statuses, codes, and how they are written as JSON. Must not know: the journal, the engine,
// HTTP libraries, sockets. Start at `Problem`.
