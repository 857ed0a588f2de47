import HTTPTypes
import RenCore

/// Which of the forms that a route has a caller wants (RFC 9110, 12.5.1).
enum Accept {
    /// The offered type with the greatest weight; of several, the first offered.
    ///
    /// - Parameter offered: without parameters, in order of preference; the first one goes to a caller who says nothing.
    /// - Throws: `not_acceptable`.
    static func choose(_ offered: [String], _ headers: HTTPFields) throws(RenError) -> String {
        let wanted = headers[values: .accept].flatMap { $0.split(separator: ",") }.map(Range.init)
        guard !wanted.isEmpty else { return offered[0] }
        var best: (type: String, weight: Double)?
        for type in offered {
            // The most exact one that fits says how much it is wanted.
            let fit = wanted.filter { $0.fits(type) }.max { $0.exactness < $1.exactness }
            guard let fit, fit.weight > 0, fit.weight > best?.weight ?? 0 else { continue }
            best = (type, fit.weight)
        }
        guard let best else {
            throw RenError(
                .init("not_acceptable"), "this is not to be had in any form that Accept names",
                hint: "there are \(offered.joined(separator: ", "))")
        }
        return best.type
    }

    private struct Range {
        let type: String
        var weight = 1.0

        init(_ text: Substring) {
            let parts = text.split(separator: ";").map { $0.trimmed.lowercased() }
            type = parts.first ?? ""
            for part in parts.dropFirst() where part.hasPrefix("q=") {
                weight = Double(part.dropFirst(2)).map { min(max(0, $0), 1) } ?? 0
            }
        }

        var exactness: Int { type == "*/*" ? 0 : type.hasSuffix("/*") ? 1 : 2 }

        func fits(_ offered: String) -> Bool {
            switch exactness {
            case 0: true
            case 1: offered.hasPrefix(type.dropLast())
            default: offered == type
            }
        }
    }
}
