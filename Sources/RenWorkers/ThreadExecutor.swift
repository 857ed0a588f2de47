import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Threads of our own with one queue, first come first served: work that may block stays off the cooperative pool.
///
/// With one thread it serves an actor as its executor; with more it is a task executor. Threads start when there is
/// work and none is idle, up to the limit, and live as long as the process.
package final class ThreadExecutor: SerialExecutor, TaskExecutor, @unchecked Sendable {
    private enum Item {
        case job(UnownedJob)
        case block(@Sendable () -> Void)
    }

    // SAFETY (@unchecked): everything mutable is touched only while `mutex` is held.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let wakeUp: UnsafeMutablePointer<pthread_cond_t>
    private var queue: [Item] = []
    private var head = 0
    private var idle = 0
    private var started = 0
    /// A thread is on its way to the queue. Until it is there nobody else is woken: it may empty the queue alone, and a
    /// crowd woken for short work costs more than the work.
    private var isWaking = false
    private let name: String
    private let threadMax: Int

    /// - Parameter name: what `top -H` shows, at most 15 bytes.
    package init(name: String, threadMax: Int = 1) {
        self.name = name
        self.threadMax = max(1, threadMax)
        mutex = .allocate(capacity: 1)
        wakeUp = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        wakeUp.initialize(to: pthread_cond_t())
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(wakeUp, nil)
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        add(.job(UnownedJob(job)))
    }

    /// Runs `block` on one of the threads, after what is queued.
    package func run(_ block: @escaping @Sendable () -> Void) {
        add(.block(block))
    }

    package func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        UnownedSerialExecutor(ordinary: self)
    }

    package func checkIsolated() {
        precondition(isIsolatingCurrentContext() == true, "not on thread “\(name)”")
    }

    package func isIsolatingCurrentContext() -> Bool? {
        ThreadExecutor.current == Unmanaged.passUnretained(self).toOpaque()
    }

    private func add(_ item: Item) {
        pthread_mutex_lock(mutex)
        queue.append(item)
        let startsThread = callForHelp()
        pthread_mutex_unlock(mutex)
        if startsThread { startThread() }
    }

    /// Wakes a thread for what is queued, while `mutex` is held.
    ///
    /// - Returns: whether one must be started, because none is idle.
    private func callForHelp() -> Bool {
        guard !isWaking, head < queue.count else { return false }
        if idle > 0 {
            isWaking = true
            pthread_cond_signal(wakeUp)
            return false
        }
        guard started < threadMax else { return false }
        isWaking = true
        started += 1
        return true
    }

    private func startThread() {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        // SAFETY: the thread holds a reference for good; it never ends.
        let executor = Unmanaged.passRetained(self).toOpaque()
        #if canImport(Darwin)
        var thread: pthread_t?
        #else
        var thread = pthread_t()
        #endif
        let code = pthread_create(&thread, &attributes, { ThreadExecutor.main($0) }, executor)
        precondition(code == 0, "no thread could be started: error \(code)")
    }

    /// The executor whose thread this is, so that an actor can tell that it is at home.
    private static var current: UnsafeMutableRawPointer? { pthread_getspecific(key) }

    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key, nil)
        return key
    }()

    #if canImport(Darwin)
    private static func main(_ argument: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
        loop(argument)
    }
    #else
    private static func main(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        argument.flatMap { loop($0) }
    }
    #endif

    private static func loop(_ argument: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
        pthread_setspecific(key, argument)
        let executor = Unmanaged<ThreadExecutor>.fromOpaque(argument).takeUnretainedValue()
        #if canImport(Darwin)
        pthread_setname_np(executor.name)
        #else
        // `pthread_setname_np` hides behind _GNU_SOURCE, which Swift does not set.
        if let file = fopen("/proc/thread-self/comm", "w") {
            fputs(String(executor.name.prefix(15)), file)
            fclose(file)
        }
        #endif
        executor.perform(executor.next(isNew: true))
        while true { executor.perform(executor.next(isNew: false)) }
    }

    private func next(isNew: Bool) -> Item {
        pthread_mutex_lock(mutex)
        if isNew { isWaking = false }
        while head == queue.count {
            idle += 1
            pthread_cond_wait(wakeUp, mutex)
            idle -= 1
            isWaking = false
        }
        let item = queue[head]
        head += 1
        if head == queue.count || head > 1024 {
            queue.removeFirst(head)
            head = 0
        }
        let startsThread = callForHelp()
        pthread_mutex_unlock(mutex)
        if startsThread { startThread() }
        return item
    }

    private func perform(_ item: Item) {
        switch item {
        case .block(let block): block()
        case .job(let job):
            if threadMax == 1 {
                job.runSynchronously(isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
            } else {
                job.runSynchronously(on: asUnownedTaskExecutor())
            }
        }
    }
}
