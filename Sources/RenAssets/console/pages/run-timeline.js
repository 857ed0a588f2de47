// When a run did what, node by node.

import { path } from "../api.js";
import { h } from "../h.js";
import { throttled } from "../page.js";
import { count, duration, moment, plural, visible } from "../format.js";
import { loading } from "../widgets/problem.js";
import { table } from "../widgets/table.js";
import { Timeline } from "../widgets/timeline.js";
import { RunPage } from "./run.js";

const BUCKETS = 240;
const ZOOM = 0.5;

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
            this.#timeline = await this.app.api.get(
                path`/runs/${this.run}/timeline`, { from, to: until, buckets: BUCKETS, as_of: this.asOf }, this.signal);
        });
    }

    #show(from, until) {
        const iso = (milliseconds) => new Date(milliseconds).toISOString();
        if (until - from >= 2) this.app.router.set({ from: iso(from), to: iso(until) }, { isStep: true });
    }

    #zoom(factor, shift = 0) {
        const from = Date.parse(this.#timeline.from);
        const width = Date.parse(this.#timeline.to) - from;
        const middle = from + width / 2 + shift * width;
        this.#show(middle - (width * factor) / 2, middle + (width * factor) / 2);
    }

    get keys() {
        return {
            ...super.keys,
            "+": ["Zoom in", () => this.#timeline && this.#zoom(ZOOM)],
            "-": ["Zoom out", () => this.#timeline && this.#zoom(1 / ZOOM)],
            0: ["The whole run", () => this.app.router.set({ from: null, to: null })],
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
                h("span", null, `${moment(timeline.from)} to ${moment(timeline.to)}`),
                h("span", { class: "quiet" }, `${duration(length)}, ${
                    timeline.width_milliseconds ? duration(timeline.width_milliseconds) : "under 1 ms"
                } to a bar`),
                h("span", { class: "grow" }),
                h("button", { type: "button", title: "+", onclick: () => this.#zoom(ZOOM) }, "Zoom in"),
                h("button", { type: "button", title: "-", onclick: () => this.#zoom(1 / ZOOM) }, "Zoom out"),
                h("button", { type: "button", "aria-label": "Earlier", onclick: () => this.#zoom(1, -0.5) }, "←"),
                h("button", { type: "button", "aria-label": "Later", onclick: () => this.#zoom(1, 0.5) }, "→"),
                h("button", {
                    type: "button", title: "0", disabled: !isZoomed,
                    onclick: () => this.app.router.set({ from: null, to: null }),
                }, "Whole run")),
            h(Timeline, {
                timeline, onzoom: (from, until) => this.#show(from, until),
                label: `What ran when, ${plural(timeline.lanes.length, "node")}. The table below has the same `
                    + `in numbers.`,
            }),
            h("p", { class: "quiet legend" },
                h("span", { class: "swatch" }, h("span", { class: "ramp go", "aria-hidden": "true" }), "running"),
                h("span", { class: "swatch" },
                    h("span", { class: "ramp line", "aria-hidden": "true" }),
                    "done (line, its own scale)",
                ),
                h("span", { class: "swatch" }, h("span", { class: "ramp bad", "aria-hidden": "true" }), "failed"),
                timeline.pauses.length > 0 && h("span", { class: "swatch" },
                    h("span", { class: "ramp band", "aria-hidden": "true" }),
                    plural(timeline.pauses.length, "pause"),
                ),
                timeline.restarts.length > 0 && h("span", { class: "swatch" },
                    h("span", { class: "ramp dashed", "aria-hidden": "true" }),
                    plural(timeline.restarts.length, "restart of ren", "restarts of ren"),
                ),
                h("span", null, "Drag to zoom.")),
            this.#table(timeline),
        );
    }

    #table(timeline) {
        const sum = (values) => values.reduce((total, value) => total + value, 0);
        const width = timeline.width_milliseconds;
        const when = (index) => moment(new Date(Date.parse(timeline.from) + index * width).toISOString());
        return table([
            "Node", "First", "Last", ["Began", "number"], ["Done", "number"], ["Failed", "number"],
            ["At once, at most", "number"],
        ], timeline.lanes.map((lane) => {
            const first = lane.running.findIndex((value) => value > 0);
            const last = lane.running.findLastIndex((value) => value > 0);
            return h("tr", { key: lane.node },
                h("td", null, h("a", { href: this.at.node(lane.node) }, visible(lane.node))),
                h("td", { class: "time" }, first < 0 ? "–" : when(first)),
                h("td", { class: "time" }, last < 0 ? "–" : when(last + 1)),
                h("td", { class: "number" }, count(sum(lane.started))),
                h("td", { class: "number" }, count(sum(lane.succeeded))),
                h("td", { class: "number" }, count(sum(lane.failed))), h("td", { class: "number" },
                    count(Math.max(0, ...lane.running)),
                ));
        }));
    }
}
