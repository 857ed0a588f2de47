// RenJournal: the ordered, durable, provable store of all events of one data directory.
//
// Knows: the tables and their keys, the record of an event byte by byte, both hash chains, the one writer and its group
// commit, the projections (rows folded from events in the same commit), reading, feeds, verification, pruning, the data
// directory and the lock that makes a process its engine. It alone imports LMDB.
// Must not know: what a flow means, what follows from an event (`RenCore` decides, `RenEngine` acts), workers, HTTP,
// the time of day (times stand in the events), Foundation.
//
// Start at `Journal` (the protocol) and `Batch`, then `StoreJournal` and `JournalWriter` (one commit), `RecordCodec`
// (the bytes), `ProjectionFold` (the rows), `JournalView` (reading), `LMDBJournal` (opening), `Verifier`,
// `Retention` and `Pruner`. The stored bytes are drawn in `RenJournal.docc`.
//
// `Store` is a small seam over an ordered key-value store with transactions. LMDB and an in-memory table stand behind
// it, so the two journals are one code above it and cannot disagree.
