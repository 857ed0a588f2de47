// What all pages have in common.

import { Problem } from "./api.js";

/**
 * A page: made when its address is opened, told of other states of it, and ended when another one comes.
 *
 * `start`, `update` (after `this.route` changed) and `stop` may be overridden; `view` describes it.
 */
export class Page {
    app;
    route;
    /** @type {Problem | null} why there is nothing to show */
    problem = null;
    #endings = [];
    #abort = new AbortController();

    constructor(app, route) {
        this.app = app;
        this.route = route;
    }

    /** Of the tab. */
    get title() {
        return "ren";
    }

    start() {}

    update() {}

    stop() {
        this.#abort.abort();
        for (const end of this.#endings) end();
    }

    get signal() {
        return this.#abort.signal;
    }

    /** After something that the user did. */
    paint = () => this.app.painter.now();
    /** After something that came by itself. */
    soon = () => this.app.painter.soon();

    /** @param {() => void} ending called when the page ends */
    atEnd(ending) {
        this.#endings.push(ending);
    }

    /** Follows something on the live stream until the page ends. */
    follow(wanted, handlers) {
        const subscription = this.app.stream.subscribe(wanted, handlers);
        this.atEnd(() => subscription.end());
        return subscription;
    }

    every(milliseconds, body) {
        const timer = setInterval(() => document.hidden || body(), milliseconds);
        this.atEnd(() => clearInterval(timer));
    }

    /** Reads something; a problem becomes that of the page. Gives back whether it was read. */
    async read(body) {
        try {
            await body();
            this.problem = null;
            return true;
        } catch (error) {
            if (error.name === "AbortError") return false;
            if (!(error instanceof Problem)) throw error;
            this.problem = error;
            return false;
        } finally {
            this.soon();
        }
    }

    /** Keys of this page: `{key: [what it does, body]}`. */
    get keys() {
        return {};
    }
}

/** Calls `body` after `wait` ms without another call. */
export function debounced(body, wait = 200) {
    let timer = 0;
    return (...values) => {
        clearTimeout(timer);
        timer = setTimeout(() => body(...values), wait);
    };
}

/** Calls `body` at most once in `wait` ms, and at last. */
export function throttled(body, wait) {
    let [timer, last] = [0, 0];
    return () => {
        timer ||= setTimeout(() => {
            timer = 0;
            last = Date.now();
            body();
        }, Math.max(0, last + wait - Date.now()));
    };
}
