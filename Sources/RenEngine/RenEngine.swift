// RenEngine: carries runs from event to event.
//
// Knows: mailboxes (one per run), the command interpreter, timers, map sources, recovery, run logs. All of it belongs
// to the actor `Engine`, which has a thread of its own, so reading the journal there blocks nobody.
// Must not know: HTTP, the command line, how a journal stores or how a worker is spoken to.
// Start at `Engine`, then `Mailbox`: admit → fold → decide on a working state, one batch, and effects after its commit.
