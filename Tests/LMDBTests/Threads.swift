import Glibc

/// Runs `body`, given the numbers from 0, on `count` new threads at once and waits for all of them.
func onThreads(_ count: Int, _ body: @escaping (Int) -> Void) {
    let threads = (0..<count).map { number in
        var thread = pthread_t()
        let context = Unmanaged.passRetained(Work { body(number) }).toOpaque()
        let code = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<Work>.fromOpaque(context).takeRetainedValue().body()
                return nil
            }, context)
        precondition(code == 0, "pthread_create: \(code)")
        return thread
    }
    for thread in threads { pthread_join(thread, nil) }
}

private final class Work {
    let body: () -> Void
    init(_ body: @escaping () -> Void) { self.body = body }
}
