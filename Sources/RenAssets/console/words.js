// Events in sentences.

import { bytes, count, moment, plural, short, visible } from "./format.js";

function error({ error }) {
    return error ? `: ${visible(error.name)}: ${visible(error.message, { max: 300 })}` : "";
}

const reason = (event) => (event.reason ? `: ${visible(event.reason, { max: 300 })}` : "");

/** How much of it runs again: nodes and items are told by number, which is nothing for people. */
function reopened({ again = [], items = {} }) {
    const numbers = Object.values(items).reduce((sum, ranges) => sum + ranges.split(",").filter(Boolean).reduce(
        (total, range) => {
            const [first, last = first] = range.split("-").map(Number);
            return total + last - first + 1;
        }, 0), 0);
    const parts = [again.length && plural(again.length, "node"), numbers && plural(numbers, "item")].filter(Boolean);
    return parts.length ? ` for ${parts.join(" and ")}` : "";
}

const attempt = (event) => (event.attempt > 1 ? ` (attempt ${event.attempt})` : "");

const SKIPPED = {
    not_taken: "the way to it was not taken",
    when: "its condition was false",
    upstream_failed: "what it follows failed",
};
const INTERRUPTED = {
    engine: "ren ended", worker: "its worker ended", shared_worker: "the worker that it shared ended",
    neighbour: "another call ended their worker", pause: "the run was paused", stop: "the run was stopped",
};

/** By type; `node` and `item` events share those of `*`. */
const SENTENCES = {
    "journal.opened": (event) => `ren ${event.ren ?? ""} opened the journal`,
    "journal.closed": () => "ren closed the journal",
    "journal.pruned": () => "old content was removed, as the rules of retention say",
    "event.pruned": () => "its content was removed, as the rules of retention say",
    "flow.registered": (event) => `flow ${visible(event.name)} was registered`,
    "functions.recorded": (event) => `${count(event.functions?.length)} functions of ${visible(event.path)}`,
    "worker.started": (event) => `a worker started${event.process ? `, process ${event.process}` : ""}`,
    "worker.exited": (event) => `a worker ended${event.end ? `: ${visible(event.end)}` : ""}`,
    "function.parked": (event) => `${visible(event.name)} cannot be called${reason(event)}`,
    "function.unparked": (event) => `${visible(event.name)} can be called again`,
    "run.created": (event) => `run of ${visible(event.flow)}@${short(event.flow_hash)} created`,
    "run.pause_requested": (event) => (event.now ? "pause now was asked for" : "pause was asked for") + reason(event),
    "run.paused": () => "the run is paused",
    "run.resumed": (event) => `the run goes on${reason(event)}`,
    "run.stop_requested": (event) => `stop (${event.mode}) was asked for${reason(event)}`,
    "run.ending": (event) => `the run is ending: ${event.outcome}`,
    "run.stopped": () => "the run was stopped",
    "run.succeeded": () => "the run succeeded",
    "run.failed": (event) => `the run failed${error(event)}`,
    "run.quarantined": (event) => `the run was set aside${reason(event)}`,
    "run.reopened": (event) => `the run was opened again${reopened(event)}${reason(event)}`,
    "run.forked": (event) => `forked from ${visible(event.parent, { max: 100 })} at its version ${count(event.at)}`
        + `${reason(event.reopened ?? {})}`,
    "signal.received": (event) => `signal ${visible(event.name)} was received`,
    "result.rejected": (event) => `a late result was refused${reason(event)}`,
    "map.opened": (event) => `its ${count(event.total)} items are known, ${event.concurrency ?? "?"} at a time`,
    "map.closed": (event) => {
        const others = event.skipped + event.cancelled + event.unknown;
        const rest = others ? `, ${count(others)} otherwise` : "";
        return `all items ended: ${count(event.succeeded)} succeeded, ${count(event.failed)} failed${rest}`;
    },
    "*.started": (event) => `started${attempt(event)}`,
    "*.checkpointed": () => "saved a checkpoint",
    "*.succeeded": (event) => `succeeded${attempt(event)}${event.payload ? `, ${bytes(event.payload.length)}` : ""}`,
    "*.attempt_failed": (event) =>
        `attempt ${event.attempt} failed${error(event)}${event.retry_at ? `; again at ${moment(event.retry_at)}` : ""}`,
    "*.interrupted": (event) => `interrupted: ${INTERRUPTED[event.by] ?? visible(event.by)}`,
    "*.failed": (event) => `failed${error(event)}`,
    "*.unknown": (event) => `its outcome is not known${reason(event)}`,
    "*.skipped": (event) => `skipped: ${SKIPPED[event.reason] ?? visible(event.reason)}`,
    "*.cancelled": () => "cancelled",
    "*.decided": (event) => `decided: ${visible(event.way)}`,
    "*.waiting": (event) => `waits for ${visible(event.signal)}: ${visible(event.message)}`,
    "*.kept": () => "its earlier result was kept",
    "*.overridden": (event) => `skipped by a person with a value${reason(event)}`,
};

/** What an event says, without when and where. */
export function sentence(event) {
    const kind = event.type.split(".")[1];
    const words = SENTENCES[event.type] ?? SENTENCES[`*.${kind}`];
    return words ? words(event) : kind.replaceAll("_", " ");
}

/** The state whose shape stands before an event. */
export function stateOf(event) {
    const kind = event.type.split(".")[1];
    const states = {
        started: "running", succeeded: "succeeded", failed: "failed", attempt_failed: "retrying", interrupted: "paused",
        unknown: "unknown", skipped: "skipped", cancelled: "cancelled", decided: "succeeded", waiting: "waiting",
        kept: "succeeded", overridden: "succeeded", paused: "paused", pause_requested: "paused", resumed: "running",
        stop_requested: "stopped",
        stopped: "stopped",
        quarantined: "quarantined",
        received: "signal",
        rejected: "failed",
        parked: "failed",
        exited: "stopped",
        closed: "succeeded",
        ending: "running",
        reopened: "running",
        forked: "fork",
    };
    if (kind === "attempt_failed" && !event.retry_at) return "failed";
    return states[kind] ?? "pending";
}

/** Where it happened: node and item. */
export function place(event) {
    if (!event.node) return "";
    return visible(event.node) + (event.key !== undefined ? ` · ${visible(event.key, { max: 80 })}` : "");
}

/** Why a node does what it does, in few words. */
export function nodeNote(node) {
    if (node.skipped_because) return SKIPPED[node.skipped_because] ?? node.skipped_because;
    if (node.status === "waiting" && node.message) return visible(node.message, { max: 200 });
    if (node.error) return `${visible(node.error.name)}: ${visible(node.error.message, { max: 200 })}`;
    if (node.way) return `way taken: ${visible(node.way)}`;
    if (node.progress) return visible(node.progress.text ?? `${node.progress.done} of ${node.progress.total ?? "?"}`);
    return "";
}


/** An error in a cell of a table; of none, nothing. */
export const errorWords = (error) =>
    error ? `${visible(error.name)}: ${visible(error.message, { max: 160 })}` : "";
