#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A lock with a condition, which the standard library has none of. Address and life are those of the object.
///
/// `@unchecked Sendable`: the two POSIX objects are made for use from many threads and never move.
final class Condition: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    func withLock<R>(_ body: () -> R) -> R {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }

    /// Lets go of the lock until `signal`; may also return without one.
    func wait() { pthread_cond_wait(condition, mutex) }

    /// The same for at most so long; false when the time was over.
    func wait(milliseconds: Int) -> Bool {
        var deadline = timespec()
        clock_gettime(CLOCK_REALTIME, &deadline)
        let nanoseconds = Int(deadline.tv_nsec) + milliseconds % 1_000 * 1_000_000
        deadline.tv_sec += milliseconds / 1_000 + nanoseconds / 1_000_000_000
        deadline.tv_nsec = nanoseconds % 1_000_000_000
        return pthread_cond_timedwait(condition, mutex, &deadline) == 0
    }

    func signal() { pthread_cond_broadcast(condition) }
}

/// A value that one thread waits for and another gives.
///
/// `@unchecked Sendable`: the value is touched under the lock alone.
final class Handover<Value>: @unchecked Sendable {
    private let condition = Condition()
    private var value: Value?

    func give(_ value: Value) {
        condition.withLock {
            self.value = value
            condition.signal()
        }
    }

    func wait() -> Value {
        condition.withLock {
            while true {
                if let value { return value }
                condition.wait()
            }
        }
    }

    /// Nil when the time is over first.
    func wait(milliseconds: Int) -> Value? {
        condition.withLock {
            while value == nil, condition.wait(milliseconds: milliseconds) {}
            return value
        }
    }
}

/// One thread of the operating system, for as long as its body runs.
struct Thread: Sendable {
    private let handle: SendableHandle

    /// - Precondition: the operating system can make another thread.
    init(_ body: @escaping @Sendable () -> Void) {
        let context = Unmanaged.passRetained(Body(run: body)).toOpaque()
        #if canImport(Darwin)
        var handle: pthread_t?
        let code = pthread_create(&handle, nil, { Thread.run($0) }, context)
        #else
        var handle = pthread_t()
        let code = pthread_create(&handle, nil, { Thread.run($0!) }, context)
        #endif
        precondition(code == 0, "no thread for the journal: error \(code)")
        #if canImport(Darwin)
        self.handle = SendableHandle(value: handle!)
        #else
        self.handle = SendableHandle(value: handle)
        #endif
    }

    var isCurrent: Bool { pthread_equal(handle.value, pthread_self()) != 0 }

    /// Waits for its end.
    func join() { pthread_join(handle.value, nil) }

    /// Lets it end by itself.
    func detach() { pthread_detach(handle.value) }

    /// `@unchecked Sendable`: a thread's handle is for use from other threads.
    private struct SendableHandle: @unchecked Sendable { let value: pthread_t }

    private final class Body {
        let run: @Sendable () -> Void
        init(run: @escaping @Sendable () -> Void) { self.run = run }
    }

    private static func run(_ context: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
        Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run()
        return nil
    }
}
