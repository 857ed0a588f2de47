// What is known of one run: a snapshot, and every event since folded into it; or the run as of one of its events, which
// never changes. Pages read it; nothing else keeps counts.

import { path, Problem } from "./api.js";
import { now } from "./format.js";

/** In the order of the bytes of a heat map. */
export const ITEM_STATES = [
    "pending", "ready", "running", "retrying", "waiting", "succeeded", "failed", "skipped", "cancelled", "unknown",
];
/** In the order in which people see them: what has ended, what goes on, what has not begun. */
export const SHOWN_STATES = [
    "succeeded", "failed", "unknown", "skipped", "cancelled", "running", "retrying", "waiting", "ready", "pending",
];
const LEFT = SHOWN_STATES.slice(SHOWN_STATES.indexOf("running"));
const RETRYING = ITEM_STATES.indexOf("retrying");
/** The state of an item after an event of its own; what is not here changes nothing. */
const ITEM_AFTER = {
    "item.started": "running", "item.interrupted": "ready", "item.succeeded": "succeeded", "item.kept": "succeeded",
    "item.overridden": "succeeded", "item.failed": "failed", "item.skipped": "skipped",
    "item.cancelled": "cancelled", "item.unknown": "unknown",
};
/** Maps with more items are counted by the service alone. */
const FOLDED_ITEMS_MAX = 1_000_000;
const LATEST_MAX = 60;
/** Events of other runs may stand between its own. */
const LATEST_SPAN = 200;
const SECOND = 1000;

/** How many of a node's items are in each state; a node without items counts as one. */
export const countsOf = (node) => (node.total === undefined ? { [node.status]: 1 } : node);

/** What has not ended. What is unknown has: only a person goes on with it. */
export const left = (counts) => LEFT.reduce((sum, state) => sum + (counts[state] ?? 0), 0);

/** The items of one map: a byte for each, and how many are in each state. */
export class ItemStates {
    bytes = new Uint8Array(0);
    counts = new Array(ITEM_STATES.length).fill(0);
    /** Raised with every change, so that drawings know whether they are up to date. */
    version = 0;
    /** Indices that changed since they were taken; null: all. */
    changed = null;
    #asOf = 0;

    load(bytes, asOf) {
        this.bytes = bytes;
        this.#asOf = asOf;
        this.counts.fill(0);
        for (const byte of bytes) this.counts[byte] += 1;
        this.changed = null;
        this.version += 1;
    }

    apply(event) {
        if (event.sequence <= this.#asOf || !(event.item < this.bytes.length)) return;
        const state =
            event.type === "item.attempt_failed" && event.retry_at
                ? RETRYING
                : ITEM_STATES.indexOf(ITEM_AFTER[event.type]);
        const old = this.bytes[event.item];
        if (state < 0 || old === state) return;
        this.bytes[event.item] = state;
        this.counts[old] -= 1;
        this.counts[state] += 1;
        this.changed?.push(event.item);
        this.version += 1;
    }

    takeChanged() {
        const changed = this.changed;
        this.changed = [];
        return changed;
    }
}

export class RunStore {
    run;
    /** The event as of which the run is shown; null: as it is. */
    asOf;
    /** Version and last event of the run as it is, also where it is shown as it was. */
    whole = null;
    /** The answer of `GET /runs/{run}`, kept up to date; null before it came. */
    snapshot = null;
    /** The answer of `GET /flows/{flow}/graph` for the run's version of the flow. */
    graph = null;
    #graphOf = "";
    problems = [];
    /** @type {Problem | null} why there is nothing to show */
    problem = null;
    /** @type {Map<string, ItemStates>} */
    items = new Map();
    /** The newest events, the newest last. */
    latest = [];
    lastEventAt = 0;
    #api;
    #stream;
    #changed;
    #caughtUp;
    /** Something was missed: those who listen do not hear of it. */
    #hasGap = false;
    #listeners = new Set();
    #subscription = null;
    #refreshTimer = 0;
    #refreshDue = 0;
    #refreshedAt = 0;
    /** Events of items that come while their states are read, by node. */
    #missed = new Map();
    #isReading = false;
    #abort = new AbortController();

    /**
     * @param {() => void} changed called after every change, also often
     * @param {() => void} caughtUp called when it was read anew, as some events came to nobody
     * @param {number | null} asOf
     */
    constructor(run, api, stream, changed, caughtUp, asOf = null) {
        this.run = run;
        this.asOf = asOf;
        this.#api = api;
        this.#stream = stream;
        this.#changed = changed;
        this.#caughtUp = caughtUp;
        if (this.isPast) this.#travel();
        else this.#start();
    }

    get isPast() {
        return this.asOf !== null;
    }

    /** The moment that is shown. */
    get now() {
        return this.isPast && this.snapshot ? Date.parse(this.snapshot.updated) : now();
    }

    /** Goes to another event; what was shown stays until that is read. */
    travel(asOf) {
        if (asOf === this.asOf) return;
        this.asOf = asOf;
        this.#travel();
    }

    end() {
        this.#abort.abort();
        this.#subscription?.end();
        clearTimeout(this.#refreshTimer);
    }

    /** Hears every event of the run as it comes, in order. Gives back how to stop. */
    listen(listener) {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
    }

    get isOpen() {
        if (this.isPast || this.snapshot === null) return false;
        return this.snapshot.ended === null && this.snapshot.status !== "quarantined";
    }

    /** A fork whose rows are still made from its past: nothing comes as an event meanwhile. */
    get isPreparing() {
        return typeof this.snapshot?.preparing === "number";
    }

    get status() {
        return this.snapshot?.status ?? "pending";
    }

    /** Counts of a node's items; of a node without items, null. */
    counts(name) {
        const node = this.snapshot?.nodes[name];
        if (node?.total === undefined) return null;
        const states = this.items.get(name);
        if (states?.bytes.length === node.total) {
            return Object.fromEntries(ITEM_STATES.map((state, index) => [state, states.counts[index]]));
        }
        return node;
    }

    /** Counts of each node. */
    get #all() {
        return Object.entries(this.snapshot?.nodes ?? {}).map(([name, node]) => this.counts(name) ?? countsOf(node));
    }

    /** Attempts in flight, of all nodes. */
    get inFlight() {
        return this.#all.reduce((sum, { running = 0 }) => sum + running, 0);
    }

    /** Nodes and items that wait for their turn, a time or a person. */
    get unbegun() {
        return this.#all.reduce((sum, counts) => sum + left(counts), 0) - this.inFlight;
    }

    /** How far the run is, from its items: `{done, total}`; a node without items counts as one. */
    get progress() {
        const total = Object.values(this.snapshot?.nodes ?? {}).reduce((sum, node) => sum + (node.total ?? 1), 0);
        return { done: total - this.unbegun - this.inFlight, total };
    }

    async #start() {
        this.#subscription?.end();
        this.#subscription = null;
        try {
            await this.#read();
            this.#changed();
            this.graph = await this.#graph(this.snapshot);
            const [latest] = await Promise.all([
                this.#readLatest(this.snapshot.as_of), ...this.#maps().map(([name]) => this.#loadItems(name)),
            ]);
            this.latest = latest.slice(-LATEST_MAX);
        } catch (error) {
            this.#fail(error);
            return;
        }
        this.#changed();
        this.#follow();
        if (this.#hasGap) this.#caughtUp();
        this.#hasGap = false;
    }

    /** The flow's plan; a fork may have another flow than its past. */
    async #graph({ flow, flow_hash: hash }) {
        if (this.#graphOf === hash) return this.graph;
        const graph = await this.#api.get(path`/flows/${`${flow}@${hash}`}/graph`, null, this.#abort.signal);
        this.#graphOf = hash;
        return graph;
    }

    /** Reads the run as of the newest wish: one that comes meanwhile is read next, and those between are left out. */
    async #travel() {
        if (this.#isReading) return;
        this.#isReading = true;
        try {
            for (let shown = null; shown !== this.asOf;) {
                shown = this.asOf;
                await this.#readPast(shown);
                this.#changed();
            }
        } catch (error) {
            if (error.name === "AbortError") return;
            if (!(error instanceof Problem)) throw error;
            this.snapshot = null;
            this.problem = error;
            this.#changed();
        } finally {
            this.#isReading = false;
        }
    }

    async #readPast(asOf) {
        const signal = this.#abort.signal;
        const [snapshot, whole, latest] = await Promise.all([
            this.#api.get(path`/runs/${this.run}/state`, { at: asOf }, signal),
            this.whole ?? this.#api.get(path`/runs/${this.run}`, null, signal),
            this.#readLatest(asOf),
        ]);
        const graph = await this.#graph(snapshot);
        const maps = Object.entries(snapshot.nodes).filter(([, node]) => node.total <= FOLDED_ITEMS_MAX);
        const heats = await Promise.all(maps.map(
            ([name]) => this.#api.bytes(path`/runs/${this.run}/nodes/${name}/heatmap`, { as_of: asOf }, signal)));
        const items = new Map();
        maps.forEach(([name], place) => {
            const states = this.items.get(name) ?? new ItemStates();
            states.load(heats[place].bytes, asOf);
            items.set(name, states);
        });
        // Groups of the past are told without samples and fingerprints.
        const problems = snapshot.problems.map(({ node, key, ...group }, place) => ({
            ...group, fingerprint: `past-${place}`, samples: node === null ? [] : [{ node, key }],
        }));
        Object.assign(this, {
            snapshot, graph, items, problems, problem: null, whole: { version: whole.version, last: whole.last },
            latest,
        });
    }

    /** The events before, and at, `asOf`. */
    async #readLatest(asOf) {
        const query = { after: Math.max(0, asOf - LATEST_SPAN), limit: LATEST_SPAN };
        const { items } = await this.#api.get(path`/runs/${this.run}/events`, query, this.#abort.signal);
        return items.filter((event) => event.sequence <= asOf);
    }

    #follow() {
        if (this.#abort.signal.aborted) return;
        this.#subscription = this.#stream.subscribe(
            { topic: "run", run: this.run, kinds: ["event", "progress"], since: this.snapshot.as_of },
            {
                events: (events) => this.#take(events),
                progress: (nodes) => this.#progress(nodes),
                reset: () => {
                    this.#hasGap = true;
                    this.#start();
                },
                failed: (problem) => this.#fail(new Problem(problem)),
            },
        );
    }

    #fail(error) {
        if (error.name === "AbortError") return;
        if (!(error instanceof Problem)) throw error;
        if (error.isAway) {
            // It is away: tried again, as the stream does.
            this.#refreshTimer = setTimeout(() => {
                this.#refreshTimer = 0;
                this.#start();
            }, 2 * SECOND);
        } else this.snapshot = null;
        this.problem = this.snapshot ? null : error;
        this.#changed();
    }

    async #read() {
        const signal = this.#abort.signal;
        const [snapshot, problems] = await Promise.all([
            this.#api.get(path`/runs/${this.run}`, null, signal),
            this.#api.get(path`/runs/${this.run}/problems`, null, signal),
        ]);
        const wasPreparing = this.isPreparing;
        this.snapshot = snapshot;
        if (this.isPreparing) this.#refresh(SECOND);
        else if (wasPreparing) for (const name of this.items.keys()) this.#reloadItems(name);
        this.problems = problems.items;
        this.problem = null;
        this.whole = snapshot;
        this.#refreshedAt = Date.now();
    }

    #maps() {
        return Object.entries(this.snapshot.nodes).filter(([, node]) => node.total <= FOLDED_ITEMS_MAX);
    }

    async #loadItems(name) {
        const missed = [];
        this.#missed.set(name, missed);
        const { bytes, asOf } = await this.#api.bytes(
            path`/runs/${this.run}/nodes/${name}/heatmap`, null, this.#abort.signal);
        // Read once more meanwhile.
        if (this.#missed.get(name) !== missed) return;
        this.#missed.delete(name);
        let states = this.items.get(name);
        if (!states) this.items.set(name, (states = new ItemStates()));
        states.load(bytes, asOf);
        for (const event of missed) states.apply(event);
    }

    #take(events) {
        this.lastEventAt = now();
        for (const event of events) {
            const area = event.type.split(".")[0];
            if (area === "item") {
                this.items.get(event.node)?.apply(event);
                this.#missed.get(event.node)?.push(event);
                if (event.type === "item.failed") this.#refresh(2 * SECOND);
            } else {
                // Few, and with more to say than fits into an event: the snapshot is read again.
                if (event.type === "map.opened") this.#reloadItems(event.node);
                else if (event.type === "run.reopened") for (const name of this.items.keys()) this.#reloadItems(name);
                this.#refresh(event.type.startsWith("run.") || event.type.startsWith("signal.") ? 0 : SECOND / 4);
            }
        }
        this.snapshot.last = events[events.length - 1].sequence;
        this.snapshot.version = events[events.length - 1].version;
        this.latest.push(...events);
        if (this.latest.length > LATEST_MAX) this.latest.splice(0, this.latest.length - LATEST_MAX);
        for (const listener of this.#listeners) listener(events);
        this.#changed();
    }

    /** After what changes many items at once. */
    async #reloadItems(node) {
        this.items.delete(node);
        try {
            await this.#loadItems(node);
        } catch (error) {
            if (error instanceof Problem) this.#refresh(SECOND);
            else if (error.name !== "AbortError") throw error;
        }
        this.#changed();
    }

    #progress(nodes) {
        for (const [name, told] of Object.entries(nodes)) {
            const node = this.snapshot.nodes[name];
            if (!node) continue;
            node.rate = told.rate;
            node.eta_milliseconds = told.eta_s === null ? null : told.eta_s * 1000;
            if (node.total === undefined || this.items.get(name)?.bytes.length === node.total) continue;
            // Too many to be folded here.
            Object.assign(
                node,
                { failed: told.failed, running: told.running, succeeded: told.done - (node.skipped ?? 0) },
            );
        }
        this.#changed();
    }

    /** Reads the snapshot again, within `wait` ms, but no more than once a second. */
    #refresh(wait) {
        const due = Math.max(Date.now() + wait, this.#refreshedAt + SECOND);
        if (this.#refreshTimer && this.#refreshDue <= due) return;
        clearTimeout(this.#refreshTimer);
        this.#refreshDue = due;
        this.#refreshTimer = setTimeout(async () => {
            this.#refreshTimer = 0;
            try {
                await this.#read();
                const missing = this.#maps().filter(([name]) => !this.items.has(name));
                await Promise.all(missing.map(([name]) => this.#loadItems(name)));
                this.#changed();
            } catch (error) {
                if (error instanceof Problem) this.#refresh(SECOND);
                else if (error.name !== "AbortError") throw error;
            }
        }, due - Date.now());
    }
}

