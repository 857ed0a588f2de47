import RenJSON

extension Evaluator {
    mutating func call(_ function: Function, _ arguments: Arguments, at node: Node) throws(LogicError) -> JSON {
        let values = try values(of: arguments, at: node)
        switch function {
        case .not: return .bool(!(values.first ?? .null).isTruthy)
        case .truth: return .bool((values.first ?? .null).isTruthy)
        case .add, .subtract, .multiply, .divide, .remainder: return try calculate(function, values, at: node)
        case .max, .min: return try choose(function, values, at: node)
        case .merge: return .array(try merge(values, at: node))
        case .contains: return .bool(try contains(values, at: node))
        case .cat: return .string(try cat(values, at: node))
        case .substring: return .string(try substring(values, at: node))
        case .length: return .integer(Int64(try length(values, at: node)))
        case .raise: throw raised(values.first ?? .null, at: node)
        }
    }

    // MARK: Numbers

    /// Sums and products may have no operand; one operand is converted, negated or inverted.
    private func calculate(_ function: Function, _ values: [JSON], at node: Node) throws(LogicError) -> JSON {
        let operandsMin =
            switch function {
            case .add, .multiply: 0
            case .remainder: 2
            default: 1
            }
        guard values.count >= operandsMin else {
            throw LogicError(
                .arguments, "`\(node.name)` needs \(operandsMin) values or more, not \(values.count)", at: node.pointer)
        }
        // 0 + a, 1 × a, 0 - a and 1 / a: a lone operand is the second one.
        let neutral = Number.integer(function == .multiply || function == .divide ? 1 : 0)
        let isFolded = values.count > 1 && (function == .subtract || function == .divide || function == .remainder)
        var result = isFolded ? try number(values[0], at: node) : neutral
        for value in isFolded ? values.dropFirst() : values[...] {
            let operand = try number(value, at: node)
            if operand.isZero, function == .divide || function == .remainder {
                throw LogicError(.number, "`\(node.name)` by zero", at: node.pointer)
            }
            guard let next = Number.apply(function, result, operand) else {
                throw LogicError(.number, "the result of `\(node.name)` is out of range", at: node.pointer)
            }
            result = next
        }
        return result.json
    }

    /// The largest or smallest; unlike in sums nothing is converted.
    private func choose(_ function: Function, _ values: [JSON], at node: Node) throws(LogicError) -> JSON {
        var best: (value: JSON, number: Number)?
        for value in values {
            switch value {
            case .integer, .double: break
            default:
                throw LogicError(.arguments, "`\(node.name)` of \(value.excerpt), which is no number", at: node.pointer)
            }
            let number = try number(value, at: node)
            if best.map({ function == .max ? $0.number < number : number < $0.number }) ?? true {
                best = (value, number)
            }
        }
        guard let best else { throw LogicError(.arguments, "`\(node.name)` of nothing", at: node.pointer) }
        return best.value
    }

    // MARK: Lists

    /// All elements of the lists, and every other value as one element, null too.
    private mutating func merge(_ values: [JSON], at node: Node) throws(LogicError) -> [JSON] {
        let count = values.reduce(0) { count, value in
            if case .array(let elements) = value { count + elements.count } else { count + 1 }
        }
        try meter.build(values: count, at: node)
        var merged: [JSON] = []
        merged.reserveCapacity(count)
        for value in values {
            if case .array(let elements) = value { merged += elements } else { merged.append(value) }
        }
        return merged
    }

    /// A value among the elements of a list, or text in text.
    private mutating func contains(_ values: [JSON], at node: Node) throws(LogicError) -> Bool {
        guard values.count >= 2 else { throw LogicError(.arguments, "`in` needs a value and a list", at: node.pointer) }
        switch values[1] {
        case .array(let elements):
            try meter.scan(values: elements.count, at: node)
            for element in elements where try areSame(values[0], element, at: node) { return true }
            return false
        case .string(let text):
            switch values[0] {
            case .null, .array, .object: return false
            default: return try contains(try self.text(values[0], at: node), in: text, at: node)
            }
        default:
            return false
        }
    }

    /// Whether the text holds the other, byte by byte; the work is charged, since it can be the product of the sizes.
    private mutating func contains(_ needle: String, in text: String, at node: Node) throws(LogicError) -> Bool {
        let (needle, text) = (Array(needle.utf8), Array(text.utf8))
        guard let first = needle.first else { return true }
        try meter.scan(bytes: text.count, at: node)
        var work = 0
        var start = 0
        while start + needle.count <= text.count {
            if text[start] == first {
                var length = 1
                while length < needle.count, text[start + length] == needle[length] { length += 1 }
                if length == needle.count { return true }
                work += length
                if work >= 1 << 14 {
                    try meter.scan(bytes: work, at: node)
                    work = 0
                }
            }
            start += 1
        }
        return false
    }

    // MARK: Text

    /// All values as text, one after the other; null is no text.
    private mutating func cat(_ values: [JSON], at node: Node) throws(LogicError) -> String {
        var joined = ""
        for value in values {
            let text = try text(value, at: node)
            try meter.check(bytes: joined.utf8.count + text.utf8.count, at: node)
            joined += text
        }
        try meter.build(bytes: joined.utf8.count, at: node)
        return joined
    }

    /// A value as JavaScript turns it into text, a list with commas; an object has no text.
    private mutating func text(_ value: JSON, at node: Node) throws(LogicError) -> String {
        switch value {
        case .null: return ""
        case .bool(let bool): return bool ? "true" : "false"
        case .integer(let integer): return String(integer)
        case .double(let double): return numberText(double)
        case .string(let string): return string
        case .array(let elements):
            try meter.scan(values: elements.count, at: node)
            var joined = ""
            for (index, element) in elements.enumerated() {
                if index > 0 { joined += "," }
                joined += try text(element, at: node)
                try meter.check(bytes: joined.utf8.count, at: node)
            }
            try meter.build(bytes: joined.utf8.count, at: node)
            return joined
        case .object:
            throw LogicError(
                .arguments, "`\(node.name)` of an object, which has no text", hint: "read one of its members",
                at: node.pointer)
        }
    }

    /// `[text, start, length]`: a start below 0 counts from the end, a length below 0 leaves so many out at the end.
    ///
    /// Counted in Unicode scalars, so that no character of JSON text is ever cut in two.
    private mutating func substring(_ values: [JSON], at node: Node) throws(LogicError) -> String {
        guard values.count >= 2 else {
            throw LogicError(.arguments, "`substr` needs a text and a start", at: node.pointer)
        }
        let text = try text(values[0], at: node)
        try meter.build(bytes: text.utf8.count, at: node)
        let scalars = text.unicodeScalars
        let count = scalars.count
        let start = try whole(values[1], at: node)
        let first = start < 0 ? max(0, count + start) : min(start, count)
        var end = count
        if values.count > 2 {
            let length = try whole(values[2], at: node)
            end = length < 0 ? max(first, count + length) : first + min(length, count - first)
        }
        let lower = scalars.index(scalars.startIndex, offsetBy: first)
        return String(scalars[lower..<scalars.index(lower, offsetBy: end - first)])
    }

    /// A number without its fraction, held within what a length can be.
    private func whole(_ value: JSON, at node: Node) throws(LogicError) -> Int {
        Int(max(-0x1p31, min(0x1p31, try number(value, at: node).double.rounded(.towardZero))))
    }

    /// How many elements, members or Unicode scalars.
    private mutating func length(_ values: [JSON], at node: Node) throws(LogicError) -> Int {
        switch values.first {
        case .array(let elements): return elements.count
        case .object(let object): return object.count
        case .string(let text):
            try meter.scan(bytes: text.utf8.count, at: node)
            return text.unicodeScalars.count
        default:
            let what = values.first?.excerpt ?? "nothing"
            throw LogicError(.arguments, "`length` needs text, a list or an object, not \(what)", at: node.pointer)
        }
    }

    private func raised(_ value: JSON, at node: Node) -> LogicError {
        if case .object = value {
            let type = value["type"]?.stringValue ?? "Error"
            let message = "the rule threw \(JSON.string(type).excerpt)"
            return LogicError(.thrown, type: type, message, at: node.pointer, value: value)
        }
        let type = PathKey(value)?.text ?? "Error"
        return LogicError(.thrown, type: type, "the rule threw \(value.excerpt)", at: node.pointer)
    }
}
