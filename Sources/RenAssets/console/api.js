// The API of this ren: requests with the token, and its problems (RFC 9457) as errors.

import { parseJSON } from "./exact.js";
import { learnClock } from "./format.js";

const TOKEN = "ren.token";
const ROOT = "/api/v1";

const AWAY = "unreachable";

/** What the service answers instead of what was asked for, or what the page itself finds wrong: `status` 0, no code. */
export class Problem extends Error {
    constructor({ status = 0, code = "", detail, hint, errors, ...more }) {
        super(detail ?? code);
        Object.assign(this, { status, code, hint, errors: errors ?? [], more });
    }

    /** Whether ren could not be reached. */
    get isAway() {
        return this.code === AWAY;
    }
}

/** Texts of the journal are shown to people, so what is sent by mistake twice must have one effect. */
function requestKey() {
    return Array.from(
        crypto.getRandomValues(new Uint8Array(12)),
        (byte) => byte.toString(16).padStart(2, "0"),
    ).join("");
}

export class API {
    #token = null;
    #channel = "BroadcastChannel" in globalThis ? new BroadcastChannel(TOKEN) : null;
    /** Called when the token is not, or no longer, the one of this ren. */
    onRefused = () => {};

    constructor() {
        this.#token = sessionStorage.getItem(TOKEN);
        this.#channel?.addEventListener("message", ({ data }) => {
            // Another tab of this very origin was opened without a link of its own.
            if (data === "?" && this.#token) this.#channel.postMessage({ token: this.#token });
        });
    }

    get token() {
        return this.#token;
    }

    set token(token) {
        this.#token = token;
        if (token) sessionStorage.setItem(TOKEN, token);
        else sessionStorage.removeItem(TOKEN);
    }

    /** Asks other tabs for the token; they answer at once or not at all. */
    async tokenOfOtherTab() {
        if (!this.#channel) return null;
        return new Promise((done) => {
            const listen = ({ data }) => {
                if (typeof data?.token === "string") finish(data.token);
            };
            const finish = (token) => {
                clearTimeout(timer);
                this.#channel.removeEventListener("message", listen);
                done(token);
            };
            const timer = setTimeout(() => finish(null), 200);
            this.#channel.addEventListener("message", listen);
            this.#channel.postMessage("?");
        });
    }

    /** Trades the code of a link for the token. */
    async redeem(code) {
        this.token = (await this.#send("POST", "/session", { body: { code } })).token;
    }

    get(path, query, signal) {
        return this.#send("GET", path, { query, signal });
    }

    /** `ifMatch`: the control version of the run that the asker saw; with another one the service refuses. */
    post(path, body = {}, { ifMatch, query } = {}) {
        const headers = { "Idempotency-Key": requestKey() };
        if (ifMatch !== undefined) headers["If-Match"] = `"${ifMatch}"`;
        return this.#send("POST", path, { body, headers, query });
    }

    async bytes(path, query, signal) {
        const response = await this.#fetch("GET", path, { query, signal });
        return { bytes: new Uint8Array(await response.arrayBuffer()), asOf: Number(response.headers.get("Ren-As-Of")) };
    }

    /** A page of a log as text, and the position behind it. */
    async log(path, query, signal) {
        const response = await this.#fetch("GET", path, { query, signal, headers: { Accept: "text/plain" } });
        return { text: await response.text(), position: response.headers.get("Ren-Log-Position") };
    }

    async text(path, query, accept = "text/plain") {
        return (await this.#fetch("GET", path, { query, headers: { Accept: accept } })).text();
    }

    async #send(method, path, options) {
        return parseJSON(await (await this.#fetch(method, path, options)).text());
    }

    async #fetch(method, path, { query, body, headers = {}, signal } = {}) {
        // What the service links to is an address already.
        const isWhole = /^\/(api\/|health|metrics|openapi|problems)/.test(path);
        const address = new URL(isWhole ? path : ROOT + path, location.origin);
        for (const [name, value] of Object.entries(query ?? {})) {
            if (value !== null && value !== undefined && value !== "") address.searchParams.set(name, value);
        }
        const fields = { ...headers };
        if (this.#token) fields.Authorization = `Bearer ${this.#token}`;
        if (body !== undefined) fields["Content-Type"] = "application/json";
        let response;
        try {
            response = await fetch(address, {
                method, headers: fields, signal, cache: "no-store", credentials: "omit", redirect: "error",
                body: body === undefined ? undefined : JSON.stringify(body),
            });
        } catch (error) {
            if (error.name === "AbortError") throw error;
            throw new Problem({
                code: AWAY, detail: "ren does not answer",
                hint: "see that `ren serve` runs; the page goes on by itself when it does",
            });
        }
        learnClock(response.headers.get("Date"));
        // A service that is not ready says why, with its own status.
        if (response.ok || path === "/health/ready") return response;
        let problem;
        try {
            problem = new Problem(parseJSON(await response.text()));
        } catch {
            problem = new Problem({ status: response.status, code: "http", detail: `ren answered ${response.status}` });
        }
        if (response.status === 401 && problem.code !== "link.invalid") {
            this.token = null;
            this.onRefused(problem);
        }
        throw problem;
    }
}

/** A path with its names encoded: path`/runs/${run}/nodes/${node}`. */
export function path(words, ...names) {
    return words.reduce((text, word, index) => text + encodeURIComponent(names[index - 1]) + word);
}

/**
 * Where an item is, and what of that stands in the query: browsers take the keys `.` and `..` out of any path.
 *
 * @returns {[string, {key: string} | null]}
 */
export function itemPath(run, node, key, rest = "") {
    const isStep = key === "." || key === "..";
    return isStep
        ? [path`/runs/${run}/items/${node}` + rest, { key }] : [path`/runs/${run}/items/${node}/${key}` + rest, null];
}
