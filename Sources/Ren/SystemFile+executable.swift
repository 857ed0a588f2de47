#if canImport(Darwin)
import Darwin
#endif

extension SystemFile {
    /// The path of the program that is running.
    package static var executable: String {
        #if canImport(Darwin)
        var size = UInt32(PATH_MAX)
        var buffer = [CChar](repeating: 0, count: Int(size))
        guard _NSGetExecutablePath(&buffer, &size) == 0 else { return CommandLine.arguments[0] }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        #else
        return realPath("/proc/self/exe") ?? CommandLine.arguments[0]
        #endif
    }
}
