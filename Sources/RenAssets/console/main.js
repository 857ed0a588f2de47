// The console: the frame around all pages, and what they share. An address leads to its page through `PAGES`.

import { API, path, Problem } from "./api.js";
import { h, Painter, render } from "./h.js";
import { Keys } from "./keys.js";
import { Router } from "./router.js";
import { apply, change, isDark, settings } from "./settings.js";
import { RunStore } from "./store.js";
import { Stream } from "./stream.js";
import { count } from "./format.js";
import { Dialogs, Toasts } from "./widgets/dialog.js";
import { empty } from "./widgets/problem.js";
import { helpSheet } from "./widgets/help.js";
import { icon } from "./widgets/icon.js";
import { Palette } from "./widgets/palette.js";
import { themeChanged } from "./widgets/colours.js";
import { FlowPage } from "./pages/flow.js";
import { FlowsPage } from "./pages/flows.js";
import { FunctionPage } from "./pages/function.js";
import { FunctionsPage } from "./pages/functions.js";
import { HomePage } from "./pages/home.js";
import { JournalPage } from "./pages/journal.js";
import { RunComparePage } from "./pages/run-compare.js";
import { RunItemPage } from "./pages/run-item.js";
import { RunJournalPage } from "./pages/run-journal.js";
import { RunLogsPage } from "./pages/run-logs.js";
import { RunNodePage } from "./pages/run-node.js";
import { RunOverviewPage } from "./pages/run-overview.js";
import { RunReplayPage } from "./pages/run-replay.js";
import { RunTimelinePage } from "./pages/run-timeline.js";
import { RunsPage } from "./pages/runs.js";
import { SettingsPage } from "./pages/settings.js";
import { SignInPage } from "./pages/sign-in.js";
import { WorkersPage } from "./pages/workers.js";

/** Address, and the page that shows it. */
const PAGES = [
    ["/", HomePage],
    ["/runs", RunsPage],
    ["/runs/:run", RunOverviewPage],
    ["/runs/:run/nodes/:node", RunNodePage],
    ["/runs/:run/items/:node/:key", RunItemPage],
    ["/runs/:run/items/:node?key", RunItemPage],
    ["/runs/:run/timeline", RunTimelinePage],
    ["/runs/:run/logs", RunLogsPage],
    ["/runs/:run/journal", RunJournalPage],
    ["/runs/:run/replay", RunReplayPage],
    ["/runs/:run/compare", RunComparePage],
    ["/flows", FlowsPage],
    ["/flows/:flow", FlowPage],
    ["/functions", FunctionsPage],
    ["/functions/:function", FunctionPage],
    ["/workers", WorkersPage],
    ["/journal", JournalPage],
    ["/settings", SettingsPage],
];
const AREAS = [
    ["Home", "/", "h"], ["Runs", "/runs", "r"], ["Flows", "/flows", "f"], ["Functions", "/functions", "u"],
    ["Workers", "/workers", "w"], ["Journal", "/journal", "j"], ["Settings", "/settings", "s"],
];
/** A break that is over sooner is not worth a word. */
const BANNER_AFTER = 3000;

class App {
    api = new API();
    dialogs = new Dialogs();
    toasts = new Toasts();
    keys = new Keys();
    painter = new Painter(() => this.#draw());
    stream = new Stream(this.api, (what) => this.#streamed(what));
    palette = new Palette(this);
    router;
    /** @type {import("./page.js").Page | null} */
    page = null;
    /** Newer than these files: said once. */
    isOutdated = false;
    #root = document.getElementById("app");
    #store = null;
    #signIn = null;
    #favicon = "";
    /** How often a page was made anew: what was drawn for the one before is not taken over. */
    #reopened = 0;

    async start() {
        apply();
        this.router = new Router(PAGES.map(([pattern], index) => [pattern, index]), (route) => this.#routed(route));
        this.keys.add(() => ({ name: "Everywhere", keys: this.#keys }));
        this.keys.add(() => ({ name: "This page", keys: this.page?.keys ?? {} }));
        this.api.onRefused = () => this.#askForLink();
        await this.#enter();
        addEventListener("hashchange", () => this.#enter());
        this.router.start();
        this.stream.start();
        // The number of the newest event moves on every page.
        this.stream.subscribe({ topic: "runs", kinds: ["event"] }, {});
        // Times that are told as "3 s ago" grow by themselves.
        setInterval(() => document.hidden || this.#tick(), 1000);
    }

    /** The one-time code of `ren open` stands in the fragment, which is sent nowhere. */
    async #enter() {
        const code = new URLSearchParams(location.hash.slice(1)).get("code");
        if (code) {
            history.replaceState(null, "", location.pathname + location.search);
            try {
                await this.api.redeem(code);
                this.signedIn();
            } catch (problem) {
                if (!this.api.token) this.#askForLink(problem);
            }
        } else if (!this.api.token) {
            this.api.token = await this.api.tokenOfOtherTab();
            if (!this.api.token) this.#askForLink();
        }
    }

    signedIn() {
        if (!this.#signIn) return;
        this.#signIn = null;
        this.stream.start();
        if (this.router.current) this.#routed(this.router.current);
    }

    #askForLink(problem = null) {
        this.stream.stop();
        this.dialogs.close();
        // What is behind the next link may be another ren.
        this.#store?.end();
        this.#store = null;
        this.#signIn = new SignInPage(this, problem instanceof Problem ? problem : null);
        this.page?.stop();
        this.page = null;
        this.painter.now();
    }

    // Runs

    /** What is known of a run, or of the run as of an event; pages of the same run share it. */
    store(run, asOf = null) {
        const kept = this.#store;
        if (kept?.run === run && !kept.problem && kept.isPast === (asOf !== null)) {
            if (kept.isPast) kept.travel(asOf);
            return kept;
        }
        kept?.end();
        this.#store = new RunStore(
            run, this.api, this.stream, () => this.painter.soon(), () => this.#reopen(), asOf);
        return this.#store;
    }

    /** Sends a command, and says which event it became. Gives back whether it was taken. */
    async command(run, word, body, said, options) {
        try {
            const answer = await this.api.post(`${path`/runs/${run}`}:${word}`, body, options);
            this.toasts.say(`${said} `, {
                href: `${path`/runs/${run}`}/journal?seq=${answer.sequence}`, text: `event ${count(answer.sequence)}`,
            });
            return null;
        } catch (error) {
            if (!(error instanceof Problem)) throw error;
            return error;
        }
    }

    // Pages

    #routed(route) {
        if (this.#signIn) return;
        const Kind = PAGES[route.name]?.[1];
        const isSame = this.page && Kind === this.page.constructor
            && JSON.stringify(route.params) === JSON.stringify(this.page.route.params)
            // A run as it was is another thing than the run.
            && !route.query.as_of === !this.page.route.query.as_of;
        if (isSame) {
            this.page.route = route;
            this.page.update();
        } else {
            this.dialogs.close();
            this.page?.stop();
            this.page = Kind ? new Kind(this, route) : null;
            if (this.#store && this.#store.run !== route.params.run) {
                this.#store.end();
                this.#store = null;
            }
            this.page?.start();
        }
        this.painter.now();
    }

    /** A page that missed something, or could not be read, is made anew. */
    #reopen() {
        if (!this.page) return;
        this.#reopened += 1;
        this.page.stop();
        this.page = new this.page.constructor(this, this.router.current);
        this.page.start();
        this.painter.soon();
    }

    #tick() {
        const { page } = this;
        const isUnread = page?.problem?.isAway || page?.store?.problem?.isAway;
        if (isUnread && this.stream.state === "live") this.#reopen();
        this.painter.soon();
    }

    #streamed(what) {
        if (what === "server") this.isOutdated = true;
        if (what === "state" && this.stream.state === "down") setTimeout(() => this.painter.soon(), BANNER_AFTER + 50);
        this.painter.soon();
    }

    get #keys() {
        const go = Object.fromEntries(AREAS.map(([name, address, key]) => [
            `g ${key}`,
            [name, () => this.router.go(address)],
        ]));
        return {
            "?": ["This sheet", () => this.#help()],
            "Ctrl-K": ["Go to, or do, by name", () => this.palette.open()],
            ...go,
            "/": ["Find on the page", () => document.querySelector("[data-find]")?.focus()],
            t: ["Light or dark", () => this.toggleTheme()],
            c: ["Copy the link of what is shown", () => this.copy(location.href, "The link")],
            ".": ["Times: how long ago, or when", () => this.toggleTime()],
            Escape: ["Back", () => (this.page?.back ? this.router.go(this.page.back) : null)],
        };
    }

    #help() {
        const extra = {
            name: "Lists", keys: {
                "j k": ["Next and previous row"],
                Enter: ["Open the row"],
                "↑ ↓": ["The same, in a list that has the focus"],
            },
        };
        this.dialogs.open(() => helpSheet([...this.keys.list, extra], () => this.dialogs.close()), {
            className: "wide", label: "Keys",
        });
    }

    toggleTheme() {
        change({ theme: isDark() ? "light" : "dark" });
        themeChanged();
        this.painter.now();
    }

    toggleTime() {
        change({ time: settings.time === "relative" ? "local" : "relative" });
        this.painter.now();
    }

    async copy(text, what) {
        try {
            await navigator.clipboard.writeText(text);
            this.toasts.say(`${what} is copied.`);
        } catch {
            this.toasts.say("The browser does not let this page copy.", null, true);
        }
    }

    // The frame

    #draw() {
        if (!this.router?.current && !this.#signIn) return;
        const focus = document.activeElement;
        render(this.#frame(), this.#root);
        // What had the focus is gone: it does not fall out of the page.
        if (!focus.isConnected) document.getElementById("main").focus({ preventScroll: true });
        this.dialogs.paint();
        this.#drawTitle();
    }

    #frame() {
        const page = this.#signIn ?? this.page;
        return h(
            "div", { class: "frame" },
            h("a", { class: "skip", href: "#main", onclick: skip }, "Skip to the page"),
            this.#bar(),
            this.#banner(),
            h(
                "main",
                { id: "main", tabindex: -1, key: page ? `${page.constructor.name} ${this.#reopened}` : "missing" },
                page ? page.view() : h("div", { class: "page" },
                    h("h1", null, "There is no such page"),
                    empty("The address leads nowhere", h("a", { href: "/" }, "Home")),
                ),
            ),
        );
    }

    #bar() {
        const here = this.router.current ? location.pathname : "";
        return h(
            "header", { class: "top" },
            h("a", { class: "brand", href: "/", "aria-label": "ren, home" }, "ren"),
            h("nav", { "aria-label": "Areas" }, AREAS.slice(0, 6).map(([name, address]) => h(
                "a",
                {
                    key: name, href: address,
                    "aria-current": here === address || (address !== "/" && here.startsWith(`${address}/`))
                        ? "page"
                        : null,
                }, name))),
            h("div", { class: "tools" },
                h("button", { type: "button", class: "search", onclick: () => this.palette.open() },
                    icon("search"), h("span", { class: "words" }, "Go to "), h("kbd", null, "Ctrl-K")),
                this.#live(),
                h("button", {
                    type: "button", class: "plain", title: "Light or dark (t)", "aria-label": "Light or dark",
                    onclick: () => this.toggleTheme(),
                }, icon("theme")),
                h("button", {
                    type: "button", class: "plain", title: "Keys (?)", "aria-label": "Keys",
                    onclick: () => this.#help(),
                }, icon("help")),
                h("a", { href: "/settings", class: "quiet-link", "aria-current": here === "/settings" ? "page" : null },
                    "Settings",
                )),
        );
    }

    #live() {
        const { state, head } = this.stream;
        if (!this.api.token) return null;
        const words = { live: "live", connecting: "connecting", down: "reconnecting" };
        return h(
            "span", { class: `live ${state}`, title: `newest event ${count(head)}, ${location.host}` },
            h("span", { class: "dot", "aria-hidden": "true" }),
            // Said aloud when it changes; the number moves all the time and is not.
            h("span", { role: "status" }, words[state]),
            h("span", { class: "head", "aria-hidden": "true" }, ` ${count(head)}`),
        );
    }

    #banner() {
        if (this.isOutdated) {
            return h("div", { class: "banner", role: "status" }, "ren was replaced by another version. ",
                h("button", { type: "button", class: "small", onclick: () => location.reload() }, "Load its console"));
        }
        const { downSince, heard } = this.stream;
        if (!downSince || Date.now() - downSince < BANNER_AFTER || this.#signIn) return null;
        return h(
            "div", { class: "banner", role: "status" }, icon("retrying"),
            `ren does not answer; what you see is as of ${new Date(heard || downSince).toLocaleTimeString("en-GB")}. `
            + "The page goes on by itself when ren is back.");
    }

    #drawTitle() {
        const title = (this.#signIn ?? this.page)?.title ?? "ren";
        if (document.title !== title) document.title = title;
        const mark = this.page?.mark ?? "";
        if (mark === this.#favicon) return;
        this.#favicon = mark;
        const element = document.querySelector("link[rel=icon]");
        if (mark) element.href = drawFavicon(mark);
        else element.href = "/console/favicon.svg";
    }
}

function skip(event) {
    event.preventDefault();
    document.getElementById("main").focus();
}

/** How far the run is, as a ring; red when something failed. @param {string} mark `64` or `64!` */
function drawFavicon(mark) {
    const share = parseInt(mark, 10) / 100;
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 32;
    const context = canvas.getContext("2d");
    context.lineWidth = 7;
    context.strokeStyle = "#9aa4af";
    context.beginPath();
    context.arc(16, 16, 12, 0, 2 * Math.PI);
    context.stroke();
    context.strokeStyle = mark.endsWith("!") ? "#d03b3b" : "#2457c5";
    context.beginPath();
    context.arc(16, 16, 12, -Math.PI / 2, -Math.PI / 2 + 2 * Math.PI * share);
    context.stroke();
    return canvas.toDataURL("image/png");
}

const app = new App();
/** For tests, which look at what was counted. */
globalThis.ren = app;
app.start();
