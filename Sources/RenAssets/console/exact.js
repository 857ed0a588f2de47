// JSON with whole numbers as they are written: beyond 2^53 they become BigInts, which `JSON.stringify` writes as digits.

/** More digits than a number of JavaScript holds exactly, or an exponent beyond it. */
const LONG = /\d{16}|\d[eE]\+?\d{3}/;

/**
 * As `JSON.parse`. Browsers that do not tell how a number is written (before 2025) round it as they always did.
 *
 * @throws {SyntaxError} also of a number that is too large
 */
export function parseJSON(text) {
    return LONG.test(text) ? JSON.parse(text, exactly) : JSON.parse(text);
}

function exactly(_, value, context) {
    if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
    if (/^-?\d+$/.test(context?.source)) return BigInt(context.source);
    if (!Number.isFinite(value)) throw new SyntaxError(`${context?.source ?? "a number"} is too large`);
    return value;
}

Object.defineProperty(BigInt.prototype, "toJSON", {
    value() {
        return JSON.rawJSON(String(this));
    },
});
