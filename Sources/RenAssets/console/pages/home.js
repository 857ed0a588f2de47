// Home: what needs a person, what runs, what ended, and how ren itself is.

import { path, Problem } from "../api.js";
import { h } from "../h.js";
import { Page, throttled } from "../page.js";
import { link, to } from "../router.js";
import { between, bytes, count, duration, eta, now, percent, plural, rate, relative, time, visible } from "../format.js";
import { countsOf, left } from "../store.js";
import { errorWords } from "../words.js";
import { badge, tally } from "../widgets/badge.js";
import { bar } from "../widgets/bar.js";
import { pauseDialog, resume, retryDialog, signalDialog, stopDialog } from "../widgets/actions.js";
import { verified } from "../widgets/journal-verify.js";
import { empty, loading, problemBox } from "../widgets/problem.js";
import { icon } from "../widgets/icon.js";
import { table } from "../widgets/table.js";

const OPEN_MAX = 20;
const RECENT_MAX = 12;
/** Those of today need somebody. */
const FAILED_MAX = 9;
const RECENT_HEADS = ["Run", "Status", "Flow", ["Took", "number"], "Ended", "Error"];

export class HomePage extends Page {
    #runs = null;
    /** @type {Map<string, object>} snapshots of open runs */
    #open = new Map();
    #ready = null;
    #metrics = null;
    #workers = null;
    #index = null;
    /** @type {Map<string, {end(): void}>} */
    #followed = new Map();

    get title() {
        const waiting = this.#needing().length;
        return waiting ? `(${waiting}) ren` : "ren";
    }

    start() {
        const again = throttled(() => this.#load(), 1000);
        this.#load();
        this.follow({ topic: "runs", kinds: ["event"] }, { events: again, reset: again });
        this.every(10_000, () => this.#loadHealth());
        this.#loadHealth();
        this.atEnd(() => this.#followed.forEach((each) => each.end()));
    }

    async #load() {
        await this.read(async () => {
            const { api } = this.app;
            const [open, recent, failed] = await Promise.all([
                api.get("/runs", { status: "open", limit: OPEN_MAX }, this.signal),
                api.get("/runs", { limit: RECENT_MAX + OPEN_MAX }, this.signal),
                api.get("/runs", { status: "failed", limit: FAILED_MAX }, this.signal),
            ]);
            const ended = recent.items.filter((run) => run.ended);
            const looked = [...open.items, ...failed.items];
            const snapshots = await Promise.all(
                looked.map((run) => api.get(path`/runs/${run.run}`, null, this.signal).catch((error) => {
                    if (error instanceof Problem && error.status === 404) return null;
                    throw error;
                })));
            this.#open = new Map(snapshots.filter(Boolean).map((snapshot) => [snapshot.run, snapshot]));
            this.#runs = {
                open: open.items, more: open.next !== null, ended: ended.slice(0, RECENT_MAX), failed: failed.items,
            };
            this.#followProgress(open.items);
        });
    }

    #followProgress(open) {
        const names = new Set(open.filter((run) => run.status === "running").slice(0, 10).map((run) => run.run));
        for (const [run, subscription] of this.#followed) {
            if (names.has(run)) continue;
            subscription.end();
            this.#followed.delete(run);
        }
        for (const run of names) {
            if (this.#followed.has(run)) continue;
            this.#followed.set(run, this.app.stream.subscribe({ topic: "run", run, kinds: ["progress"] }, {
                progress: (nodes) => this.#progressed(run, nodes),
            }));
        }
    }

    #progressed(run, nodes) {
        const snapshot = this.#open.get(run);
        if (!snapshot) return;
        for (const [name, told] of Object.entries(nodes)) {
            const node = snapshot.nodes[name];
            if (!node) continue;
            Object.assign(node, {
                status: told.state, failed: told.failed, running: told.running, rate: told.rate,
                eta_milliseconds: told.eta_s === null ? null : told.eta_s * 1000,
            });
            if (node.total === undefined && told.total > 1) node.total = told.total;
            if (node.total !== undefined) {
                node.succeeded = told.done - (node.skipped ?? 0) - (node.cancelled ?? 0);
                node.pending = Math.max(
                    0,
                    node.total - told.done - told.failed - told.running - (node.retrying ?? 0) - (node.unknown ?? 0),
                );
            }
        }
        this.soon();
    }

    async #loadHealth() {
        try {
            const [ready, metrics, workers, index] = await Promise.all([
                this.app.api.get("/health/ready", null, this.signal), this.app.api.text("/metrics"),
                this.app.api.get("/workers", null, this.signal), this.app.api.get("", null, this.signal),
            ]);
            this.#index = index;
            this.#ready = ready;
            this.#metrics = readMetrics(metrics);
            this.#workers = workers.items.filter((worker) => worker.state !== "exited");
            this.soon();
        } catch (error) {
            // The banner tells when ren is away.
            if (!(error instanceof Problem) && error.name !== "AbortError") throw error;
        }
    }

    /** What waits for a person: questions first, then what cannot go on, then failures. */
    #needing() {
        const needs = [];
        for (const run of this.#runs?.open ?? []) {
            const snapshot = this.#open.get(run.run);
            for (const [name, node] of Object.entries(snapshot?.nodes ?? {})) {
                if (node.status === "waiting" && node.signal !== undefined) needs.push({
                    kind: "question",
                    run,
                    name,
                    node,
                });
                const { unknown = 0 } = countsOf(node);
                if (unknown) needs.push({ kind: "unknown", run, name, node, unknown });
            }
            if (run.waiting) needs.push({ kind: "stuck", run, text: run.waiting.message, hint: run.waiting.hint });
            if (run.status === "quarantined") needs.push({
                kind: "stuck",
                run,
                text: "it was set aside: its history could not be followed",
            });
            const failed = failures(snapshot);
            if (failed) needs.push({ kind: "failed", run, snapshot, failed });
        }
        for (const run of this.#runs?.failed ?? []) {
            const snapshot = this.#open.get(run.run);
            if (snapshot && now() - Date.parse(run.ended) < 86_400_000) {
                needs.push({ kind: "failed", run, snapshot, failed: failures(snapshot) });
            }
        }
        const order = ["question", "unknown", "stuck", "failed"];
        return needs.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
    }

    view() {
        if (!this.#runs) return h("div", { class: "page" },
            h("h1", { class: "sr" }, "Home"),
            problemBox(this.problem) ?? loading(),
        );
        const needs = this.#needing();
        const running = this.#runs.open.filter((run) => run.status !== "waiting");
        const paused = running.filter((run) => run.status === "paused").length;
        const isNew = !this.#runs.open.length && !this.#runs.ended.length;
        return h(
            "div", { class: "page" },
            h("h1", { class: "sr" }, "Home"),
            this.problem?.status ? problemBox(this.problem) : null,
            isNew && empty("No run yet", h("a", { class: "button primary", href: "/flows" }, "Start a flow"),
                ["or on the command line: ", h("code", null, "ren run flow.yaml")]),
            needs.length > 0 && h("section", { "aria-labelledby": "needs" },
                h("h2", { id: "needs" }, `Needs you (${needs.length}${this.#runs.more ? "+" : ""})`),
                h("ul", { class: "cards" }, needs.slice(0, 8).map((need) => this.#need(need))),
                needs.length > 8 && h("p", null, `${needs.length - 8} more: see the `,
                    h("a", { href: "/runs?status=open" }, "open"), " and the ",
                    h("a", { href: "/runs?status=failed" }, "failed"), " runs")),
            !isNew && h("section", { "aria-labelledby": "running" },
                h("h2", { id: "running" },
                    `Running (${running.length - paused}${this.#runs.more ? "+" : ""})`
                        + (paused ? `, paused (${paused})` : "")),
                running.length
                    ? h("ul", { class: "cards" }, running.map((run) => this.#running(run)))
                    : h("p", { class: "quiet" }, "Nothing runs. ", h("a", { href: "/flows" }, "Start a flow"), ".")),
            this.#runs.ended.length > 0 && h("section", { "aria-labelledby": "recent" },
                h("h2", { id: "recent" }, "Recent"),
                table(RECENT_HEADS, this.#runs.ended.map((run) => h("tr", { key: run.run },
                    h("td", { class: "wide" }, h("a", { href: to.run(run.run), title: run.run }, visible(run.run))),
                    h("td", null, badge(run.status)),
                    h("td", null, h("a", { href: to.flow(run.flow) }, visible(run.flow))),
                    h("td", { class: "number" }, between(run.created, run.ended)),
                    h("td", { class: "time", title: run.ended }, time(run.ended)),
                    h("td", { class: "cut", title: run.error?.message ?? "" }, errorWords(run.error))))),
                h("p", null, h("a", { href: "/runs" }, "All runs"))),
            this.#health(),
        );
    }

    #need(need) {
        const { run } = need;
        const name = h("a", { class: "name", href: to.run(run.run), title: run.run }, visible(run.run));
        if (need.kind === "question") {
            return h("li", { key: `${run.run} ${need.name}`, class: "card ask" },
                icon("waiting"), name,
                h("span", { class: "grow" }, visible(need.node.message, { max: 300 }), " ",
                    h("span", { class: "quiet" },
                        `waits for “${visible(need.node.signal)}” for ${between(need.node.begun)}`,
                    )),
                h("button", {
                    type: "button", class: "primary",
                    onclick: () => signalDialog(this.app, run.run, need.name, need.node),
                }, "Answer…"));
        }
        if (need.kind === "unknown") {
            const isMap = need.node.total !== undefined;
            return h("li", { key: `${run.run} ${need.name} unknown`, class: "card bad" },
                icon("unknown"), name,
                h("span", { class: "grow" },
                    isMap ? `${plural(need.unknown, "item")} of ${visible(need.name)}` : visible(need.name),
                    ": nobody knows whether it was done, and it is to run once; retry or skip it"),
                h("a", {
                    class: "button", href: to.node(run.run, need.name, isMap ? { state: "unknown" } : null),
                }, "Look"));
        }
        if (need.kind === "stuck") {
            return h("li", { key: `${run.run} stuck`, class: "card bad" },
                icon("quarantined"), name,
                h("span", { class: "grow" },
                    visible(need.text, { max: 400 }),
                    need.hint && h("span", { class: "quiet" }, ` ${visible(need.hint)}`),
                ),
                h("a", { class: "button", href: to.run(run.run) }, "Look"));
        }
        const { snapshot, failed } = need;
        const causes = snapshot.problems.filter((group) => group.failures).slice(0, 3)
            .map((group) => `${visible(group.name, { max: 60 })} ×${count(group.failures)}`);
        const first = snapshot.problems.find((group) => group.failures);
        const map = first && snapshot.nodes[first.node]?.total !== undefined ? first.node : null;
        return h("li", { key: `${run.run} failed`, class: "card bad" },
            icon("failed"), name,
            h("span", { class: "grow" },
                map ? `${plural(failed, "item")} of ${visible(map)}` : visible(first?.node ?? "a node"), " failed",
                run.ended ? `, ${relative(run.ended)}` : " so far", causes.length ? " · " : "",
                h("span", { class: "quiet" },
                    causes.join(", ") || visible(snapshot.error?.message ?? "", { max: 200 }),
                )),
            h("a", {
                class: "button", href: map ? to.node(run.run, map, { state: "failed" }) : to.run(run.run),
            }, "Look"),
            h("button", { type: "button", onclick: () => retryDialog(this.app, run.run, {}, failed || 1) },
                icon("retrying"), "Retry…"));
    }

    #running(run) {
        const snapshot = this.#open.get(run.run);
        const maps = Object.entries(snapshot?.nodes ?? {}).filter(
            ([, node]) => node.total !== undefined && node.status === "running",
        );
        const others = Object.entries(snapshot?.nodes ?? {}).filter(
            ([, node]) => node.total === undefined && node.status === "running",
        );
        return h(
            "li", { key: run.run, class: "card" },
            badge(run.status, between(run.created)),
            h("a", { class: "name", href: to.run(run.run), title: run.run }, visible(run.run)),
            h("span", { class: "grow" },
                maps.map(([name, node]) => h("span", { key: name, class: "progress-line" },
                    h("a", { href: to.node(run.run, name) }, visible(name)),
                    bar(node, node.total, `${visible(name)} of ${visible(run.run)}`),
                    h("span", { class: "numbers" },
                        `${count(node.total - left(node))}/${count(node.total)} · `
                            + `${percent(node.total - left(node), node.total)}`,
                    ),
                    node.failed > 0 && tally("failed", node.failed, plural(node.failed, "failed", "failed")),
                    node.rate && run.status === "running" ? h("span", { class: "quiet" },
                        `${rate(node.rate)} · until ${eta(node.eta_milliseconds)}`,
                    ) : null)),
                others.map(([name, node]) => h("span", { key: name, class: "progress-line" }, visible(name),
                    h("span", { class: "quiet" }, ` since ${between(node.begun)}`))),
                !maps.length && !others.length && h("span", { class: "quiet" },
                    run.status === "paused" ? "nothing goes on until it is resumed" : visible(run.flow),
                )),
            run.status === "paused"
                ? h("button", { type: "button", onclick: () => resume(this.app, run.run) }, icon("running"), "Resume")
                : h("button", {
                    type: "button", onclick: () => pauseDialog(this.app, run.run, () => inFlight(snapshot)),
                    disabled: run.status !== "running",
                }, icon("paused"), "Pause"),
            h("button", {
                type: "button", class: "plain", "aria-label": `Stop ${visible(run.run)}`, title: "Stop",
                onclick: () => stopDialog(this.app, run, () => null),
            }, icon("stopped")));
    }

    #health() {
        if (!this.#ready) return null;
        const { ready, storage, reasons } = this.#ready;
        const of = (name) => this.#metrics?.get(name);
        const last = Math.max(this.#index.time ? Date.parse(this.#index.time) : 0, this.app.stream.moved);
        const calls = this.#workers?.reduce((sum, each) => sum + each.calls.length, 0);
        const facts = [
            h("span", null, icon(ready ? "succeeded" : "quarantined"), ready ? "ready" : "not ready"),
            `storage ${storage}`,
            h("span", null, of("ren_journal_used_bytes") !== undefined
                && `journal ${bytes(of("ren_journal_used_bytes"))}, `,
                h("a", { href: link("/journal", { view: "verify" }) }, verified(this.#index))),
            of("ren_disk_free_bytes") !== undefined && `disk ${bytes(of("ren_disk_free_bytes"))} free`,
            `${plural(this.app.stream.head, "event")}`,
            last > 0 && h("span", { title: new Date(last).toISOString() },
                `last append ${relative(new Date(last).toISOString())}`),
            this.#workers && `${plural(this.#workers.length, "worker")}, ${plural(calls, "call")} now`,
            of("process_resident_memory_bytes") !== undefined && `memory ${bytes(of("process_resident_memory_bytes"))}`,
            of(
                "process_start_time_seconds",
            ) !== undefined && `up ${duration(now() - of("process_start_time_seconds") * 1000)}`,
        ].filter(Boolean);
        return h("section", { class: "health", "aria-labelledby": "health" },
            h("h2", { id: "health" }, "Health"),
            h("p", { class: "facts" }, facts.map((fact, index) => h("span", { key: index }, fact))),
            reasons.length > 0 && h("ul", null,
                reasons.map((reason) => h("li", { key: reason.code },
                    visible(reason.message),
                    reason.hint && ` (${visible(reason.hint)})`,
                )),
            ));
    }
}

function failures(snapshot) {
    return (snapshot?.problems ?? []).reduce((sum, group) => sum + group.failures, 0);
}

function inFlight(snapshot) {
    return Object.values(snapshot?.nodes ?? {}).reduce((sum, node) => sum + (countsOf(node).running ?? 0), 0);
}

/** Numbers without labels. */
function readMetrics(text) {
    const numbers = new Map();
    for (const line of text.split("\n")) {
        const match = /^([a-z_]+) ([0-9.e+-]+)$/.exec(line);
        if (match) numbers.set(match[1], Number(match[2]));
    }
    return numbers;
}
