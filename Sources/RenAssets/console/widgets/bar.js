// How far something is: a bar of parts, and the same in words for those who do not see it.

import { h } from "../h.js";
import { count, percent } from "../format.js";
import { left, SHOWN_STATES } from "../store.js";

/** What has not begun is the ground of the bar. */
const PARTS = SHOWN_STATES.slice(0, SHOWN_STATES.indexOf("waiting"));

/**
 * @param {{succeeded?: number, failed?: number, running?: number, retrying?: number}} counts
 * @param {string} label what it is the progress of
 */
export function bar(counts, total, label) {
    const done = Math.max(0, total - left(counts));
    return h(
        "span",
        {
            class: "bar", role: "progressbar", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": total,
            "aria-valuenow": done, "aria-valuetext": `${count(done)} of ${count(total)}, ${percent(done, total)}`,
        },
        PARTS.map((part) =>
            h("span", { key: part, class: `part ${part}`, style: { width: `${share(counts[part], total)}%` } })),
    );
}

/** What there is at all can be seen: at least a sliver. */
function share(number, total) {
    if (!number || !total) return 0;
    return Math.max(0.6, (number / total) * 100).toFixed(2);
}
