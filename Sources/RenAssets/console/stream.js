// The live stream `ren.v1`: one WebSocket for the page, on which it follows what it shows.
//
// Each subscription remembers the last event that it was given. After a break it goes on behind it: nothing is missed
// and nothing comes twice.

import { parseJSON } from "./exact.js";
import { now } from "./format.js";
import { settings } from "./settings.js";

const RETRY_FIRST = 250;
const RETRY_MAX = 4000;
/** A page that was hidden so long is not told of events, unless it is to tell of them. */
const HIDDEN_AFTER = 30_000;
/** Heard nothing for so long, the page asks whether ren is still there, and waits so long for an answer. */
const SILENCE = 15_000;
const ANSWER_WITHIN = 5_000;
/** Behind so many, a new snapshot is cheaper than the events themselves. */
const REPLAY_MAX = 5000;

export class Stream {
    /** connecting, live or down */
    state = "connecting";
    /** Newest sequence number that the page heard of. */
    head = 0;
    /** When something was last heard. */
    heard = 0;
    /** When the head was last seen to move; 0 before. */
    moved = 0;
    downSince = null;
    server = null;
    #journal = null;
    #isConnectedAgain = false;
    #api;
    #changed;
    #socket = null;
    #wait = RETRY_FIRST;
    #timer = 0;
    #hideTimer = 0;
    #next = 1;
    /** @type {Map<string, Subscription>} */
    #subscriptions = new Map();

    /** @param {(what: "state" | "head" | "server") => void} changed */
    constructor(api, changed) {
        this.#api = api;
        this.#changed = changed;
        document.addEventListener("visibilitychange", () => this.#visibility());
        addEventListener("online", () => this.#retryNow());
        setInterval(() => this.#ask(), ANSWER_WITHIN);
    }

    start() {
        if (!this.#socket && this.#api.token) this.#connect();
    }

    stop() {
        clearTimeout(this.#timer);
        this.#close();
    }

    /** Breaks the connection, as networks do; it is taken up again. */
    interrupt() {
        this.#socket?.close();
    }

    /**
     * @param {object} wanted members of `subscribe` but `op` and `id`
     * @param {{events?: (events: object[]) => void, progress?: (nodes: object, sequence: number) => void,
     *     log?: (lines: object[], position: string) => void, reset?: () => void,
     *     failed?: (problem: object) => void}} handlers
     *     `reset`: read anew, for something was missed. With `since` the subscription is over: the place to go on from
     *     is no longer there, or too far away; subscribe again. Without, it goes on: the connection was broken
     */
    subscribe(wanted, handlers) {
        const subscription = new Subscription(`s${this.#next++}`, wanted, handlers);
        this.#subscriptions.set(subscription.id, subscription);
        if (this.state === "live") this.#send(subscription.message());
        return {
            get position() {
                return subscription.position;
            },
            end: () => {
                if (!this.#subscriptions.delete(subscription.id)) return;
                if (this.state === "live") this.#send({ op: "unsubscribe", id: subscription.id });
            },
        };
    }

    #connect() {
        clearTimeout(this.#timer);
        const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/api/v1/stream`, "ren.v1");
        this.#socket = socket;
        socket.onopen = () => this.#send({ op: "hello", client: "console/1", token: this.#api.token, batch_ms: 200 });
        socket.onmessage = ({ data }) => this.#take(parseJSON(data));
        socket.onclose = ({ code }) => {
            if (this.#socket === socket) this.#lost(code);
        };
    }

    #lost(code) {
        this.#socket = null;
        this.downSince ??= Date.now();
        this.#be("down");
        if (code === 4401) {
            this.#api.token = null;
            this.#api.onRefused();
            return;
        }
        this.#timer = setTimeout(() => this.#connect(), this.#wait);
        this.#wait = Math.min(RETRY_MAX, this.#wait * 2);
    }

    /** A connection alone says nothing: the system keeps that of a process that stands still. */
    async #ask() {
        if (this.state !== "live" || document.hidden || Date.now() - this.heard < SILENCE) return;
        const socket = this.#socket;
        try {
            await fetch("/health/live", { cache: "no-store", signal: AbortSignal.timeout(ANSWER_WITHIN - 500) });
            this.heard = Date.now();
        } catch {
            if (this.#socket !== socket) return;
            this.#close();
            this.#lost();
        }
    }

    #retryNow() {
        if (this.#socket || !this.#api.token) return;
        this.#wait = RETRY_FIRST;
        this.#connect();
    }

    #close() {
        const socket = this.#socket;
        this.#socket = null;
        socket?.close();
    }

    #visibility() {
        clearTimeout(this.#hideTimer);
        if (!document.hidden) {
            this.#retryNow();
        } else if (!settings.notify) {
            this.#hideTimer = setTimeout(() => {
                clearTimeout(this.#timer);
                this.#close();
                this.#be("connecting");
            }, HIDDEN_AFTER);
        }
    }

    #send(message) {
        if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
    }

    #be(state) {
        if (this.state === state) return;
        this.state = state;
        this.#changed("state");
    }

    #take(message) {
        this.heard = Date.now();
        const subscription = this.#subscriptions.get(message.id);
        switch (message.op) {
            case "welcome":
                this.#welcome(message);
                break;
            case "events":
                if (subscription) this.#moved(subscription.take(message.events));
                break;
            case "progress":
                subscription?.handlers.progress?.(message.nodes, message.sequence);
                this.#moved(message.sequence);
                break;
            case "log":
                if (!subscription) break;
                subscription.logPosition = message.position;
                subscription.handlers.log?.(message.lines, message.position);
                break;
            case "bookmark":
                if (subscription) subscription.position = Math.max(subscription.position ?? 0, message.sequence);
                this.#moved(message.sequence);
                break;
            case "error":
                this.#failed(subscription, message.problem);
                break;
        }
    }

    #welcome({ journal, head, server }) {
        const isOther = this.#journal !== null && this.#journal !== journal;
        const isNewServer = this.server !== null && this.server !== server;
        this.#journal = journal;
        this.server = server;
        this.#wait = RETRY_FIRST;
        this.downSince = null;
        this.head = isOther ? head : Math.max(this.head, head);
        this.#be("live");
        for (const subscription of [...this.#subscriptions.values()]) {
            // One that was told before may have ended this one.
            if (!this.#subscriptions.has(subscription.id)) continue;
            const behind = head - (subscription.position ?? head);
            if (!subscription.isResumed) {
                subscription.position = null;
                this.#send(subscription.message());
                if (this.#isConnectedAgain) subscription.handlers.reset?.();
            } else if (isOther || behind > REPLAY_MAX || behind < 0) this.#reset(subscription);
            else this.#send(subscription.message());
        }
        this.#isConnectedAgain = true;
        if (isNewServer) this.#changed("server");
    }

    #failed(subscription, problem) {
        if (!subscription) return;
        if (["watch.future", "watch.compacted"].includes(problem.code)) this.#reset(subscription);
        else {
            this.#subscriptions.delete(subscription.id);
            subscription.handlers.failed?.(problem);
        }
    }

    #reset(subscription) {
        this.#subscriptions.delete(subscription.id);
        subscription.handlers.reset?.();
    }

    #moved(sequence) {
        if (!(sequence > this.head)) return;
        this.head = sequence;
        this.moved = now();
        this.#changed("head");
    }
}

class Subscription {
    position;
    logPosition;

    constructor(id, wanted, handlers) {
        this.id = id;
        this.wanted = wanted;
        this.handlers = handlers;
        /** Whether it goes on behind the last event after a break; else it is for what comes. */
        this.isResumed = wanted.since !== undefined;
        this.position = wanted.since ?? null;
        this.logPosition = wanted.log?.after;
    }

    message() {
        const message = { ...this.wanted, op: "subscribe", id: this.id };
        if (this.isResumed) message.since = this.position;
        if (this.wanted.log) message.log = { ...this.wanted.log, after: this.logPosition };
        return message;
    }

    /** Hands out what is new; gives back the last sequence number. */
    take(events) {
        const known = this.position ?? 0;
        const fresh = events[0]?.sequence > known ? events : events.filter((event) => event.sequence > known);
        if (!fresh.length) return known;
        this.position = fresh[fresh.length - 1].sequence;
        this.handlers.events?.(fresh);
        return this.position;
    }
}
