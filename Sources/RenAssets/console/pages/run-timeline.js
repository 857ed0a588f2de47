// When a run did what, node by node.

import { path } from "../api.js";
import { h } from "../h.js";
import { throttled } from "../page.js";
import { count, duration, moment, plural, visible } from "../format.js";
import { loading } from "../widgets/problem.js";
import { table } from "../widgets/table.js";
import { spanWords, Timeline } from "../widgets/timeline.js";
import { RunPage } from "./run.js";

const BUCKETS = 240;
const ZOOM = 0.5;
/** Milliseconds. */
const STRETCH_MIN = 2;
/** A stretch that is shorter is told to the millisecond. */
const FINE = 10_000;

export class RunTimelinePage extends RunPage {
    #timeline = null;
    #range = "";

    get back() {
        return this.at.tab();
    }

    start() {
        super.start();
        const again = throttled(() => this.#load(), 3000);
        this.atEnd(this.store.listen(() => this.route.query.to || again()));
        // Time goes on also where nothing happens.
        this.every(5000, () => this.store.isOpen && !this.route.query.to && again());
        this.update();
    }

    update() {
        super.update();
        const { from, to: until } = this.route.query;
        const range = `${from}/${until}/${this.asOf}`;
        if (range === this.#range && this.#timeline) return;
        this.#range = range;
        this.#load();
    }

    async #load() {
        const { from, to: until } = this.route.query;
        await this.read(async () => {
            const wanted = this.#range;
            const timeline = await this.app.api.get(
                path`/runs/${this.run}/timeline`, { from, to: until, buckets: BUCKETS, as_of: this.asOf }, this.signal);
            // A late answer is about a stretch that was left.
            if (wanted === this.#range) this.#timeline = timeline;
        });
    }

    /** Shows a stretch, as far as it is one of the run. */
    #show(from, until) {
        const iso = (milliseconds) => new Date(milliseconds).toISOString();
        const { created, ended } = this.store.snapshot;
        const first = Date.parse(created);
        const last = Math.max(ended && !this.store.isPast ? Date.parse(ended) : this.store.now, first + STRETCH_MIN);
        const width = Math.min(Math.max(until - from, STRETCH_MIN), last - first);
        const begin = Math.max(first, Math.min(from, last - width));
        this.app.router.set({ from: iso(begin), to: iso(begin + width) }, { isStep: true });
    }

    /** Of the stretch that is wanted: what is shown may be the one before. */
    #zoom(factor, shift = 0) {
        const { from: wanted, to: until } = this.route.query;
        const from = Date.parse(wanted ?? this.#timeline.from);
        const width = Math.max(Date.parse(until ?? this.#timeline.to) - from, STRETCH_MIN);
        const middle = from + width / 2 + shift * width;
        this.#show(middle - (width * factor) / 2, middle + (width * factor) / 2);
    }

    get keys() {
        return {
            ...super.keys,
            "+": ["Zoom in", () => this.#timeline && this.#zoom(ZOOM)],
            "-": ["Zoom out", () => this.#timeline && this.#zoom(1 / ZOOM)],
            z: ["The whole run", () => this.app.router.set({ from: null, to: null })],
        };
    }

    content() {
        const timeline = this.#timeline;
        if (!timeline) return this.problem ? null : loading();
        const isZoomed = this.route.query.from || this.route.query.to;
        const length = Date.parse(timeline.to) - Date.parse(timeline.from);
        return h(
            "div", null,
            h("h2", { class: "sr" }, "Timeline"),
            h("div", { class: "line filters" },
                h("span", null, [timeline.from, timeline.to].map(
                    (time) => moment(time, { milliseconds: length < FINE })).join(" to ")),
                h("span", { class: "quiet" }, `${duration(length)}, ${
                    duration(timeline.width_milliseconds)
                } to a step`),
                h("span", { class: "grow" }),
                h("button", { type: "button", title: "+", onclick: () => this.#zoom(ZOOM) }, "Zoom in"),
                h("button", { type: "button", title: "-", onclick: () => this.#zoom(1 / ZOOM) }, "Zoom out"),
                h("button", { type: "button", "aria-label": "Earlier", onclick: () => this.#zoom(1, -0.5) }, "←"),
                h("button", { type: "button", "aria-label": "Later", onclick: () => this.#zoom(1, 0.5) }, "→"),
                h("button", {
                    type: "button", title: "z", disabled: !isZoomed,
                    onclick: () => this.app.router.set({ from: null, to: null }),
                }, "Whole run")),
            h(Timeline, {
                timeline, onzoom: (from, until) => this.#show(from, until),
                onopen: (node, key) => this.app.router.go(key === null ? this.at.node(node) : this.at.item(node, key)),
                label: `What ran when, ${plural(timeline.lanes.length, "node")}. The tables below have the same `
                    + "in words.",
            }),
            this.#legend(timeline),
            this.#table(timeline),
            this.#bars(timeline),
        );
    }

    /** What is drawn, in words; only what there is. */
    #legend(timeline) {
        const { lanes, pauses, restarts } = timeline;
        const spans = lanes.flatMap(({ bars }) => bars ?? []).flatMap((bar) => bar.spans);
        const has = (kind) => spans.some((span) => span.kind === kind);
        // A node without items has a bar in the place of areas.
        const areWaiting = lanes.some(({ bars, waiting }) =>
            waiting.some(Boolean) && !bars?.some(({ item }) => item === null));
        const swatch = (look, text) => h("span", { class: "swatch" },
            h("span", { class: `ramp ${look}`, "aria-hidden": "true" }), text);
        return h("p", { class: "quiet legend" },
            swatch("go", "running"),
            (areWaiting || has("retry_wait")) && swatch(
                "hatched", areWaiting ? "waiting for its turn or another try" : "waiting to be tried again"),
            has("queue") && swatch("dotted", "waiting for its turn"),
            has("signal_wait") && swatch("box", "waiting for a signal"),
            swatch("bad", "failed"),
            spans.some(({ end }) => /interrupted|forked/.test(end)) && swatch("off", "interrupted"),
            swatch("line", "done (its own scale)"),
            pauses.length > 0 && swatch("band", plural(pauses.length, "pause")),
            restarts.length > 0 && swatch("dashed", plural(restarts.length, "restart of ren", "restarts of ren")),
            h("span", null, "Drag to zoom", lanes.some(({ bars }) => bars === null)
                ? "; where fewer than 200 items are at work, each has a bar." : "; click a bar to open it."));
    }

    #table(timeline) {
        const sum = (values) => values.reduce((total, value) => total + value, 0);
        const width = timeline.width_milliseconds;
        const when = (index) => moment(new Date(Date.parse(timeline.from) + index * width).toISOString());
        return table([
            "Node", "First", "Last", ["Began", "number"], ["Done", "number"], ["Failed", "number"],
            ["At once, at most", "number"], ["Waiting, at most", "number"],
        ], timeline.lanes.map((lane) => {
            const isAtWork = (value, index) => value > 0 || lane.waiting[index] > 0;
            const first = lane.running.findIndex(isAtWork);
            const last = lane.running.findLastIndex(isAtWork);
            return h("tr", { key: lane.node },
                h("td", null, h("a", { href: this.at.node(lane.node) }, visible(lane.node))),
                h("td", { class: "time" }, first < 0 ? "–" : when(first)),
                h("td", { class: "time" }, last < 0 ? "–" : when(last + 1)),
                h("td", { class: "number" }, count(sum(lane.started))),
                h("td", { class: "number" }, count(sum(lane.succeeded))),
                h("td", { class: "number" }, count(sum(lane.failed))),
                h("td", { class: "number" }, count(Math.max(0, ...lane.running))),
                h("td", { class: "number" }, count(Math.max(0, ...lane.waiting))));
        }));
    }

    /** The bars of items in words: each leads to its item without a pointer too. */
    #bars(timeline) {
        const rows = timeline.lanes.flatMap(({ node, bars }) => (bars ?? []).filter(
            ({ item }) => item !== null,
        ).map((bar) => ({ node, ...bar })));
        return rows.length > 0 && h("details", null,
            h("summary", null, `${plural(rows.length, "item")} in this stretch`),
            table(["Item", "Node", "First", ["Took", "number"], "What"], rows.map(({ node, item, key, spans }) => {
                const [first, last] = [spans[0], spans.at(-1)];
                return h("tr", { key: `${node}/${item}` },
                    h("td", null, h("a", { href: this.at.item(node, key) }, visible(key, { max: 80 }))),
                    h("td", null, visible(node)),
                    h("td", { class: "time" }, moment(first.from, { milliseconds: true })),
                    h("td", { class: "number" },
                        duration(Date.parse(last.to ?? timeline.known) - Date.parse(first.from)),
                    ),
                    h("td", null, spans.map(spanWords).join(", ")));
            })));
    }
}
