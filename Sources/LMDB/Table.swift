/// One named table of an environment; good for that environment only, as long as it is open.
package struct Table: Sendable, Hashable {
    let handle: UInt32
}
