// Addresses of pages. Every state of a page stands in its address, so that a copied link shows the same.

import { itemPath, path } from "./api.js";

/** Builds addresses; `query` leaves out what is empty. */
export function link(address, query) {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query ?? {})) {
        if (value !== null && value !== undefined && value !== "" && value !== false) search.set(name, value);
    }
    const text = search.toString();
    return text ? `${address}?${text}` : address;
}

export const to = {
    run: (run, tab, query) => link(path`/runs/${run}` + (tab ? `/${tab}` : ""), query),
    node: (run, node, query) => link(path`/runs/${run}/nodes/${node}`, query),
    item: (run, node, key, query) => {
        const [address, inQuery] = itemPath(run, node, key);
        return link(address, { ...query, ...inQuery });
    },
    flow: (name, query) => link(path`/flows/${name}`, query),
    function: (name) => path`/functions/${name}`,
    event: (sequence) => link("/journal", { seq: sequence }),
};

export class Router {
    #routes;
    #changed;
    /** @type {{name: string, params: Record<string, string>, query: Record<string, string>}} */
    current;

    /**
     * @param {[string, string][]} routes patterns such as `/runs/:run`, or `/runs/:run?key` with a name that the query
     *     must have, with the names of their pages
     * @param {(route: object) => void} changed
     */
    constructor(routes, changed) {
        this.#changed = changed;
        this.#routes = routes.map(([pattern, name]) => {
            const [address, inQuery] = pattern.split("?");
            return { name, parts: address.split("/"), inQuery };
        });
        addEventListener("popstate", () => this.#read());
        document.addEventListener("click", (event) => this.#click(event));
    }

    start() {
        this.#read();
    }

    go(address) {
        history.pushState(null, "", address);
        this.#read();
        scrollTo(0, 0);
    }

    /** Another state of the same page: no new entry in the history unless `isStep`. */
    set(query, { isStep = false } = {}) {
        const next = link(location.pathname, { ...this.current.query, ...query });
        if (next === location.pathname + location.search) return;
        history[isStep ? "pushState" : "replaceState"](null, "", next);
        this.#read();
    }

    #read() {
        this.current = this.match(location.pathname, location.search);
        this.#changed(this.current);
    }

    match(pathname, search) {
        const query = Object.fromEntries(new URLSearchParams(search));
        const given = pathname.replace(/(.)\/$/, "$1").split("/");
        for (const { name, parts, inQuery } of this.#routes) {
            if (parts.length !== given.length || inQuery && query[inQuery] === undefined) continue;
            const params = inQuery ? { [inQuery]: query[inQuery] } : {};
            const fits = parts.every((part, index) => {
                if (!part.startsWith(":")) return part === given[index];
                try {
                    params[part.slice(1)] = decodeURIComponent(given[index]);
                } catch {
                    return false;
                }
                return given[index] !== "";
            });
            if (fits) return { name, params, query };
        }
        return { name: "missing", params: {}, query };
    }

    #click(event) {
        const hasModifier = event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;
        if (event.defaultPrevented || event.button || hasModifier) return;
        const anchor = event.target.closest?.("a[href]");
        // Anchors in drawings have an animated address.
        const href = anchor?.getAttribute("href");
        if (!href?.startsWith("/") || anchor.hasAttribute("download") || anchor.getAttribute("target")) return;
        if (/^\/(docs|openapi\.json|problems|metrics)/.test(href)) return;
        event.preventDefault();
        this.go(href);
    }
}
