// The frame of all pages of a run: what it is, how it is, what can be asked of it, and the tabs.
//
// With `as_of` in the address, every page of the run shows it as it was after that event.

import { path, Problem } from "../api.js";
import { h } from "../h.js";
import { Page } from "../page.js";
import { to } from "../router.js";
import { settings } from "../settings.js";
import { sentence } from "../words.js";
import { count, duration, percent, short, time, visible } from "../format.js";
import { anySignalDialog, pauseDialog, resume, retryDialog, signalDialog, stopDialog } from "../widgets/actions.js";
import { badge } from "../widgets/badge.js";
import { icon } from "../widgets/icon.js";
import { loading, problemBox } from "../widgets/problem.js";
import { saveReport } from "../widgets/report.js";
import { Travel } from "../widgets/travel.js";

const FAILURES = new Set(["item.failed", "node.failed"]);
const ENDS = new Set(["run.succeeded", "run.failed", "run.stopped"]);

export class RunPage extends Page {
    /** @type {import("../store.js").RunStore} */
    store;
    /** Where it came from and what came from it: the answer of `GET /runs/{run}/lineage`. */
    lineage = null;
    #travel = null;

    start() {
        this.#take();
        this.atEnd(this.store.listen((events) => this.#tell(events)));
        this.app.api.get(path`/runs/${this.run}/lineage`, null, this.signal).then((lineage) => {
            this.lineage = lineage;
            this.soon();
        }, () => {
            // All else is shown without these links; what is wrong is told there.
        });
    }

    update() {
        this.#take();
    }

    /** On the desktop, for those who wanted that and look elsewhere: the end, and the first failure. */
    #tell(events) {
        if (!settings.notify || !document.hidden || Notification.permission !== "granted") return;
        const failed = this.failures ? null : events.find(({ type }) => FAILURES.has(type));
        const end = events.find(({ type }) => ENDS.has(type));
        for (const event of [failed, end]) {
            if (event) new Notification(visible(this.run, { max: 60 }), { body: sentence(event), tag: event.type });
        }
    }

    #take() {
        const { asOf } = this;
        this.store = this.app.store(this.run, asOf);
        if (asOf !== null) this.#travel ??= new Travel(this);
    }

    /** The event as of which the run is shown; null: as it is. */
    get asOf() {
        const sequence = Number(this.route.query.as_of);
        return Number.isSafeInteger(sequence) && sequence > 0 ? sequence : null;
    }

    /** Addresses of the run's pages, as of the same event. */
    get at() {
        const asOf = { as_of: this.asOf };
        return {
            tab: (tab, query) => to.run(this.run, tab, { ...asOf, ...query }),
            node: (node, query) => to.node(this.run, node, { ...asOf, ...query }),
            item: (node, key, query) => to.item(this.run, node, key, { ...asOf, ...query }),
        };
    }

    get run() {
        return this.route.params.run;
    }

    get back() {
        return "/runs";
    }

    /** How far it is, for the tab. */
    get #share() {
        const { done, total } = this.store.progress;
        return percent(done, total);
    }

    get failures() {
        return this.store.problems.reduce((sum, group) => sum + group.failures, 0);
    }

    get title() {
        const name = visible(this.run, { max: 60 });
        const { snapshot, isOpen, isPast } = this.store;
        if (!snapshot) return `${name} - ren`;
        const part = [this.part, isPast && `as of ${count(this.asOf)}`, name, "ren"].filter(Boolean).join(" - ");
        if (isPast) return part;
        const share = isOpen && snapshot.status === "running" ? this.#share.replace(" ", "") : snapshot.status;
        return `${share}${this.failures ? ` ✗${this.failures}` : ""} ${part}`;
    }

    /** Which page of the run it is, for the title. */
    get part() {
        const here = location.pathname;
        const [tab] = this.tabs.slice(1).find(([, address]) => here === address.split("?")[0]) ?? [];
        return tab ?? visible(this.route.params.key ?? this.route.params.node ?? "", { max: 60 });
    }

    get mark() {
        if (!this.store?.isOpen) return "";
        return `${parseInt(this.#share, 10)}${this.failures ? "!" : ""}`;
    }

    /** Name, address and title of the tabs; `1` to `6` go to them. */
    get tabs() {
        return [
            ["Overview", this.at.tab()],
            ["Timeline", this.at.tab("timeline")],
            ["Logs", this.at.tab("logs")],
            ["Journal", this.at.tab("journal")],
            ["Replay", this.at.tab("replay")],
            ["Compare", to.run(this.run, "compare")],
        ];
    }

    get keys() {
        const tabs = this.tabs.map(([name, address], index) => [
            String(index + 1),
            [name, () => this.app.router.go(address)],
        ]);
        const { isOpen, status } = this.store;
        const keys = { ...Object.fromEntries(tabs), ...this.#travel?.keys };
        const [waits] = this.#waits;
        if (waits) keys.a = ["Answer what it waits for", () => signalDialog(this.app, this.run, ...waits)];
        keys.F = ["Fork the run", () => this.app.router.go(this.at.tab("replay"))];
        if (isOpen && !this.#isEnding) {
            keys.p = [status === "paused" ? "Resume the run" : "Pause the run", () => this.#pauseOrResume()];
        }
        return keys;
    }

    /** Names and nodes that wait for an answer. */
    get #waits() {
        if (this.store.isPast) return [];
        return Object.entries(this.store.snapshot?.nodes ?? {}).filter(
            ([, node]) => node.status === "waiting" && node.signal !== undefined,
        );
    }

    /** Nothing can be asked of it but to wait. */
    get #isEnding() {
        return ["stopping", "ending"].includes(this.store.status);
    }

    #pauseOrResume() {
        const { status } = this.store;
        if (status === "paused" || status === "pausing") resume(this.app, this.run);
        else pauseDialog(this.app, this.run, () => this.store.inFlight);
    }

    view() {
        const { snapshot } = this.store;
        const isNowhere = this.asOf === null && this.route.query.as_of;
        const problem = isNowhere
            ? new Problem({ detail: `“${visible(isNowhere, { max: 60 })}” is no number of an event` })
            : this.store.problem;
        if (!snapshot || isNowhere) {
            return h("div", { class: "page" },
                h("h1", null, visible(this.run, { max: 100 })),
                problemBox(problem) ?? loading(),
                problem && h("p", null, !this.route.query.as_of
                    ? h("a", { href: "/runs" }, "All runs")
                    : h("a", { href: to.run(this.run) }, "The run as it is now")),
            );
        }
        return h(
            "div", { class: "page run" },
            this.#head(snapshot),
            this.#travel?.view(),
            this.#unready(snapshot),
            problemBox(this.problem),
            this.content(snapshot),
        );
    }

    /** What the page itself shows. */
    content() {
        return null;
    }

    #head(snapshot) {
        const here = location.pathname;
        const { isPast, now } = this.store;
        const until = snapshot.ended && !isPast ? Date.parse(snapshot.ended) : now;
        return h(
            "header", { class: "run-head" },
            h("p", { class: "trail" }, h("a", { href: "/runs" }, "Runs"), " / ",
                h("a", { href: to.flow(snapshot.flow) }, visible(snapshot.flow))),
            h("div", { class: "title-line" },
                h("h1", { title: snapshot.run }, visible(snapshot.run)),
                badge(snapshot.status, duration(until - Date.parse(snapshot.created))),
                h("span", { class: "sr", role: "status" }, `The run is ${snapshot.status}.`),
                this.#buttons(snapshot)),
            h("p", { class: "quiet" },
                "started ", h("span", { title: snapshot.created }, time(snapshot.created)),
                snapshot.ended && [
                    ", ended ",
                    h("span", { key: "ended", title: snapshot.ended }, time(snapshot.ended)),
                ],
                " · flow ",
                h("a", { href: to.flow(`${snapshot.flow}@${snapshot.flow_hash.slice(0, 12)}`) },
                    `${visible(snapshot.flow)}@${short(snapshot.flow_hash)}`,
                ),
                " · ", h("a", { href: to.run(this.run, "journal", { seq: snapshot.first }) }, "input"),
                this.#relatives(),
                snapshot.status !== "waiting" && this.store.isOpen && !snapshot.carried
                    && " · carried by nobody: resume takes it up"),
            h("nav", { class: "tabs", "aria-label": "Views of the run" }, this.tabs.map(([name, address], index) => h(
                "a", {
                    key: name,
                    href: address,
                    title: `${index + 1}`,
                    "aria-current": here === address.split("?")[0] ? "page" : null,
                }, name))),
        );
    }

    #buttons(snapshot) {
        const { app, run } = this;
        const { isOpen, status } = this.store;
        const waits = this.#waits;
        const isPaused = status === "paused" || status === "pausing";
        const failed = this.failures;
        return h(
            "div", { class: "actions" },
            waits.map(([name, node]) => h("button", {
                key: name, type: "button", class: "primary", onclick: () => signalDialog(app, run, name, node),
            }, icon("waiting"), waits.length > 1 ? `Answer ${visible(name, { max: 20 })}…` : "Answer…")),
            isOpen && !isPaused && h("button", {
                key: "pause", type: "button", onclick: () => this.#pauseOrResume(),
                disabled: this.#isEnding,
            }, icon("paused"), "Pause"),
            isOpen && (isPaused || !snapshot.carried) && h(
                "button",
                { type: "button", class: "primary", onclick: () => resume(app, run) },
                icon("running"),
                "Resume",
            ),
            isOpen && h("button", {
                type: "button", onclick: () => stopDialog(app, snapshot, () => this.store.unbegun),
                disabled: this.#isEnding,
            }, icon("stopped"), "Stop"),
            isOpen && h("button", { type: "button", onclick: () => this.#signal() }, icon("signal"), "Signal"),
            !this.store.isPast && failed > 0 && h(
                "button",
                { type: "button", onclick: () => retryDialog(app, run, {}, failed) },
                icon("retrying"),
                `Retry ${count(failed)} failed`,
            ),
            !this.store.isPast && failed === 0 && status === "stopped" && h(
                "button", { type: "button", onclick: () => retryDialog(app, run, {}, 0) }, icon("retrying"), "Go on…"),
            h("a", { class: "button", href: this.at.tab("replay") }, icon("fork"), "Fork"),
            !this.store.isPast && h("button", {
                type: "button", class: "plain", title: "Report: one file to send by mail",
                onclick: () => saveReport(this.store, this.app),
            }, icon("download"), "Report"),
        );
    }

    #relatives() {
        const { parent, forks: all } = this.lineage ?? { parent: null, forks: [] };
        // Those that were made later are not there yet.
        const forks = this.store.isPast ? [] : all;
        const own = forks.slice(0, 3).map((fork) => [
            " ", h("a", { key: fork.run, href: to.run(fork.run) }, visible(fork.run, { max: 40 })),
        ]);
        return [
            parent && [
                " · forked from ",
                h("a", { key: "parent", href: to.run(parent.run) }, visible(parent.run, { max: 60 })),
                " at ", h("a", { key: "at", href: to.run(parent.run, "replay", { as_of: parent.sequence }) },
                    `event ${count(parent.sequence)}`),
            ],
            forks.length > 0 && [
                " · forked into", own, forks.length > 3 && [
                    " and ", h("a", { key: "more", href: to.run(this.run, "compare") }, `${forks.length - 3} more`),
                ],
            ],
        ];
    }

    async #signal() {
        let names = [];
        const snapshot = this.store.snapshot;
        await this.read(async () => {
            const flow = await this.app.api.get(
                `/flows/${encodeURIComponent(`${snapshot.flow}@${snapshot.flow_hash}`)}`,
            );
            names = [...new Set(flow.signals.map((each) => each.signal).filter(Boolean))];
        });
        anySignalDialog(this.app, this.run, names);
    }

    #unready(snapshot) {
        if (snapshot.error) {
            return h("div", { class: "note bad" }, icon("failed"), h("strong", null,
                visible(snapshot.error.name),
            ), ` ${visible(snapshot.error.message, { max: 600 })}`,
                snapshot.error.frame && h("span", { class: "quiet" }, ` ${visible(snapshot.error.frame)}`));
        }
        if (this.store.isPreparing) {
            return h("div", { class: "note warn", role: "status" }, icon("retrying"),
                `What it shares with its parent is being listed: ${snapshot.preparing} %. It begins after that.`);
        }
        const waiting = snapshot.waiting;
        if (!waiting) return null;
        return h("div", { class: "note ask" }, icon("quarantined"), h("strong", null,
            "Ren cannot go on with it: ",
        ), visible(waiting.message, { max: 600 }),
            waiting.hint && h("span", { class: "quiet" }, ` ${visible(waiting.hint)}`));
    }
}

