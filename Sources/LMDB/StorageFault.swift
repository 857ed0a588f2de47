import CLMDB
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The last words for a SIGBUS or SIGSEGV inside a map: a truncated file, a bad sector, a damaged page.
///
/// Without it such a process ends with no line at all. The handler uses nothing but `write`, `open`, `_exit` and
/// `sigaction`, and memory that was prepared before.
package enum StorageFault {
    /// The status a process leaves with after a fault in a map.
    package static let exitStatus: Int32 = 74

    /// How many environments can be watched at a time; a further one stays without this guard.
    package static let capacity = 8

    private static let guardLock = Mutex(())
    private static let memory = HandlerMemory()

    /// Watches the map of `environment` until it is closed. Faults elsewhere go on as if this were not here.
    ///
    /// For an environment with at least one table.
    package static func install(_ environment: Environment) throws(LMDBError) {
        try guardLock.withLock { _ throws(LMDBError) in
            try environment.read { transaction throws(LMDBError) in
                guard let map = try environment.mapRange(seenBy: transaction.handle) else { return }
                unsafe memory.watch(map, of: environment.pointer, breadcrumb: environment.breadcrumbPath)
            }
            try unsafe memory.catchSignals(handler)
        }
    }

    /// Follows a map that was enlarged and so may have moved.
    static func follow(_ environment: Environment, _ transaction: TransactionHandle) throws(LMDBError) {
        try guardLock.withLock { _ throws(LMDBError) in
            guard unsafe memory.isWatching(environment.pointer) else { return }
            guard let map = try environment.mapRange(seenBy: transaction) else { return }
            unsafe memory.watch(map, of: environment.pointer, breadcrumb: environment.breadcrumbPath)
        }
    }

    static func forget(_ environment: OpaquePointer) {
        let environment = unsafe SendablePointer(pointer: environment)
        guardLock.withLock { _ in unsafe memory.forget(environment.pointer) }
    }

    private static let handler:
        @convention(c) (Int32, UnsafeMutablePointer<siginfo_t>?, UnsafeMutableRawPointer?) -> Void = {
            signal, info, _ in
            // SAFETY: the kernel passes a valid siginfo; the memory was made before the handler was installed.
            let address = UInt(bitPattern: unsafe clmdb_fault_address(info))
            memory.reportFault(at: address)
            memory.restore(signal)
            // A fault happens again on return; a signal someone sent has to be sent again.
            guard unsafe info?.pointee.si_code ?? 0 <= 0 else { return }
            raise(signal)
        }
}

/// Where a map lies.
struct MapRange {
    let start: UInt
    let byteCount: UInt
}

/// What the handler reads: made once, never freed. Changed only under a lock, in an order that a fault in between
/// cannot misread: a slot counts when its size is not 0.
@safe private final class HandlerMemory: @unchecked Sendable {
    @unsafe private struct Slot {
        var start: UInt = 0
        var byteCount: UInt = 0
        var environment: OpaquePointer?
        var breadcrumb: UnsafePointer<CChar>?
    }

    private static let digitCount = 20
    private static let signals = [SIGBUS, SIGSEGV]

    private let slots = UnsafeMutableBufferPointer<Slot>.allocate(capacity: StorageFault.capacity)
    private let digits = UnsafeMutableRawBufferPointer.allocate(byteCount: digitCount, alignment: 1)
    private let previous = UnsafeMutableBufferPointer<sigaction>.allocate(capacity: signals.count)
    private var isCatching = false

    init() {
        // SAFETY: fresh memory of the right size; all of it gets a value.
        unsafe slots.initialize(repeating: Slot())
        unsafe previous.initialize(repeating: sigaction())
    }

    func isWatching(_ environment: OpaquePointer) -> Bool {
        // SAFETY: pointers are compared, not followed.
        unsafe slots.contains { unsafe $0.environment == environment }
    }

    func watch(_ map: MapRange, of environment: OpaquePointer, breadcrumb: UnsafePointer<CChar>?) {
        unsafe forget(environment)
        // SAFETY: indices come from the buffer itself.
        guard let free = unsafe slots.firstIndex(where: { unsafe $0.environment == nil }) else { return }
        unsafe slots[free] = Slot(start: map.start, environment: environment, breadcrumb: breadcrumb)
        unsafe slots[free].byteCount = map.byteCount
    }

    func forget(_ environment: OpaquePointer) {
        // SAFETY: as above.
        for index in unsafe slots.indices where unsafe slots[index].environment == environment {
            unsafe slots[index].byteCount = 0
            unsafe slots[index] = Slot()
        }
    }

    func catchSignals(
        _ handler: @convention(c) (Int32, UnsafeMutablePointer<siginfo_t>?, UnsafeMutableRawPointer?) -> Void
    ) throws(LMDBError) {
        guard !isCatching else { return }
        for (index, signal) in Self.signals.enumerated() {
            // SAFETY: the slot for the previous action is ours.
            try checkErrno(unsafe clmdb_catch_signal(signal, handler, previous.baseAddress! + index), .open)
        }
        isCatching = true
    }

    // The rest runs inside the signal handler: no locks, no allocation.

    func reportFault(at address: UInt) {
        var index = 0
        while index < StorageFault.capacity {
            // SAFETY: the index is below the capacity.
            let slot = unsafe slots[index]
            if unsafe address >= slot.start && address - slot.start < slot.byteCount {
                unsafe Breadcrumb.leave("storage fault at offset ", decimal(address - slot.start), in: slot.breadcrumb)
                _exit(StorageFault.exitStatus)
            }
            index += 1
        }
    }

    func restore(_ signal: Int32) {
        let index = signal == SIGBUS ? 0 : 1
        // SAFETY: both slots were filled when the handler was installed.
        _ = unsafe sigaction(signal, previous.baseAddress! + index, nil)
    }

    private func decimal(_ value: UInt) -> UnsafeRawBufferPointer {
        var rest = value
        var start = Self.digitCount
        repeat {
            start -= 1
            // SAFETY: 20 digits hold any 64-bit number.
            unsafe digits[start] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        } while rest > 0
        return unsafe UnsafeRawBufferPointer(rebasing: digits[start...])
    }
}
