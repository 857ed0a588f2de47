// Small drawings: a shape beside every word, so that colour is never the only sign.

import { h } from "../h.js";

const PATHS = {
    succeeded: "M2.5 8.5 6 12l7.5-8",
    failed: "M3.5 3.5l9 9m0-9-9 9",
    running: "M4.5 2.5v11l9-5.5z",
    retrying: "M13 8a5 5 0 1 1-1.6-3.7M13 2v3.2H9.8",
    waiting: "M5.5 5.5a2.5 2.5 0 1 1 3.6 2.3c-.8.4-1.1.9-1.1 1.7m0 3v.2",
    pending: "M8 3.2a4.8 4.8 0 1 1 0 9.6a4.8 4.8 0 1 1 0-9.6z",
    ready: "M8 3.2a4.8 4.8 0 1 1 0 9.6a4.8 4.8 0 1 1 0-9.6zM8 7.5v1",
    paused: "M5 3v10m6-10v10",
    stopped: "M4 4h8v8H4z",
    skipped: "M3 8h10",
    cancelled: "M8 2.8a5.2 5.2 0 1 1 0 10.4a5.2 5.2 0 1 1 0-10.4zM4.5 11.5l7-7",
    unknown: "M8 2.5v7m0 3.5v.2",
    quarantined: "M8 1.8 15 14H1zM8 6v4m0 2v.2",
    search: "M7 2.5a4.5 4.5 0 1 1 0 9a4.5 4.5 0 1 1 0-9zm3.3 7.8L14 14",
    theme: "M8 2.5a5.5 5.5 0 1 0 0 11zm0 0a5.5 5.5 0 0 1 0 11z",
    help: "M8 1.8a6.2 6.2 0 1 1 0 12.4a6.2 6.2 0 1 1 0-12.4zM6.2 6.3a1.8 1.8 0 1 1 2.6 1.7c-.6.3-.8.6-.8 1.2m0 2v.2",
    copy: "M5.5 5.5V2.5h8v8h-3M2.5 5.5h8v8h-8z",
    open: "M6 3h7v7M13 3 4 12",
    signal: "M9 1.5 3.5 9H8l-1 5.5L12.5 7H8z",
    fork: "M4.5 3v10M4.5 9c4 0 7-1 7-5.5m0 0-2 2m2-2 2 2",
    download: "M8 2v8m-3.2-3L8 10.2 11.2 7M2.5 13.5h11",
    up: "M3.5 10 8 5.5l4.5 4.5",
    down: "M3.5 6 8 10.5 12.5 6",
    right: "M6 3.5 10.5 8 6 12.5",
    left: "M10 3.5 5.5 8 10 12.5",
    more: "M3.5 8h.1m4.4 0h.1m4.4 0h.1",
};
const FILLED = new Set(["running", "stopped"]);

/** Said by the word beside it, so it is silent itself. `place`: `x`, `y`, `width` and `height` inside of a drawing. */
export function icon(name, className = "", place = {}) {
    return h(
        "svg",
        { ...place, class: `icon ${className}`, viewBox: "0 0 16 16", "aria-hidden": "true", focusable: "false" },
        h("path", { d: PATHS[name] ?? PATHS.pending, class: FILLED.has(name) ? "filled" : null }),
    );
}
