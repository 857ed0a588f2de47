// LMDB: Swift over liblmdb, safe by construction.
//
// Knows: one memory-mapped environment per directory, its tables, transactions lent to closures, keys in big-endian
// bytes, what a returned error means, which directories and file systems are unfit, and a lock file of its own kind.
// Must not know: ren, events, records, JSON, Foundation.
//
// Start at `Environment` (opening), then `Environment.read` and `Environment.write`, `Readable` (what both
// transactions can do), `WriteTransaction`, `Cursor`, `Key`. `CommitFailure` says what a failed commit means.
//
// A transaction never leaves its closure, is never copied, and cannot be reached from `async` code. Bytes are lent as
// `RawSpan`, which the compiler keeps inside the closure: they point into the map and move with the next write. Writing
// is `mutating`, so nothing can be written while bytes or a cursor are lent.
