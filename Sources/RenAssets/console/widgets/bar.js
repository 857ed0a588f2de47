// How far something is: a bar of parts, and the same in words for those who do not see it.

import { h } from "../h.js";
import { count, percent } from "../format.js";

/**
 * @param {{succeeded?: number, failed?: number, running?: number, retrying?: number}} counts
 * @param {string} label what it is the progress of
 */
export function bar(counts, total, label) {
    const parts = ["succeeded", "failed", "unknown", "skipped", "cancelled", "retrying", "running"];
    const left = (counts.pending ?? 0) + (counts.ready ?? 0) + (counts.running ?? 0) + (counts.retrying ?? 0);
    const done = Math.max(0, total - left);
    return h(
        "span",
        {
            class: "bar", role: "progressbar", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": total,
            "aria-valuenow": done, "aria-valuetext": `${count(done)} of ${count(total)}, ${percent(done, total)}`,
        },
        parts.map((part) =>
            h("span", { key: part, class: `part ${part}`, style: { width: `${share(counts[part], total)}%` } })),
    );
}

/** What there is at all can be seen: at least a sliver. */
function share(number, total) {
    if (!number || !total) return 0;
    return Math.max(0.6, (number / total) * 100).toFixed(2);
}
