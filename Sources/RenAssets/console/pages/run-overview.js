// A run at a glance: the plan, how fast it goes, what failed and why, and every item as one cell.

import { path, Problem } from "../api.js";
import { h } from "../h.js";
import { throttled } from "../page.js";
import { between, count, duration, eta, percent, plural, rate, relative, time, visible } from "../format.js";
import { countsOf, left } from "../store.js";
import { place, nodeNote, sentence, stateOf } from "../words.js";
import { retryDialog } from "../widgets/actions.js";
import { badge, tally } from "../widgets/badge.js";
import { bar } from "../widgets/bar.js";
import { graphView } from "../widgets/graph.js";
import { icon } from "../widgets/icon.js";
import { itemMap } from "../widgets/item-map.js";
import { JSONView } from "../widgets/json.js";
import { sparkline } from "../widgets/sparkline.js";
import { table } from "../widgets/table.js";
import { RunPage } from "./run.js";

const HOUR = 3_600_000;
const LATEST = 8;
const SHOWN_PROBLEMS = 6;
/** No event for so many p99 item times: something may be wrong. */
const STALLED_TIMES = 3;
const STALLED_MIN = 30_000;

export class RunOverviewPage extends RunPage {
    #rates = null;
    #times = null;
    /** What it gave: `{value}`, or `{text}` where that cannot be read; null while it is. */
    #result = null;
    /** The end of the run that gave it: it may end more than once. */
    #resultOf = null;
    #resultView = new JSONView(this.paint);
    #again = throttled(() => this.#loadRates(), 5000);

    start() {
        super.start();
        this.atEnd(this.store.listen(this.#again));
        this.#again();
    }

    update() {
        super.update();
        if (this.store.isPast) this.#again();
    }

    /** The map that is shown below: the one of the address, else the one that works, else the last that did. */
    get #map() {
        const maps = Object.entries(this.store.snapshot.nodes).filter(([, node]) => node.total !== undefined);
        const wanted = maps.find(([name]) => name === this.route.query.node);
        const best = wanted ?? maps.find(
            ([, node]) => node.status === "running",
        ) ?? maps.find(([, node]) => node.failed) ?? maps[0];
        return best?.[0] ?? null;
    }

    async #loadRates() {
        const snapshot = this.store.snapshot;
        if (!snapshot || (this.store.isPast && snapshot.as_of !== this.asOf)) {
            setTimeout(() => this.signal.aborted || this.store.problem || this.#loadRates(), 200);
            return;
        }
        try {
            const map = this.#map;
            const { isPast, now } = this.store;
            const end = snapshot.ended && !isPast ? Date.parse(snapshot.ended) : now;
            const from = new Date(Math.max(Date.parse(snapshot.created), end - HOUR)).toISOString();
            const [timeline, node] = await Promise.all([
                Date.parse(from) < end ? this.app.api.get(
                    path`/runs/${this.run}/timeline`,
                    { from, as_of: this.asOf, buckets: 60 },
                    this.signal,
                ) : null,
                // How long items take is known of the run as it is.
                map && !isPast ? this.app.api.get(path`/runs/${this.run}/nodes/${map}`, null, this.signal) : null,
            ]);
            this.#rates = timeline;
            this.#times = node ? { node: map, ...node.times } : null;
            this.soon();
        } catch (error) {
            // The next one comes soon.
            if (!(error instanceof Problem) && error.name !== "AbortError") throw error;
        }
    }

    content(snapshot) {
        const { store } = this;
        const map = this.#map;
        return h(
            "div", { class: "overview" },
            graphView(store.graph, {
                label: "The run's nodes", address: (name) => this.at.node(name), now: (name) => this.#now(name),
            }),
            h("div", { class: "two" }, this.#progress(snapshot), this.#problems()),
            map && itemMap(this, map),
            this.#nodes(snapshot),
            snapshot.status === "succeeded" && !store.isPast && this.#output(),
            this.#latest(),
        );
    }

    #now(name) {
        const node = this.store.snapshot.nodes[name];
        if (!node) return undefined;
        return { status: node.status, total: node.total, counts: this.store.counts(name), text: this.#short(node) };
    }

    #short(node) {
        if (node.status === "running") return `running ${duration(this.store.now - Date.parse(node.begun))}`;
        if (node.status === "succeeded" && node.way) return `took “${visible(node.way, { max: 10 })}”`;
        if (node.status === "succeeded" && node.begun) return `done in ${between(node.begun, node.ended)}`;
        return undefined;
    }

    #progress(snapshot) {
        const { store } = this;
        const maps = Object.entries(snapshot.nodes).filter(([, node]) => node.total !== undefined);
        const isAtWork = (node) => node.status === "running" && snapshot.status === "running";
        const { done, total } = store.progress;
        return h(
            "section", { class: "panel", "aria-labelledby": "progress" },
            h("h2", { id: "progress" }, "Progress"),
            maps.length === 0 && h("p", null,
                bar(statuses(snapshot.nodes), total, "The run"),
                ` ${count(done)} of ${plural(total, "node")}`,
            ),
            maps.map(([name, node]) => {
                const counts = store.counts(name);
                const open = left(counts);
                return h("div", { key: name, class: store.isOpen ? "progress-row" : "progress-row ended" },
                    h("a", { href: this.at.node(name), title: name }, visible(name)),
                    bar(counts, node.total, visible(name)),
                    h("span", { class: "numbers" }, node.total ? percent(node.total - open, node.total) : "none"),
                    h("span", { class: "numbers quiet" },
                        isAtWork(node) ? rate(node.rate) : node.begun && node.ended ? duration(
                            Date.parse(node.ended) - Date.parse(node.begun),
                        ) : "–",
                    ),
                    store.isOpen && h("span", { class: "numbers quiet" },
                        isAtWork(node) && open && node.eta_milliseconds
                            ? `until ${eta(node.eta_milliseconds)}`
                            : ""),
                    h("span", { class: "tallies" },
                        tally("succeeded", counts.succeeded, count(counts.succeeded)),
                        counts.failed > 0 && h("a", { href: this.at.node(name, { state: "failed" }) },
                            tally("failed", counts.failed, plural(counts.failed, "failed", "failed")),
                        ),
                        counts.retrying > 0 && tally(
                            "retrying", counts.retrying,
                            `${count(counts.retrying)} ${store.isOpen || store.isPast ? "to retry" : "not tried again"}`,
                        ),
                        counts.running > 0 && tally("running", counts.running, `${count(counts.running)} running`)));
            }),
            this.#rates && h("div", { class: "chart" },
                sparkline(this.#perBucket(), "Nodes and items that ended, over time"),
                h("p", { class: "quiet" },
                    `ended, ${duration(this.#rates.width_milliseconds)} to a bar, ${time(this.#rates.from)} to `,
                    this.store.isOpen ? "now" : time(this.#rates.to),
                )),
            this.#life(),
        );
    }

    #perBucket() {
        const length = this.#rates.lanes[0]?.succeeded.length ?? 0;
        return Array.from({ length }, (_, index) => ({
            good: this.#rates.lanes.reduce((sum, lane) => sum + lane.succeeded[index], 0),
            bad: this.#rates.lanes.reduce((sum, lane) => sum + lane.failed[index], 0),
        }));
    }

    /** Slow, waiting and stuck are three things. */
    #life() {
        const { store } = this;
        if (!store.isOpen) return null;
        const last = store.lastEventAt || Date.parse(store.snapshot.updated);
        const silence = this.store.now - last;
        const patience = Math.max(STALLED_MIN, STALLED_TIMES * (this.#times?.p99_milliseconds ?? 0));
        const isStalled = store.status === "running" && store.inFlight > 0 && silence > patience;
        return h("p", { class: isStalled ? "note warn" : "quiet" },
            isStalled && [icon("quarantined"), h("strong", null, "Stalled? ")],
            `last sign of life ${duration(silence)} ago`,
            isStalled && this.#times?.samples > 0
                && `; items take ${duration(this.#times.p99_milliseconds)} at most (p99)`,
            this.#times?.samples > 0
                && ` · ${visible(this.#times.node)}: p50 ${duration(this.#times.p50_milliseconds)}, `
                    + `p95 ${duration(this.#times.p95_milliseconds)}, p99 ${duration(this.#times.p99_milliseconds)}`);
    }

    #problems() {
        const { store } = this;
        const groups = store.problems.filter((group) => group.failures > 0);
        const passing = store.problems.filter((group) => group.failures === 0);
        const failed = this.failures;
        const nodes = Object.entries(store.snapshot.nodes).map(
            ([name, node]) => [name, store.counts(name) ?? countsOf(node)]);
        const retrying = nodes.reduce((sum, [, counts]) => sum + (counts.retrying ?? 0), 0);
        const unknown = nodes.filter(([, counts]) => counts.unknown > 0);
        return h(
            "section", { class: "panel", "aria-labelledby": "problems" },
            h("div", { class: "line" },
                h("h2", { id: "problems" }, groups.length
                    ? `Problems: ${plural(failed, "failure")}, ${plural(groups.length, "cause")}`
                    : "Problems"),
                h("span", { class: "grow" }),
                !this.store.isPast && failed > 0 && h("button", {
                    type: "button", onclick: () => retryDialog(this.app, this.run, {}, failed),
                }, icon("retrying"), `Retry all ${count(failed)}`)),
            !store.problems.length && !unknown.length
                && h("p", { class: "quiet" }, icon("succeeded"), " Nothing failed."),
            h("ul", { class: "causes" },
                [...groups, ...passing].slice(0, SHOWN_PROBLEMS).map((group) => this.#cause(group)),
            ),
            store.problems.length > SHOWN_PROBLEMS && h("p", { class: "quiet" },
                `and ${store.problems.length - SHOWN_PROBLEMS} more causes`,
            ),
            unknown.map(([name, counts]) => h("p", { key: name },
                h("a", { href: this.at.node(name, store.counts(name) ? { state: "unknown" } : null) },
                    tally("unknown", counts.unknown, `${count(counts.unknown)} unknown`)),
                ` of ${visible(name)}: whether it was done only a person can tell. Retry or skip it.`)),
            retrying > 0 && h("p", null,
                tally("retrying", retrying, store.isOpen || store.isPast
                    ? `${plural(retrying, "item")} will be tried again`
                    : `${plural(retrying, "item")} failed and the run ended before another try`),
            ),
        );
    }

    #cause(group) {
        const [sample] = group.samples;
        const isItem = sample && sample.key !== null;
        // Which of the failures of that time are of one kind is not kept.
        const query = this.store.isPast ? { state: "failed" } : { problem: group.fingerprint };
        const list = sample && isItem ? this.at.node(sample.node, query) : null;
        return h(
            "li", { key: group.fingerprint },
            h("div", { class: "cause-line" },
                icon(group.failures ? "failed" : "retrying", group.failures ? "bad" : "warn"),
                h("span", { class: "grow cut", title: group.message },
                    h("strong", null, visible(group.name, { max: 100 })), ` ${visible(group.message, { max: 400 })}`),
                h("span", { class: "numbers" },
                    group.failures
                        ? `×${count(group.failures)}`
                        : `${plural(group.attempts, "attempt")}, none failed `
                            + (this.store.isOpen || this.store.isPast ? "for good so far" : "in the end"),
                )),
            h("div", { class: "quiet cause-more" },
                group.frame && `${visible(group.frame)} · `,
                `first ${time(group.first)}`,
                group.first !== group.last && `, last ${time(group.last)}`,
                sample && [" · e.g. ", isItem
                    ? h("a", { key: "e", href: this.at.item(sample.node, sample.key) },
                        visible(sample.key, { max: 60 }),
                    )
                    : h("a", { key: "n", href: this.at.node(sample.node) }, visible(sample.node))],
                list && group.failures > 0 && [
                    " · ",
                    h("a", { key: "l", href: list },
                        this.store.isPast ? "list failed" : `list ${count(group.failures)}`),
                ],
                sample && group.failures > 0 && !this.store.isPast && [
                    " · ",
                    h("button", {
                        key: "r", type: "button", class: "small",
                        onclick: () => retryDialog(
                            this.app, this.run, { problem: group.fingerprint }, group.failures),
                    }, `Retry ${count(group.failures)}`),
                ]),
        );
    }

    #nodes(snapshot) {
        return h(
            "section", { "aria-labelledby": "nodes" },
            h("h2", { id: "nodes" }, "Nodes"),
            table([
                "Node", "Status", ["Items", "number"], ["Attempts", "number"], "Began", ["Took", "number"], "What",
            ], Object.entries(snapshot.nodes).map(([name, node]) => {
                const counts = this.store.counts(name);
                return h("tr", { key: name },
                    h("td", null, h("a", { href: this.at.node(name), title: name }, visible(name))),
                    h("td", null, badge(node.status)),
                    h("td", { class: "number" }, counts ? `${count(counts.succeeded)}/${count(node.total)}` : "–"),
                    h("td", { class: "number" }, node.attempts || "–"),
                    h("td", { class: "time", title: node.begun ?? "" }, node.begun ? time(node.begun) : "–"),
                    h("td", { class: "number" },
                        node.begun ? duration(
                            (node.ended ? Date.parse(node.ended) : this.store.now) - Date.parse(node.begun),
                        ) : "–",
                    ),
                    h("td", { class: "cut" },
                        counts?.failed ? plural(counts.failed, "item failed", "items failed") : nodeNote(node),
                    ));
            }), { class: "nodes" }),
        );
    }

    #output() {
        const { ended } = this.store.snapshot;
        if (this.#resultOf !== ended) {
            this.#result = null;
            this.#resultOf = ended;
            const take = (result) => {
                if (this.#resultOf === ended) this.#result = result;
                this.soon();
            };
            this.app.api.get(path`/runs/${this.run}/result`, null, this.signal).then(
                (value) => take({ value }),
                (problem) => problem instanceof Problem && take({ text: problem.message }));
        }
        return h("section", { "aria-labelledby": "result" }, h("h2", { id: "result" }, "Result"),
            this.#result?.text ?? (this.#result ? this.#resultView.view(this.#result.value) : h("p", { class: "quiet" },
                "Reading…",
            )));
    }

    #latest() {
        const events = this.store.latest.slice(-LATEST).reverse();
        return h(
            "section", { "aria-labelledby": "latest" },
            h("h2", { id: "latest" }, "Latest"),
            events.length
                ? h("ul", { class: "latest" }, events.map((event) => h("li", { key: event.sequence },
                    h("a", { class: "numbers", href: this.at.tab("journal", { seq: event.sequence }) },
                        count(event.sequence),
                    ),
                    h("span", { class: "time", title: event.time }, time(event.time)),
                    icon(stateOf(event)), h("span", { class: "cut" },
                        place(event),
                        place(event) && " ",
                        sentence(event),
                    ))))
                : h("p", { class: "quiet" },
                    this.store.isOpen
                        ? "Nothing happened since this page was opened. "
                        : this.store.isPast ? "" : `It ended ${relative(this.store.snapshot.ended)}. `,
                    h("a", { href: this.at.tab("journal") }, "The journal"), " has all events."),
        );
    }
}

/** How many nodes have each status. */
function statuses(nodes) {
    const counts = {};
    for (const node of Object.values(nodes)) {
        counts[node.status] = (counts[node.status] ?? 0) + 1;
    }
    return counts;
}
