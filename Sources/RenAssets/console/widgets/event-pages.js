// Events of a run or of the whole journal by their place in it, read page by page as they are looked at.

import { path } from "../api.js";

const BLOCK = 200;
const READ_MAX = 1000;
const BLOCKS_MAX = 60;
/** So many guesses where a version of a run stands in the journal; each comes closer. */
const GUESSES_MAX = 12;

/** All events of a source; the event at `index` has the number `index` + 1 there. */
export class EventPages {
    count = 0;
    #api;
    #run;
    #signal;
    #changed;
    #blocks = new Map();
    #asked = new Map();
    /** Known pairs of number and sequence of a run, in order: between them places are guessed. */
    #anchors = [];

    /**
     * @param {{run: string, last: number, version: number} | null} run its snapshot; null: the journal
     * @param {number} count how many there are
     */
    constructor(api, run, count, signal, changed) {
        this.#api = api;
        this.#run = run?.run ?? null;
        this.#signal = signal;
        this.#changed = changed;
        this.count = count;
        // From the beginning of the journal: a fork's first events stand among those of another run.
        if (run) this.#anchors = [[0, 0], [run.version, run.last]];
    }

    /** The event, or null while it is read. */
    at(index) {
        return this.#blocks.get(Math.floor(index / BLOCK))?.[index % BLOCK] ?? null;
    }

    /** Reads what is missing between two places. Ends when it is there. */
    async need(from, to) {
        const last = Math.floor(Math.max(from, Math.min(to, this.count) - 1) / BLOCK);
        const reads = [];
        for (let block = Math.floor(from / BLOCK); block <= last; block += 1) {
            const kept = this.#blocks.get(block);
            if (kept && (kept.length === BLOCK || block * BLOCK + kept.length >= this.count)) continue;
            if (!this.#asked.has(block)) {
                this.#asked.set(block, this.#read(block).finally(() => this.#asked.delete(block)));
            }
            reads.push(this.#asked.get(block));
        }
        await Promise.all(reads);
    }

    /** Takes events that came live; those that do not follow what is known are read when they are seen. */
    add(events, numberOf) {
        for (const event of events) {
            const index = numberOf(event) - 1;
            this.count = Math.max(this.count, index + 1);
            const block = Math.floor(index / BLOCK);
            if (index % BLOCK === 0 && !this.#blocks.has(block)) this.#blocks.set(block, []);
            const rows = this.#blocks.get(block);
            if (rows && rows.length === index % BLOCK) rows.push(event);
        }
        const last = events[events.length - 1];
        if (this.#run) this.#learn([last]);
    }

    /** The place of the event with a sequence number, or of the first one behind it. */
    async indexOf(sequence) {
        if (!this.#run) return sequence - 1;
        const page = await this.#page(sequence - 1, 1);
        return page.length ? page[0].version - 1 : this.count - 1;
    }

    async #read(block) {
        const start = block * BLOCK;
        const events = this.#run ? await this.#ofRun(start) : await this.#page(start, BLOCK);
        this.#blocks.set(block, events);
        if (this.#blocks.size > BLOCKS_MAX) this.#blocks.delete(this.#blocks.keys().next().value);
        this.#changed();
    }

    /** The run's events behind its version `start`, wherever they stand among those of others. */
    async #ofRun(start) {
        for (let guess = 0; guess < GUESSES_MAX; guess += 1) {
            const [low, high] = this.#around(start);
            if (low[0] === start || start - low[0] + BLOCK <= READ_MAX) {
                const events = await this.#page(low[1], start - low[0] + BLOCK);
                return events.slice(start - low[0], start - low[0] + BLOCK);
            }
            const share = (start - low[0]) / (high[0] - low[0]);
            // A little before the place, so that what is read is what is missing.
            const sequence = Math.max(low[1] + 1, Math.floor(low[1] + share * (high[1] - low[1])) - BLOCK / 2);
            const known = this.#anchors.length;
            await this.#page(sequence, 1);
            if (this.#anchors.length === known) break;
        }
        // Guesses did not come closer: read on from what is known.
        let [number, sequence] = this.#around(start)[0];
        for (;;) {
            const events = await this.#page(sequence, READ_MAX);
            if (!events.length) return [];
            const from = start - number;
            if (from < events.length) return events.slice(from, from + BLOCK);
            number += events.length;
            sequence = events[events.length - 1].sequence;
        }
    }

    #around(start) {
        let low = this.#anchors[0];
        for (const anchor of this.#anchors) {
            if (anchor[0] > start) return [low, anchor];
            low = anchor;
        }
        return [low, low];
    }

    async #page(after, limit) {
        const address = this.#run ? path`/runs/${this.#run}/events` : "/journal/events";
        const { items } = await this.#api.get(
            address,
            { after: Math.max(0, after), limit: Math.min(READ_MAX, limit) },
            this.#signal,
        );
        if (this.#run && items.length) this.#learn([items[0], items[items.length - 1]]);
        return items;
    }

    #learn(events) {
        for (const { version, sequence } of events) {
            const place = this.#anchors.findIndex(([known]) => known >= version);
            if (place < 0) this.#anchors.push([version, sequence]);
            else if (this.#anchors[place][0] !== version) this.#anchors.splice(place, 0, [version, sequence]);
        }
    }
}
